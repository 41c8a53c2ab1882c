package targets

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// gaussians is a mixture of normal distributions in the plane with equal weights and the same deviation in every
// direction.
type gaussians struct {
	x, y []float64 // means
	sd   float64
}

// logDensity returns ln p of each row of p, normalised. Cost O(nk) for k means.
func (g gaussians) logDensity(p *ad.Value) *ad.Value {
	t, k := p.Tape(), len(g.x)
	dx := p.Slice(0, 1).Sub(t.Const(1, k, g.x)) // n×k
	dy := p.Slice(1, 2).Sub(t.Const(1, k, g.y)) // n×k
	log := dx.Square().Add(dy.Square()).Scale(-0.5 / (g.sd * g.sd)).LogSumExp()
	return log.Shift(-log2Pi - 2*math.Log(g.sd) - math.Log(float64(k)))
}

// draw sets p to a point of the mixture.
func (g gaussians) draw(p []float64, r *rand.Rand) {
	i := r.IntN(len(g.x))
	p[0], p[1] = g.x[i]+g.sd*r.NormFloat64(), g.y[i]+g.sd*r.NormFloat64()
}

// entropy integrates, with the given step, over the box that holds the means and 10 deviations around them.
func (g gaussians) entropy(t Target, step float64) float64 {
	return remember(t, func() integrals {
		reach := 10 * g.sd
		lo := [2]float64{slices.Min(g.x) - reach, slices.Min(g.y) - reach}
		hi := [2]float64{slices.Max(g.x) + reach, slices.Max(g.y) + reach}
		return grid(t.LogDensity, lo, hi, step)
	}).entropy
}
