package montecarlo_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// The evidence of a posterior without a trained model: points go from a normal distribution to the posterior.
func ExampleSequentialMonteCarlo() {
	target := targets.EightSchools{}
	points, err := montecarlo.SequentialMonteCarlo(context.Background(), nf.NewDiagGaussian(10, nil), target, 1000, nil, rand.NewPCG(1, 2))
	if err != nil {
		fmt.Println(err)
		return
	}
	e := points.LogNormalizer
	fmt.Printf("within five standard errors: %t\n", math.Abs(e.Value-target.LogNormalizer()) < 5*e.Error)
	// Output: within five standard errors: true
}

// The same from points of the posterior of independent chains.
func ExampleHamiltonianChains() {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(10, nil), nil) // the better the model, the longer the steps
	chains, err := montecarlo.HamiltonianChains(context.Background(), model, targets.EightSchools{}, 4, 300, nil, rand.NewPCG(1, 2))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the chains agree:", eval.RHat(chains.Column(8)) < 1.05)
	// Output: the chains agree: true
}

// A model that finds both wells of a density, without data.
func ExampleNewFAB() {
	target := targets.DoubleWell{}
	spline := nf.NewElementwiseRationalQuadraticSpline(2, &nf.SplineOptions{Bound: 4}, rand.NewPCG(1, 2))
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{spline})
	_, err := nf.Fit(context.Background(), montecarlo.NewFAB(model, target, 64, nil), nil, &nf.FitOptions{Steps: 200, Schedule: nf.Cosine(0.02, 0, 200)}, rand.NewPCG(1, 2))
	_, logWeights := model.ImportanceSample(target, 10_000, rand.NewPCG(1, 2))
	fmt.Println("points worth most of their number:", err == nil && eval.EffectiveSampleSize(logWeights) > 8000)
	// Output: points worth most of their number: true
}
