package montecarlo_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Chains have the posterior means of the eight schools, with and without a flow.
func TestHamiltonianChains(t *testing.T) {
	target := targets.EightSchools{}
	want := target.Means()
	for name, model := range map[string]*nf.NormalizingFlow{
		"no flow":   nf.NewNormalizingFlow(nf.NewDiagGaussian(10, nil), nil),
		"some flow": nf.NewRealNVP(10, &nf.ModelOptions{Layers: 2, Hidden: 8}, rand.NewPCG(1, 2)),
	} {
		c, err := montecarlo.HamiltonianChains(context.Background(), model, target, 8, 500, &montecarlo.ChainsOptions{WarmUp: 150}, rand.NewPCG(3, 4))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(c.Acceptance-0.8) > 0.15 {
			t.Errorf("%s: %v of the moves are accepted, want about 0.8", name, c.Acceptance)
		}
		for j := range want {
			chains := c.Column(j)
			for i, x := range c.Draws { // in the coordinates of the problem
				p := target.Parameters(x)
				for k := range chains[i] {
					chains[i][k] = p.At(k, j)
				}
			}
			all := slices.Concat(chains...)
			mean, sd := stat.MeanStdDev(all, nil)
			worth := eval.BulkEffectiveSampleSize(chains)
			if r := eval.RHat(chains); r > 1.03 || worth < 300 || math.Abs(mean-want[j]) > 4.5*sd/math.Sqrt(worth) {
				t.Errorf("%s, parameter %d: mean %v ± %v, R̂ %v, worth %v, want %v", name, j, mean, sd/math.Sqrt(worth), r, worth, want[j])
			}
		}
	}
}

func TestHamiltonianChainsEdges(t *testing.T) {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	var first []float64
	testkit.OnCores(func(cores int) {
		c, err := montecarlo.HamiltonianChains(context.Background(), model, targets.DoubleWell{}, 20, 10, &montecarlo.ChainsOptions{WarmUp: 5}, rand.NewPCG(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Concat(c.Column(0)...)
		if first == nil {
			first = got
		} else if !floats.Equal(got, first) {
			t.Errorf("%d cores give other draws", cores)
		}
	})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for want, c := range map[string]struct {
		ctx    context.Context
		target nf.Target
	}{
		"ended after 0 of 10 draws: context canceled": {cancelled, targets.DoubleWell{}},
		"is NaN on a trajectory of chain":             {context.Background(), nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Log().RowSum() })},
		"the density 0 where chains begin":            {context.Background(), nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.LogIndicator(90, 91).RowSum() })},
	} {
		if _, err := montecarlo.HamiltonianChains(c.ctx, model, c.target, 4, 10, nil, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	testkit.WantPanic(t, "0 chains of 10 draws", func() {
		_, _ = montecarlo.HamiltonianChains(context.Background(), model, targets.DoubleWell{}, 0, 10, nil, rand.NewPCG(1, 2))
	})
}
