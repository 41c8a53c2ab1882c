package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// planarSlope is the slope of the leaky ReLU of a [Planar] flow below 0, as in the reference.
const planarSlope = 0.2

// PlanarOptions are the options of [NewPlanar].
type PlanarOptions struct {
	LeakyReLU bool // h is the leaky ReLU of slope 0.2; the default is tanh
}

// Planar bends space along one direction, by a function of the distance to a plane:
//
//	x = z + û·h(s),  s = w·z + b,  ln|det J| = ln(1 + w·û·h′(s)),
//	û = u + (softplus(−w·u) − 1)·w/|w|²,
//
// with u and w, both 1×d, the number b, and h = tanh or a leaky ReLU. û is u, moved so that w·û = softplus(w·u) − 1 >
// −1, which makes the map invertible. Inverse solves s + w·û·h(s) = w·x + b: in closed form for the leaky ReLU, by a
// few steps of Newton's method in each row for tanh (see [ad.Value.TanhRoot]). Cost O(nd).
//
// Rezende & Mohamed 2015, arXiv:1505.05770, eq. 10 to 12 and appendix A. Its twin in normflows is Planar, which has no
// inverse for tanh.
type Planar struct {
	u, w, b *ad.Param
	leaky   bool
}

var _ Flow = (*Planar)(nil)

// NewPlanar returns the flow for dim components, with u drawn from ±√2, w from ±√(2/d), and b = 0. A nil opts means the
// defaults. It panics when dim is not positive.
func NewPlanar(dim int, opts *PlanarOptions, src rand.Source) *Planar {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewPlanar: got dimension %d, want 1 or more", dim))
	}
	r := newRand("NewPlanar", src)
	p := &Planar{
		u: uniformParam(1, dim, math.Sqrt2, r),
		w: uniformParam(1, dim, math.Sqrt(2/float64(dim)), r),
		b: ad.NewParam(1, 1, []float64{0}),
	}
	if opts != nil {
		p.leaky = opts.LeakyReLU
	}
	return p
}

// Dim returns the number of components.
func (p *Planar) Dim() int { return len(p.u.Data) }

// direction returns û, 1×d, and 1 + w·û = softplus(w·u), 1×1.
func (p *Planar) direction(t *ad.Tape) (u, slope *ad.Value) {
	w := t.Param(p.w)
	wu := w.Mul(p.u).RowSum()
	shift := wu.Neg().Softplus().Shift(-1).Div(w.Square().RowSum())
	return w.Mul(shift).Add(p.u), wu.Softplus()
}

// slope returns 1 + w·û·h′(s), n×1, given slope = 1 + w·û, as a sum of positive terms.
func (p *Planar) slope(s, slope *ad.Value) *ad.Value {
	if p.leaky {
		return s.Where(slope, slope.Scale(planarSlope).Shift(1-planarSlope))
	}
	sech2 := s.Scale(2).Sigmoid().Mul(s.Scale(-2).Sigmoid()).Scale(4)
	return s.Tanh().Square().Add(sech2.Mul(slope))
}

func (p *Planar) h(s *ad.Value) *ad.Value {
	if p.leaky {
		return s.LeakyReLU(planarSlope)
	}
	return s.Tanh()
}

// Forward returns x = z + û·h(w·z + b).
func (p *Planar) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Planar.Forward", z, p.Dim())
	u, slope := p.direction(z.Tape())
	s := z.Linear(p.w, p.b)
	return z.Add(p.h(s).Mul(u)), p.slope(s, slope).Log()
}

// Inverse returns z = x − û·h(s), where s solves s + w·û·h(s) = w·x + b.
func (p *Planar) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Planar.Inverse", x, p.Dim())
	u, slope := p.direction(x.Tape())
	s := x.Linear(p.w, p.b)
	if p.leaky {
		s = s.Div(p.slope(s, slope)) // h keeps the sign
	} else {
		s = s.TanhRoot(slope)
	}
	return x.Sub(p.h(s).Mul(u)), p.slope(s, slope).Log().Neg()
}

// State lists u, w and b.
func (p *Planar) State() State {
	return State{ParamTensor("u", p.u, 1, p.Dim()), ParamTensor("w", p.w, 1, p.Dim()), ParamTensor("b", p.b, 1)}
}
