package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Rosenbrock is the banana whose negative logarithm is Rosenbrock's function,
//
//	ln p̃(x) = −((1−x₀)² + 100·(x₁−x₀²)²)/20,
//
// that is x₀ ~ Normal(1, 10) and x₁ | x₀ ~ Normal(x₀², 1/10), variances second. It is not normalised: ln Z = ln 2π.
// Goodman & Weare 2010, Communications in Applied Mathematics and Computational Science 5(1).
type Rosenbrock struct{}

var _ Target = Rosenbrock{}

// Dim returns 2.
func (Rosenbrock) Dim() int { return 2 }

// LogDensity returns ln p̃ of each row of x.
func (t Rosenbrock) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	x0 := x.Slice(0, 1)
	valley := x.Slice(1, 2).Sub(x0.Square()).Square().Scale(100)
	return x0.Shift(-1).Square().Add(valley).Scale(-1. / 20)
}

// LogNormalizer returns ln 2π.
func (Rosenbrock) LogNormalizer() float64 { return log2Pi }

// Entropy returns ln 2πe: the two variances have the product 1.
func (Rosenbrock) Entropy() float64 { return log2PiE }

// LogProb returns ln p of each row of x.
func (t Rosenbrock) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Sample draws n points exactly.
func (t Rosenbrock) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		x[0] = 1 + math.Sqrt(10)*r.NormFloat64()
		x[1] = x[0]*x[0] + math.Sqrt(0.1)*r.NormFloat64()
	})
}
