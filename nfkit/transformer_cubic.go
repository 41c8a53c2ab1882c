package nfkit

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// CubicSpline is the transformer that maps an interval onto itself by a monotone cubic spline with a continuous slope, and is the identity
// outside. With sₖ the mean slope of bin k, wₖ its width, and ξ = (x − xₖ)/wₖ,
//
//	z = zₖ + wₖ·(dₖ·ξ(1−ξ)² + sₖ·ξ²(3−2ξ) − dₖ₊₁·ξ²(1−ξ)),
//	dₖ = 2·min(sₖ₋₁, sₖ, (sₖ₋₁wₖ + sₖwₖ₋₁)/(2(wₖ₋₁ + wₖ))).
//
// The parameters are logits of the widths and of the heights of the bins, which share the interval, none below a hundredth of the mean, and one
// number for the slope at either end, 3s·σ(·), softly clipped at ±6.9 before; outside, the slope is 1. Forward solves for x. It starts as the
// identity. Cost O(nk·Bins); Forward some ten times that. The zero value is usable. Durkan et al. 2019, arXiv:1906.02145; the slopes are
// Steffen's, 1990, A&A 239, 443.
type CubicSpline struct {
	Bins   int     // 2 or more; 0 means 8
	Lo, Hi float64 // the interval; −5 and 5 if both are 0. For data between 0 and 1, these
}

var _ Transformer = CubicSpline{}

func (f CubicSpline) bins() int { return count("CubicSpline", "Bins", f.Bins, 8, 2) }

// Params returns 2·Bins + 2.
func (f CubicSpline) Params() int { return 2*f.bins() + 2 }

// Initial returns the identity.
func (f CubicSpline) Initial() []float64 {
	p := make([]float64, f.Params())
	end := clippedTo(-math.Ln2, logScaleBound) // a third
	p[len(p)-2], p[len(p)-1] = end, end
	return p
}

// Of returns f.
func (f CubicSpline) Of([]int) Transformer { return f }

// Inverse evaluates the splines.
func (f CubicSpline) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return curves(f.curve).evaluate(x, params)
}

// Forward solves for x.
func (f CubicSpline) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return curves(f.curve).solve(z, params)
}

func (f CubicSpline) curve(params *ad.Value) curve {
	lo, hi := interval("CubicSpline", f.Lo, f.Hi)
	m := f.bins()
	widths := shares(params.Slice(0, m), leastShare).Scale(hi - lo)
	heights := shares(params.Slice(m, 2*m), leastShare).Scale(hi - lo)
	x, z := before(widths).Shift(lo), before(heights).Shift(lo)
	s := heights.Div(widths)
	ends := params.Slice(2*m, 2*m+2).SoftClip(logScaleBound).Sigmoid().Scale(3).Mul(s.Columns([]int{0, m - 1}))
	w0, w1, s0, s1 := widths.Slice(0, m-1), widths.Slice(1, m), s.Slice(0, m-1), s.Slice(1, m)
	parabola := s0.Mul(w1).Add(s1.Mul(w0)).Div(w0.Add(w1))
	inner := s0.Min(s1).Scale(2).Min(parabola)
	d0, d1 := ends.Slice(0, 1).Concat(inner), inner.Concat(ends.Slice(1, 2))
	return within(lo, hi, func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		bin := atBin(u, x)
		w, s, d0, d1 := chosen(widths, bin), chosen(s, bin), chosen(d0, bin), chosen(d1, bin)
		t := u.Sub(chosen(x, bin)).Div(w)
		r := t.Neg().Shift(1)
		tt, rt := t.Square(), r.Mul(t)
		y = d0.Mul(rt).Mul(r).Add(s.Mul(tt).Mul(t.Scale(-2).Shift(3))).Sub(d1.Mul(rt).Mul(t)).Mul(w).Add(chosen(z, bin))
		if slope {
			a, b := d0.Mul(r).Mul(t.Scale(-3).Shift(1)), d1.Mul(t).Mul(t.Scale(3).Shift(-2))
			logSlope = s.Mul(rt).Scale(6).Add(a).Add(b).Log()
		}
		return y, logSlope
	})
}
