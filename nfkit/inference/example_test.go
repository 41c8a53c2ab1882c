package inference_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/inference"
)

// The rate at which a cup of tea cools down, and how hot it was, from a thermometer that is read five times.
func Example() {
	prior := inference.NewPrior(
		distuv.Uniform{Min: 60, Max: 100},                // °C at first
		distuv.LogNormal{Mu: math.Log(0.05), Sigma: 0.5}, // rate, 1/min
	)
	const room = 20
	simulator := func(theta []float64, src rand.Source) ([]float64, error) {
		r := rand.New(src)
		var read []float64
		for _, minutes := range []float64{5, 10, 20, 30, 40} {
			read = append(read, room+(theta[0]-room)*math.Exp(-theta[1]*minutes)+0.5*r.NormFloat64())
		}
		return read, nil
	}
	sims := nf.Must(inference.Simulate(nf.UntilInterrupt(), prior, simulator, 1000, nil, rand.NewPCG(1, 2)))

	npe := inference.NewNPE(prior, sims.DataDim(), &inference.EstimatorOptions{Members: 2}, rand.NewPCG(3, 4))
	nf.Must(npe.Fit(nf.UntilInterrupt(), sims, &inference.FitOptions{Steps: 120}, rand.NewPCG(5, 6)))

	posterior := nf.Must(npe.Posterior([]float64{74.3, 66.1, 52.6, 42.4, 36.2})) // of 85 °C and 0.035
	theta := posterior.Sample(2000, rand.NewPCG(7, 8))
	intervals := eval.CredibleIntervals(theta, 0.9)
	fmt.Println("85 °C is in the interval:", intervals[0][0] < 85 && 85 < intervals[0][1])
	fmt.Println("0.035 is in the interval:", intervals[1][0] < 0.035 && 0.035 < intervals[1][1])
	fmt.Println("remarks:", len(posterior.Remarks()))
	// Output:
	// 85 °C is in the interval: true
	// 0.035 is in the interval: true
	// remarks: 0
}

// The likelihood of simulations that were made elsewhere, and the posterior of three observations of the same parameter.
func ExampleNewNLE() {
	const n = 1000
	r := rand.New(rand.NewPCG(1, 2))
	theta, x := mat.NewDense(n, 1, nil), mat.NewDense(n, 1, nil)
	for i := range n {
		theta.Set(i, 0, 4*r.Float64())
		x.Set(i, 0, theta.At(i, 0)+r.NormFloat64())
	}
	sims := nf.Must(inference.NewSimulations(theta, x))

	prior := inference.NewPrior(distuv.Uniform{Min: 0, Max: 4})
	nle := inference.NewNLE(prior, 1, &inference.EstimatorOptions{Members: 1}, rand.NewPCG(3, 4))
	nf.Must(nle.Fit(nf.UntilInterrupt(), sims, &inference.FitOptions{Steps: 150}, rand.NewPCG(5, 6)))

	observed := mat.NewDense(3, 1, []float64{1.8, 2.3, 1.9})
	posterior := nf.Must(nle.Posterior(observed, prior, 5000, rand.NewPCG(7, 8))) // draws of the prior are the proposal
	mean, deviation := stat.MeanStdDev(mat.Col(nil, 0, posterior.Resample(5000, rand.NewPCG(9, 10))), nil)
	fmt.Printf("%.0f ± %.1f, trustworthy: %t\n", mean, deviation, posterior.K < eval.ParetoThreshold(5000))
	// Output:
	// 2 ± 0.6, trustworthy: true
}
