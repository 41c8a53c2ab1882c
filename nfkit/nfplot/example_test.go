package nfplot_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/nfplot"
)

func gauss(x, y float64) float64 { return math.Exp(-(x*x+y*y)/2) / (2 * math.Pi) }

// Two densities with one scale, and their difference with another.
func Example() {
	grid := nfplot.NewGrid(-3, 3, 61, -3, 3, 61)
	scale, errors := nfplot.BlueRed("Density", 0, 0.2), nfplot.Grays("Error")
	p := grid.Eval(gauss)
	q := grid.Eval(func(x, y float64) float64 { return gauss(x-0.5, y) })
	nfplot.Show(nfplot.Panels(
		nfplot.New("Learned", "x", "y", nfplot.Heat(q, scale)),
		nfplot.New("True", "x", "y", nfplot.Heat(p, scale)), scale.Bar(),
		nfplot.New("|Learned − True|", "x", "y", nfplot.Heat(q.AbsDiff(p), errors)), errors.Bar(),
	))
	// Output:
}

// A training loop that shows its progress and its losses.
func ExampleProgress() {
	var losses []float64
	progress := nfplot.NewProgress(1000)
	progress.Live(func() nfplot.Drawing { return nfplot.Loss(losses) })
	for epoch := range progress.Steps {
		loss := 1.6 + 1/float64(epoch)
		losses = append(losses, loss)
		progress.Set("loss", loss)
	}
	fmt.Printf("%d epochs, the last loss %.3f\n", len(losses), losses[999])
	// Output: 1000 epochs, the last loss 1.601
}

// The mass of a density on the grid and its marginal.
func ExampleField_MarginalX() {
	f := nfplot.NewGrid(-6, 6, 121, -6, 6, 121).Eval(gauss)
	fmt.Printf("mass %.6f, p(x = 0) = %.6f\n", f.Integral(), f.MarginalX()[60])
	// Output: mass 1.000000, p(x = 0) = 0.398942
}

// noise returns n normal numbers.
func noise(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// Two samples in bins of the same edges, with names in the legend.
func ExampleHistogram() {
	data, flow := noise(1000, 1), noise(500, 2)
	edges := nfplot.Edges(30, data, flow)
	nfplot.Show(nfplot.New("Samples", "x", "Density",
		nfplot.Named("Data", nfplot.Histogram(data, edges, nfplot.Alpha(nfplot.Steel, 0.5))),
		nfplot.Named("Flow", nfplot.Histogram(flow, edges, nfplot.Alpha(nfplot.Orange, 0.5)))))
	fmt.Println(len(edges), "edges")
	// Output: 31 edges
}

// A training run with its validation losses and the entropy of the target.
func ExampleLoss() {
	p := nfplot.Loss([]float64{3, 2, 1.6, 1.3},
		nfplot.Line("Validation", []float64{0, 2, 4}, []float64{3.5, 2.1, 1.4}, nfplot.Solid(nfplot.Orange)),
		nfplot.HLine("Entropy", 1.0076, nfplot.Dashed(nfplot.Black)))
	nfplot.Show(p)
	fmt.Println(p.X.Label.Text)
	// Output: Step
}

// Samples of a posterior over those of its prior, and the parameters that made the data.
func ExampleCorner() {
	prior, posterior := mat.NewDense(500, 3, noise(1500, 1)), mat.NewDense(500, 3, noise(1500, 2))
	posterior.Scale(0.3, posterior)
	nfplot.Show(nfplot.Corner([]string{"α", "β", "γ"},
		[]nfplot.Sample{{Name: "Prior", X: prior}, {Name: "Posterior", X: posterior}},
		&nfplot.CornerOptions{Truths: []float64{0.1, 0, -0.2}}))
	// Output:
}

// The regions of highest density that hold half and nine tenths of the mass.
func ExampleContour() {
	f := nfplot.NewGrid(-4, 4, 101, -4, 4, 101).Eval(gauss)
	levels := f.Levels(0.5, 0.9)
	scale := nfplot.Grays("Density")
	nfplot.Show(nfplot.Panels(nfplot.New("", "x", "y",
		nfplot.Heat(f, scale), nfplot.Contour("50 % and 90 %", f, nfplot.Solid(nfplot.Red), levels...)), scale.Bar()))
	fmt.Printf("%.2f of the peak, %.2f of the peak\n", levels[0]/gauss(0, 0), levels[1]/gauss(0, 0))
	// Output: 0.50 of the peak, 0.10 of the peak
}

// Ranks of true parameters among 99 posterior draws.
func ExampleRankHistogram() {
	r := rand.New(rand.NewPCG(1, 2))
	ranks := make([]int, 1000)
	for i := range ranks {
		ranks[i] = r.IntN(100)
	}
	nfplot.Show(nfplot.RankHistogram("Calibrated", ranks, 99, 20))
	// Output:
}

// The distribution functions of standard normal predictions, at observations that have a larger spread.
func ExamplePITHistogram() {
	pit := noise(1000, 1)
	for i, y := range pit {
		pit[i] = distuv.UnitNormal.CDF(1.5 * y)
	}
	nfplot.Show(nfplot.Row(nfplot.PITHistogram("Too narrow", pit, 20), nfplot.ECDFDifference("Too narrow", pit)))
	// Output:
}

// The masses of the smallest credible regions that hold the true parameters, of two models.
func ExampleCoverage() {
	narrow, right := noise(300, 1), noise(300, 2)
	for i := range right {
		narrow[i] = 1 - math.Exp(-2*narrow[i]*narrow[i])
		right[i] = math.Erf(math.Abs(right[i]) / math.Sqrt2)
	}
	p := nfplot.Coverage("Expected coverage", narrow)
	nfplot.Add(p, nfplot.ECDF("Right", right, nfplot.Solid(nfplot.Green)))
	nfplot.Show(p)
	// Output:
}

// A sample against a normal distribution.
func ExampleQQ() {
	nfplot.Show(nfplot.QQ("Normal", noise(500, 1), distuv.UnitNormal.Quantile))
	// Output:
}

// Four chains of one parameter.
func ExampleTrace() {
	chains := [][]float64{noise(400, 1), noise(400, 2), noise(400, 3), noise(400, 4)}
	nfplot.Show(nfplot.Trace("Chains", "θ", chains...), nfplot.ChainRanks("θ", 20, chains...))
	// Output:
}

// Rows as images of 2×2 grey pixels.
func ExampleImages() {
	x := mat.NewDense(2, 4, []float64{0, 1, 1, 0, 0.2, 0.4, 0.6, 0.8})
	nfplot.Show(nfplot.Images(x, 2, 2, 1, "checks", "greys"))
	// Output:
}

// Differences of models to what targets allow.
func ExampleTable() {
	gap := mat.NewDense(2, 3, []float64{0.02, 0.1, 0.4, 0.01, 0.05, 0.2})
	scale := nfplot.Grays("Nats", 0, 0.5)
	nfplot.Show(nfplot.Row(nfplot.Table("Above the entropy", []string{"RealNVP", "NSF"}, []string{"Moons", "Rings", "Pines"}, gap, scale), scale.Bar()))
	// Output:
}

// Seconds over rows.
func ExampleLogLog() {
	rows := []float64{10, 100, 1000}
	p := nfplot.LogLog("Sampling", "Rows", "Seconds", nfplot.Marked("Flow", rows, []float64{1e-5, 4e-5, 3e-4}, nfplot.Solid(nfplot.Steel)))
	p.Legend.Left = true
	nfplot.Show(p)
	// Output:
}
