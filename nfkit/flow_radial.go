package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Radial moves points towards a centre z₀ or away from it, by a function of their distance r = |z − z₀|:
//
//	x = z + h·(z − z₀),  h = (c − a)/(r + a),  a = |alpha|,  c = softplus(beta),
//	ln|det J| = (d−1)·ln(1 + h) + ln(1 + h − (c − a)·r/(r + a)²),
//
// with z₀, 1×d, and the numbers alpha and beta. The distance of x is g = r·(r + c)/(r + a), a quadratic equation that
// Inverse solves for r. The map is not smooth in z₀ if alpha is 0. Cost O(nd).
//
// Rezende & Mohamed 2015, arXiv:1505.05770, eq. 14 and appendix A. Its twin in normflows is Radial, which has no
// inverse.
type Radial struct {
	beta, alpha, center *ad.Param
	dim                 []int // d, a buffer of the reference
}

var _ Flow = (*Radial)(nil)

// NewRadial returns the flow for dim components, with alpha drawn from ±1/d, beta from ±(1 + 1/d), and z₀ from the
// standard normal distribution. It panics when dim is not positive.
func NewRadial(dim int, src rand.Source) *Radial {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewRadial: got dimension %d, want 1 or more", dim))
	}
	r, limit := newRand("NewRadial", src), 1/float64(dim)
	f := &Radial{beta: uniformParam(1, 1, 1+limit, r), alpha: uniformParam(1, 1, limit, r), dim: []int{dim}}
	center := make([]float64, dim)
	fillNormal(center, r)
	f.center = ad.NewParam(1, dim, center)
	return f
}

// Dim returns the number of components.
func (f *Radial) Dim() int { return len(f.center.Data) }

// scales returns a and c, both 1×1.
func (f *Radial) scales(t *ad.Tape) (a, c *ad.Value) {
	return t.Param(f.alpha).Abs(), t.Param(f.beta).Softplus()
}

// logDet returns ln|det J| of Forward at distance r, n×1. With ρ = r/(r+a), the factor across the radius is
// 1 + h = (r+c)/(r+a), the one along it ρ² + (1−ρ)·(2ρ + c/(r+a)): no term is negative.
func (f *Radial) logDet(r, a, c *ad.Value) *ad.Value {
	sum := r.Add(a)
	rho, rest := r.Div(sum), a.Div(sum)
	along := rho.Square().Add(rest.Mul(rho.Scale(2).Add(c.Div(sum))))
	return r.Add(c).Div(sum).Log().Scale(float64(f.Dim() - 1)).Add(along.Log())
}

// Forward returns x = z₀ + (z − z₀)·(r + c)/(r + a).
func (f *Radial) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Radial.Forward", z, f.Dim())
	a, c := f.scales(z.Tape())
	d := z.Sub(f.center)
	r := d.RowNorm()
	return d.Mul(r.Add(c).Div(r.Add(a))).Add(f.center), f.logDet(r, a, c)
}

// Inverse returns z = z₀ + (x − z₀)·(r + a)/(r + c), where r solves r² + (c − g)·r = a·g with g = |x − z₀|.
func (f *Radial) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Radial.Inverse", x, f.Dim())
	a, c := f.scales(x.Tape())
	d := x.Sub(f.center)
	r := radialRoot(d.RowNorm(), a, c)
	return d.Mul(r.Add(a).Div(r.Add(c))).Add(f.center), f.logDet(r, a, c).Neg()
}

// radialRoot returns the r ≥ 0 that solves r² + e·r = a·g with e = c − g, n×1. With q = (|e| + √(e² + 4ag))/2 it is q
// for e < 0 and a·g/q elsewhere, without cancellation in either case. The root is taken in units of g + c, so as not to
// overflow.
func radialRoot(g, a, c *ad.Value) *ad.Value {
	far, unit := g.Sub(c), g.Add(c)
	e := far.Where(far, far.Neg()) // |e|
	root := e.Div(unit).Square().Add(a.Div(unit).Mul(g.Div(unit)).Scale(4)).Sqrt()
	q := e.Add(root.Mul(unit)).Scale(0.5)
	return far.Where(q, a.Mul(g.Div(q)))
}

// State lists beta, alpha, z_0, and d, the number of components.
func (f *Radial) State() State {
	d := f.Dim()
	check := func(t Tensor) error {
		if t.Ints[0] != d {
			return fmt.Errorf("d is %d, want %d, the number of components", t.Ints[0], d)
		}
		return nil
	}
	return State{
		ParamTensor("beta", f.beta, 1),
		ParamTensor("alpha", f.alpha, 1),
		ParamTensor("z_0", f.center, 1, d),
		{Name: "d", Ints: f.dim, Check: check},
	}
}
