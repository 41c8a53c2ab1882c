package targets

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// gaussians is a mixture of normal distributions in the plane with the same deviation in every direction.
type gaussians struct {
	x, y       []float64 // means
	logWeights []float64 // nil if they are equal
	sd         float64
}

// logDensity returns ln p of each row of p, normalised. Cost O(nk) for k means.
func (g gaussians) logDensity(p *ad.Value) *ad.Value {
	t, k := p.Tape(), len(g.x)
	dx := p.Slice(0, 1).Sub(t.Const(1, k, g.x)) // n×k
	dy := p.Slice(1, 2).Sub(t.Const(1, k, g.y)) // n×k
	logs := dx.Square().Add(dy.Square()).Scale(-0.5 / (g.sd * g.sd))
	shift := -log2Pi - 2*math.Log(g.sd)
	if g.logWeights == nil {
		return logs.LogSumExp().Shift(shift - math.Log(float64(k)))
	}
	return logs.Add(t.Const(1, k, g.logWeights)).LogSumExp().Shift(shift)
}

// along returns the mixture on a curve, with t uniform from lo to hi: the k points and weights of a Gauss-Legendre rule,
// whose error is below 1e-9 where they are less than 0.4 deviations apart.
func along(curve func(t float64) (x, y float64), lo, hi float64, k int, sd float64) gaussians {
	g := gaussians{sd: sd}
	newRule(k).each([]float64{lo, hi}, func(t, dt float64) {
		x, y := curve(t)
		g.x, g.y = append(g.x, x), append(g.y, y)
		g.logWeights = append(g.logWeights, math.Log(dt/(hi-lo)))
	})
	return g
}

// draw sets p to a point of the mixture, whose weights are equal.
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
