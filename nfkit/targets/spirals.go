package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Spirals is two arms ±(−cos t, sin t)·t/3 with t from 0 to 3π, blurred by normal noise with standard deviation 0.1. It
// is a mixture of 128 normal distributions on each arm, at tᵢ = 3π·√((i+½)/128): close enough for their sum to be
// smooth. It is normalised; the entropy is 2.540 nats. The shape is that of Grathwohl et al. 2019, arXiv:1810.01367,
// whose noise has no density in closed form.
type Spirals struct{}

var _ Target = Spirals{}

func (Spirals) arms() gaussians {
	const k = 128
	g := gaussians{x: make([]float64, 2*k), y: make([]float64, 2*k), sd: 0.1}
	for i := range k {
		t := 3 * math.Pi * math.Sqrt((float64(i)+0.5)/k)
		sin, cos := math.Sincos(t)
		g.x[i], g.y[i] = -cos*t/3, sin*t/3
		g.x[k+i], g.y[k+i] = -g.x[i], -g.y[i]
	}
	return g
}

// Dim returns 2.
func (Spirals) Dim() int { return 2 }

// LogDensity returns ln p of each row of x. Cost O(256·n).
func (t Spirals) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	return t.arms().logDensity(x)
}

// LogNormalizer returns 0.
func (Spirals) LogNormalizer() float64 { return 0 }

// Entropy returns H by quadrature.
func (t Spirals) Entropy() float64 { return t.arms().entropy(t, 0.05) }

// LogProb returns ln p of each row of x.
func (t Spirals) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Spirals) Sample(n int, src rand.Source) *mat.Dense { return sample(t, n, src, t.arms().draw) }
