package targets

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// StandardNormal is the normal distribution with mean 0 and the identity for a covariance. It is normalised. Beside
// another target in [TwoIndependent] it makes the further dimensions of an augmented flow; there the reference has
// DiagGaussian.
type StandardNormal struct {
	Dims int // d; 0 means 2
}

var _ Target = StandardNormal{}

// Dim returns d. It panics when it is negative.
func (t StandardNormal) Dim() int { return dims("StandardNormal", t.Dims, 2, 1) }

// LogDensity returns ln p = −½‖x‖² − d/2·ln 2π of each row of x.
func (t StandardNormal) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return x.Square().RowSum().Scale(-0.5).Shift(-0.5 * log2Pi * float64(t.Dim()))
}

// LogNormalizer returns 0.
func (StandardNormal) LogNormalizer() float64 { return 0 }

// Entropy returns d/2·ln 2πe.
func (t StandardNormal) Entropy() float64 { return 0.5 * log2PiE * float64(t.Dim()) }

// LogProb returns ln p of each row of x.
func (t StandardNormal) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t StandardNormal) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		for j := range x {
			x[j] = r.NormFloat64()
		}
	})
}
