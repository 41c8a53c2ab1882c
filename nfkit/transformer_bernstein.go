package nfkit

import "github.com/nfkit/nfkit-go/nfkit/ad"

// BernsteinPolynomial is the transformer that maps an interval onto itself by a polynomial of degree M whose Bernstein coefficients increase,
//
//	z = Σⱼ αⱼ·C(M, j)·t^j·(1−t)^{M−j},  t = (x − Lo)/(Hi − Lo),  α₀ = Lo,  α_M = Hi,
//
// and is the identity outside. The parameters are logits of the increments of α, which share the interval, none below a hundredth of the mean.
// The first two and the last two increments are fixed at (Hi − Lo)/M: there, the slope is 1 and the curvature 0, and z has two continuous
// derivatives everywhere. It is evaluated by de Casteljau's algorithm, whose terms are all positive. Forward solves for x. It starts as the
// identity. Cost O(nk·Degree²); Forward some ten times that. The zero value is usable. Ramasinghe et al. 2021, arXiv:2102.03509; Sick et al. 2020,
// arXiv:2004.00464.
type BernsteinPolynomial struct {
	Degree int     // M, 6 or more; 0 means 16
	Lo, Hi float64 // the interval; −5 and 5 if both are 0

	// Free leaves the increments at the ends to the parameters as well: for data that lie between Lo and Hi, such as 0 and 1. Degree is 2 or more.
	Free bool
}

var _ Transformer = BernsteinPolynomial{}

func (f BernsteinPolynomial) degree() int {
	least := 6
	if f.Free {
		least = 2
	}
	return count("BernsteinPolynomial", "Degree", f.Degree, 16, least)
}

// Params returns Degree, or 4 less if the ends are fixed.
func (f BernsteinPolynomial) Params() int {
	if f.Free {
		return f.degree()
	}
	return f.degree() - 4
}

// Initial returns zeros: the identity.
func (f BernsteinPolynomial) Initial() []float64 { return make([]float64, f.Params()) }

// Of returns f.
func (f BernsteinPolynomial) Of([]int) Transformer { return f }

// Inverse evaluates the polynomials.
func (f BernsteinPolynomial) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return curves(f.curve).evaluate(x, params)
}

// Forward solves for x.
func (f BernsteinPolynomial) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return curves(f.curve).solve(z, params)
}

func (f BernsteinPolynomial) curve(params *ad.Value) curve {
	degree := float64(f.degree())
	lo, hi := interval("BernsteinPolynomial", f.Lo, f.Hi)
	steps := shares(params, leastShare)
	if !f.Free {
		ends := params.Tape().Full(params.Rows(), 2, 1/degree)
		steps = ends.Concat(steps.Scale(1-4/degree), ends)
	}
	last := steps.RowSum()
	heights := before(steps).Concat(last)
	return within(lo, hi, func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		t := u.Shift(-lo).Scale(1 / (hi - lo))
		y = casteljau(heights, t).Scale(hi - lo).Shift(lo)
		if slope {
			logSlope = casteljau(steps, t).Scale(degree).Log()
		}
		return y, logSlope
	})
}

// casteljau returns the polynomial with the given Bernstein coefficients, N×(M+1), at t, N×1.
func casteljau(c, t *ad.Value) *ad.Value {
	s := t.Neg().Shift(1)
	for m := c.Cols() - 1; m > 0; m-- {
		c = c.Slice(0, m).Mul(s).Add(c.Slice(1, m+1).Mul(t))
	}
	return c
}
