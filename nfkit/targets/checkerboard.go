package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Checkerboard is uniform on the dark squares of a board of 4×4 squares with side 2 that covers [−4, 4]²: those whose
// column and row, counted from the lower left, are both even or both odd. It is normalised, and −Inf in logarithm
// outside the dark squares. Grathwohl et al. 2019, arXiv:1810.01367.
type Checkerboard struct{}

var _ Target = Checkerboard{}

// Dim returns 2.
func (Checkerboard) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. It has gradient 0.
func (t Checkerboard) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return pieces(x, func(x, y float64) float64 {
		if math.Abs(x) > 4 || math.Abs(y) > 4 || int(square(x)+square(y))%2 != 0 {
			return math.Inf(-1)
		}
		return -math.Log(32)
	})
}

// square returns the number of the square, 0 to 3, that holds a coordinate between −4 and 4.
func square(x float64) float64 { return min(math.Floor((x+4)/2), 3) }

// pieces evaluates a density in the plane that is constant in pieces, with gradient 0: f of each row of x, n×1, NaN
// where x is NaN.
func pieces(x *ad.Value, f func(x, y float64) float64) *ad.Value {
	points := x.Data()
	logs := make([]float64, x.Rows())
	for i := range logs {
		p, q := points[2*i], points[2*i+1]
		if logs[i] = p + q; p == p && q == q {
			logs[i] = f(p, q)
		}
	}
	return x.Tape().Const(len(logs), 1, logs)
}

// LogNormalizer returns 0.
func (Checkerboard) LogNormalizer() float64 { return 0 }

// Entropy returns ln 32.
func (Checkerboard) Entropy() float64 { return math.Log(32) }

// LogProb returns ln p of each row of x.
func (t Checkerboard) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Checkerboard) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		column := r.IntN(4)
		row := column%2 + 2*r.IntN(2)
		x[0], x[1] = 2*(float64(column)+r.Float64())-4, 2*(float64(row)+r.Float64())-4
	})
}
