// The command cell shows a figure and a progress bar, as a cell of a notebook does.
package main

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/nfplot"
)

func main() {
	nfplot.Show(nfplot.New("", "x", "y", nfplot.Curve("", math.Sin, 0, 6, nfplot.Solid(nfplot.Blue))))
	progress := nfplot.NewProgress(3)
	for step := range progress.Steps {
		progress.Set("loss", 1/float64(step))
	}
}
