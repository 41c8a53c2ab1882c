package targets

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// quadrature returns ln Z and the entropy of a density in the plane by the trapezoidal rule on the box from lo to hi.
//
// For a smooth density that is nothing at the border of the box, the error falls like exp(−2π²σ²/step²), where σ is the
// width of the narrowest feature: step = σ/2 is as exact as float64. Cost: one LogDensity per point of the grid.
func quadrature(t Target, lo, hi [2]float64, step float64) (logZ, entropy float64) {
	nx, ny := int(math.Ceil((hi[0]-lo[0])/step)), int(math.Ceil((hi[1]-lo[1])/step))
	logP := make([]float64, nx*ny)
	ad.NewShards(ad.Float64, 1).Each(len(logP), func(tape *ad.Tape, from, to int) {
		points := make([]float64, 0, 2*(to-from))
		for i := from; i < to; i++ {
			points = append(points, lo[0]+float64(i/ny)*step, lo[1]+float64(i%ny)*step)
		}
		t.LogDensity(tape.Const(to-from, 2, points)).DataTo(logP[from:to])
	})
	var sum, weighted float64 // Σ p̃ and Σ p̃ ln p̃
	for _, l := range logP {
		if p := math.Exp(l); p != 0 { // 0·ln 0 is 0
			sum += p
			weighted += p * l
		}
	}
	logZ = math.Log(sum * step * step)
	return logZ, logZ - weighted/sum
}
