package targets

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// UniformNormal is the density of the tutorial, of points (a, b):
//
//	a ~ Uniform[1, 2],  b | a ~ Normal(mean a, variance a).
//
// It is normalised, and −Inf in logarithm where a is outside [1, 2].
type UniformNormal struct{}

var _ Target = UniformNormal{}

// Dim returns 2.
func (UniformNormal) Dim() int { return 2 }

// PA returns p(a): 1 on [1, 2], 0 elsewhere.
func (UniformNormal) PA(a float64) float64 {
	switch {
	case a >= 1 && a <= 2:
		return 1
	case a != a:
		return a
	}
	return 0
}

// PBGivenA returns p(b|a) = exp(−(b−a)²/2a) / √(2πa), for a > 0.
func (UniformNormal) PBGivenA(b, a float64) float64 {
	return math.Exp(-(b-a)*(b-a)/(2*a)) / math.Sqrt(2*math.Pi*a)
}

// PAB returns the joint density p(a, b) = p(a)·p(b|a).
func (t UniformNormal) PAB(a, b float64) float64 {
	return t.PA(a) * t.PBGivenA(b, min(max(a, 1), 2)) // which is 0·p, not NaN, outside the support
}

// PB returns the marginal density p(b) = ∫₁² p(b|a) da, by Gauss-Legendre quadrature with an error below 1e-12.
func (t UniformNormal) PB(b float64) float64 {
	return quad.Fixed(func(a float64) float64 { return t.PBGivenA(b, a) }, 1, 2, 32, quad.Legendre{}, 0)
}

// LogDensity returns ln p(a, b) = −(b−a)²/2a − ½ ln 2πa of each row of x, n×2.
func (t UniformNormal) LogDensity(x *ad.Value) *ad.Value {
	checkBatch(t, x)
	a, b := x.Slice(0, 1), x.Slice(1, 2)
	one, two := x.Tape().Full(1, 1, 1), x.Tape().Full(1, 1, 2)
	variance := a.Max(one).Min(two) // which is a, and keeps the rows outside the support finite
	return b.Sub(a).Square().Div(variance).Add(variance.Log()).Shift(log2Pi).Scale(-0.5).Add(a.LogIndicator(1, 2))
}

// LogNormalizer returns 0.
func (UniformNormal) LogNormalizer() float64 { return 0 }

// LogProb returns ln p(a, b) of each row of x, n×2.
func (t UniformNormal) LogProb(x mat.Matrix) []float64 { return logProb(t, x) }

// Entropy returns ½ ln 2πe + ½ E[ln a] = ½ ln 2πe + ½ (2 ln 2 − 1), about 1.612086 nats.
func (UniformNormal) Entropy() float64 { return 0.5*log2PiE + 0.5*(2*math.Ln2-1) }

// Sample draws n points exactly.
func (t UniformNormal) Sample(n int, src rand.Source) *mat.Dense {
	return sample(t, n, src, func(x []float64, r *rand.Rand) {
		a := 1 + r.Float64()
		x[0], x[1] = a, a+math.Sqrt(a)*r.NormFloat64()
	})
}
