package nfkit

import (
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Beta has independent components in (0, 1), each with the beta distribution of shapes a and b,
//
//	ln p(z) = Σⱼ ((a − 1)·ln zⱼ + (b − 1)·ln(1 − zⱼ)) − d·ln B(a, b),
//
// and −Inf where a component is outside. It has no parameters; follow it with flows of the unit interval. Cost O(nd). normflows has none.
type Beta struct {
	bounded
	a, b float64
}

var _ Base = (*Beta)(nil)

// NewBeta returns the distribution of shapes a and b in dim dimensions. It panics when one of the three is not positive.
func NewBeta(dim int, a, b float64) *Beta {
	checkShape("NewBeta", a)
	checkShape("NewBeta", b)
	return &Beta{newBounded("NewBeta", dim, 0, 1, 0.5), a, b}
}

// NoiseDim returns the number of components.
func (b *Beta) NoiseDim() int { return b.dim }

// Noise draws logits: a gamma variate of shape a over one of shape b is z/(1 − z).
func (b *Beta) Noise(dst []float64, r *rand.Rand) {
	one, other := logGamma(b.a, r), logGamma(b.b, r)
	for i := range dst {
		dst[i] = one() - other()
	}
}

// LogProb returns the log-density of each row of z.
func (b *Beta) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("Beta.LogProb", z, b.dim)
	z, inside := b.inside(z)
	return b.logProb(z.Log(), z.Neg().Log1p()).Add(inside)
}

// logProb returns the log-density, given the logarithms of z and 1 − z.
func (b *Beta) logProb(logZ, logRest *ad.Value) *ad.Value {
	x, _ := math.Lgamma(b.a)
	y, _ := math.Lgamma(b.b)
	both, _ := math.Lgamma(b.a + b.b)
	return logZ.Scale(b.a - 1).Add(logRest.Scale(b.b - 1)).RowSum().Shift((both - x - y) * float64(b.dim))
}

// Sample returns 1/(1 + e^{−noise}).
func (b *Beta) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Beta.Sample", noise, b.dim)
	return b.offBounds(noise.Sigmoid()), b.logProb(noise.LogSigmoid(), noise.Neg().LogSigmoid())
}
