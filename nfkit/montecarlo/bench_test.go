package montecarlo_test

import (
	"context"
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// A draw of each of 10,000 chains on the many-well, ten leapfrog steps each.
func BenchmarkHamiltonianChains(b *testing.B) {
	const chains, leapfrogs = 10_000, 10
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(32, nil), nil)
	b.ReportAllocs()
	if _, err := montecarlo.HamiltonianChains(context.Background(), model, targets.ManyWell{}, chains, max(1, b.N), &montecarlo.ChainsOptions{WarmUp: 1, Leapfrogs: leapfrogs, StepSize: 0.1}, rand.NewPCG(1, 2)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)*chains*leapfrogs/b.Elapsed().Seconds(), "leapfrogs/s")
}
