package nfkit

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// LinearSpline is the transformer that maps an interval onto itself by straight lines over bins of equal width, and is the identity outside. The
// parameters are logits of the heights of the bins, which share the interval, none below a hundredth of the mean. The density of a flow of it
// jumps at the knots. Both directions are in closed form. It starts as the identity. Cost O(nk·Bins). The zero value is usable. Müller et al.
// 2019, arXiv:1808.03856, section 4.1.
type LinearSpline struct {
	Bins   int     // 2 or more; 0 means 8
	Lo, Hi float64 // the interval; −5 and 5 if both are 0. For data between 0 and 1, these
}

var _ Transformer = LinearSpline{}

func (f LinearSpline) bins() int { return count("LinearSpline", "Bins", f.Bins, 8, 2) }

// Params returns the number of bins.
func (f LinearSpline) Params() int { return f.bins() }

// Initial returns zeros: the identity.
func (f LinearSpline) Initial() []float64 { return make([]float64, f.Params()) }

// Of returns f.
func (f LinearSpline) Of([]int) Transformer { return f }

// Inverse evaluates the splines.
func (f LinearSpline) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return f.evaluate(x, params, false)
}

// Forward inverts the splines.
func (f LinearSpline) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return f.evaluate(z, params, true)
}

func (f LinearSpline) evaluate(v, params *ad.Value, inverse bool) (y, logDet *ad.Value) {
	if v.Cols() == 1 && params.Rows() == 1 { // one spline for all rows is worked out once
		return f.curve(params, inverse)(v, true)
	}
	return curves(func(p *ad.Value) curve { return f.curve(p, inverse) }).evaluate(v, params)
}

// curve is the spline, or its inverse.
func (f LinearSpline) curve(params *ad.Value, inverse bool) curve {
	lo, hi := interval("LinearSpline", f.Lo, f.Hi)
	m := f.bins()
	heights := shares(params, leastShare).Scale(hi - lo)
	left := make([]float64, m)
	for j := range left {
		left[j] = lo + (hi-lo)*float64(j)/float64(m)
	}
	from, to := params.Tape().Const(1, m, left), before(heights).Shift(lo)
	logSlopes := heights.Log().Shift(math.Log(float64(m) / (hi - lo)))
	if inverse {
		from, to, logSlopes = to, from, logSlopes.Neg()
	}
	return within(lo, hi, func(u *ad.Value, _ bool) (y, logSlope *ad.Value) {
		bin := atBin(u, from)
		logSlope = chosen(logSlopes, bin)
		return u.Sub(chosen(from, bin)).Mul(logSlope.Exp()).Add(chosen(to, bin)), logSlope
	})
}
