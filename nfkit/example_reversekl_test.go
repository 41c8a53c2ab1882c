package nfkit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
)

// A model learns a density of which there are no samples, and then estimates its normaliser.
func ExampleNormalizingFlow_ReverseKL() {
	crescent := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { // ln p̃ = −½(a² + (b − a²/2)²), and Z is 2π
		a, b := x.Slice(0, 1), x.Slice(1, 2)
		return a.Square().Add(b.Sub(a.Square().Scale(0.5)).Square()).Scale(-0.5)
	})
	const steps = 300
	src := rand.NewPCG(1, 2)
	model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 4, Hidden: 32}, src)
	objective := model.ReverseKL(crescent, 256, &nf.ReverseKLOptions{PathGradient: true})
	nf.Must(nf.Fit(context.Background(), objective, nil, &nf.FitOptions{Steps: steps, Schedule: nf.Cosine(5e-3, 0, steps)}, src))
	_, logWeights := model.ImportanceSample(crescent, 20_000, src)
	logZ := eval.LogNormalizer(logWeights).Value
	fmt.Printf("ln Z = %.2f, in truth %.4f\n", logZ, math.Log(2*math.Pi))
	fmt.Println("samples are worth half their number or more:", eval.EffectiveSampleSize(logWeights) >= 10_000)
	// Output:
	// ln Z = 1.84, in truth 1.8379
	// samples are worth half their number or more: true
}
