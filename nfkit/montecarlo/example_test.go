package montecarlo_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/samplemv"

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

// Moves between a normal distribution and two crescents, and flows that learn to go along with them.
func ExampleStochasticFlow_ReverseKL() {
	src, target := rand.NewPCG(1, 2), targets.TwoMoons{}
	base := nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true})
	halfway := montecarlo.NewLinearInterpolation(target, base, 0.5)
	model := montecarlo.NewStochasticFlow(base,
		montecarlo.Deterministic(nf.NewPlanar(2, nil, src)), montecarlo.NewHamiltonianMonteCarlo(halfway, 2, 0.2, 3),
		montecarlo.Deterministic(nf.NewPlanar(2, nil, src)), montecarlo.NewLangevin(target, 2, 0.001, 3))
	history, err := nf.Fit(context.Background(), model.ReverseKL(target, 64), nil, &nf.FitOptions{Steps: 50, ValidateEvery: 50, Schedule: nf.Cosine(0.01, 0, 50)}, src)
	fmt.Println("lower in the end:", err == nil && history.Validation[1] < history.Validation[0])
	// Output: lower in the end: true
}

// A model of one well is one of its mirror image, too.
func ExampleSymmetrized() {
	right := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	right.Params()[0].Data[0] = 3 // the mean
	both := nf.NewNormalizingFlow(montecarlo.NewSymmetrized(nf.NewModelBase(right), montecarlo.Reflections(1, 0)), nil)
	l := both.LogProb(mat.NewDense(2, 1, []float64{-3, 3}))
	fmt.Println("as likely on the left as on the right:", l[0] == l[1])
	// Output: as likely on the left as on the right: true
}

// gonum's samplers take a target as a LogProber, and a model as what proposes points: here its chain goes back and forth between two wells.
func ExampleNewProposal() {
	target := targets.DoubleWell{}
	base := nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Loc: mat.NewDense(2, 2, []float64{-1.7, 0, 1.7, 0}), Scale: mat.NewDense(2, 2, []float64{0.5, 1, 0.5, 1})}, nil)
	model := nf.NewNormalizingFlow(base, nil)
	chain := samplemv.MetropolisHastingser{
		Initial:  []float64{-1.7, 0},
		Target:   montecarlo.NewLogProber(target, 2),
		Proposal: montecarlo.NewProposal(model, rand.NewPCG(1, 2)),
		Src:      rand.NewPCG(3, 4),
		BurnIn:   100,
	}
	x := mat.NewDense(10_000, 2, nil)
	chain.Sample(x)
	right := 0.0
	for i := range 10_000 {
		if x.At(i, 0) > 0 {
			right += 1. / 10_000
		}
	}

	importance := samplemv.Importance{Target: montecarlo.NewLogProber(target, 2), Proposal: model.Distribution(rand.NewPCG(5, 6))}
	weights := make([]float64, 10_000)
	importance.SampleWeighted(x, weights)
	fmt.Printf("in the right well: %.1f, ln Z = %.1f\n", right, math.Log(stat.Mean(weights, nil)))
	// Output: in the right well: 0.8, ln Z = 10.3
}
