package nfplot_test

import (
	"fmt"
	"math"

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
