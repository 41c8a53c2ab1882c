package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// SplineOptions say what the splines of a spline flow look like.
type SplineOptions struct {
	Bins   int       // 0 means 8
	Bound  float64   // the splines run on [−Bound, Bound]; 0 means 3
	Bounds []float64 // the bound of each component, instead of one for all; kept with the weights as tail_bound

	// Tail says what the splines do at the ends of their interval, outside of which they are the identity. With
	// ad.TailFree, as with tails=None in the reference, the interval is [0, 1].
	Tail ad.Tail

	// RandomInit starts with random splines. The default is the identity.
	RandomInit bool
}

// splines are the splines of some components.
type splines struct {
	ad.Spline
	slopes int  // logits of slopes for each
	buffer bool // Upper is one of the tensors
}

// splines returns the splines of dim components, those of circular, if it is not nil, being angles and the others
// linear. It panics when an option is out of range.
func (o SplineOptions) splines(caller string, dim int, circular []int) splines {
	if o.Bins == 0 {
		o.Bins = 8
	}
	s := splines{Spline: ad.Spline{Bins: o.Bins, Tails: []ad.Tail{o.Tail}}, slopes: o.Bins - 1 + int(o.Tail), buffer: o.Bounds != nil}
	switch {
	case dim < 1:
		panic(fmt.Sprintf("nfkit: %s: got dimension %d, want 1 or more", caller, dim))
	case o.Bins < 2 || o.Bins > ad.MaxSplineBins:
		panic(fmt.Sprintf("nfkit: %s: got %d bins, want 2 to %d: none is narrower than a thousandth of the interval", caller, o.Bins, ad.MaxSplineBins))
	case o.Tail > ad.TailFree:
		panic(fmt.Sprintf("nfkit: %s: got tail %d, want ad.TailLinear, ad.TailCircular or ad.TailFree", caller, o.Tail))
	case o.Tail == ad.TailFree && (o.Bound != 0 || o.Bounds != nil):
		panic(fmt.Sprintf("nfkit: %s: got Bound %v and Bounds %v with ad.TailFree, whose interval is [0, 1]", caller, o.Bound, o.Bounds))
	case o.Bound != 0 && o.Bounds != nil:
		panic(fmt.Sprintf("nfkit: %s: got Bound %v and Bounds %v, want one of them", caller, o.Bound, o.Bounds))
	case o.Bounds != nil && len(o.Bounds) != dim:
		panic(fmt.Sprintf("nfkit: %s: got %d Bounds, want %d", caller, len(o.Bounds), dim))
	case o.Tail == ad.TailFree:
		s.Lower, s.Upper = []float64{0}, []float64{1}
	case o.Bounds != nil:
		s.Upper = slices.Clone(o.Bounds)
	case o.Bound != 0:
		s.Upper = []float64{o.Bound}
	default:
		s.Upper = []float64{3}
	}
	if err := checkPositive(s.Upper); err != nil {
		panic(fmt.Sprintf("nfkit: %s: got bounds %v, want positive numbers", caller, s.Upper))
	}
	if circular == nil {
		return s
	}
	if o.Tail != ad.TailLinear {
		panic(fmt.Sprintf("nfkit: %s: got tail %d; components that are not circular have ad.TailLinear", caller, o.Tail))
	}
	s.Tails, s.slopes = make([]ad.Tail, dim), o.Bins+1
	for _, j := range circular {
		s.Tails[j] = ad.TailCircular
	}
	return s
}

// of returns the splines of some of the components.
func (s splines) of(index []int) splines {
	pick := s
	if len(s.Tails) > 1 {
		pick.Tails = elements(s.Tails, index)
	}
	if len(s.Upper) > 1 || s.buffer {
		pick.Upper = elements(s.Upper, index)
	}
	return pick
}

// logits returns how many numbers describe the spline of a component.
func (s *splines) logits() int { return 2*s.Bins + s.slopes }

// state lists the bounds, if they are kept with the weights.
func (s *splines) state() State {
	if !s.buffer {
		return nil
	}
	return State{{Name: "tail_bound", Shape: []int{len(s.Upper)}, Floats: s.Upper, Check: func(t Tensor) error { return checkPositive(t.Floats) }}}
}

// splineUnit is the logit of a slope of 1.
var splineUnit = softplusInverse(1 - 1e-3)

// elements returns the elements of s with the given numbers.
func elements[T any](s []T, index []int) []T {
	e := make([]T, len(index))
	for i, j := range index {
		e[i] = s[j]
	}
	return e
}

func checkPositive(s []float64) error {
	for _, x := range s {
		if !(x > 0) || math.IsInf(x, 1) {
			return fmt.Errorf("%v are not all positive numbers", s)
		}
	}
	return nil
}

// ElementwiseRationalQuadraticSpline maps each component by a spline of its own, which no other component influences:
// the marginal distributions of a model. [ad.Value.Spline] has the formula.
//
// Inverse evaluates the splines, Forward inverts them in closed form. Cost O(nd·bins) in either direction. Durkan et
// al. 2019, arXiv:1906.04032. Its twin in normflows is PiecewiseRationalQuadraticCDF, with directions swapped.
type ElementwiseRationalQuadraticSpline struct {
	dim                     int
	splines                 splines
	widths, heights, slopes *ad.Param // one row for each component
}

var _ Flow = (*ElementwiseRationalQuadraticSpline)(nil)

// NewElementwiseRationalQuadraticSpline returns splines for dim components. A nil opts means the defaults; src is used
// for RandomInit alone, which draws all logits from [0, 1), and may be nil otherwise. It panics when dim or an option
// is out of range.
func NewElementwiseRationalQuadraticSpline(dim int, opts *SplineOptions, src rand.Source) *ElementwiseRationalQuadraticSpline {
	var o SplineOptions
	if opts != nil {
		o = *opts
	}
	e := newElementwiseSpline(dim, o.splines("NewElementwiseRationalQuadraticSpline", dim, nil))
	if o.RandomInit {
		r := rand.New(src)
		for _, p := range []*ad.Param{e.widths, e.heights, e.slopes} {
			for i := range p.Data {
				p.Data[i] = r.Float64()
			}
		}
	}
	return e
}

// newElementwiseSpline returns splines that are the identity.
func newElementwiseSpline(dim int, s splines) *ElementwiseRationalQuadraticSpline {
	zeros := func(n int) *ad.Param { return ad.NewParam(dim, n, make([]float64, dim*n)) }
	e := &ElementwiseRationalQuadraticSpline{dim: dim, splines: s, widths: zeros(s.Bins), heights: zeros(s.Bins), slopes: zeros(s.slopes)}
	for i := range e.slopes.Data {
		e.slopes.Data[i] = splineUnit
	}
	return e
}

// Dim returns the number of components.
func (e *ElementwiseRationalQuadraticSpline) Dim() int { return e.dim }

// logits returns the numbers that describe the splines, 1×d·m.
func (e *ElementwiseRationalQuadraticSpline) logits(t *ad.Tape) *ad.Value {
	return t.Param(e.widths).Concat(e.heights, e.slopes).Reshape(1, e.dim*e.splines.logits())
}

// Forward inverts the splines.
func (e *ElementwiseRationalQuadraticSpline) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("ElementwiseRationalQuadraticSpline.Forward", z, e.dim)
	return z.SplineInverse(e.logits(z.Tape()), &e.splines.Spline)
}

// Inverse evaluates the splines.
func (e *ElementwiseRationalQuadraticSpline) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("ElementwiseRationalQuadraticSpline.Inverse", x, e.dim)
	return x.Spline(e.logits(x.Tape()), &e.splines.Spline)
}

// State lists the logits, and tail_bound if each component has a bound of its own.
func (e *ElementwiseRationalQuadraticSpline) State() State {
	return append(State{
		paramTensor("unnormalized_widths", e.widths, e.dim, e.splines.Bins),
		paramTensor("unnormalized_heights", e.heights, e.dim, e.splines.Bins),
		paramTensor("unnormalized_derivatives", e.slopes, e.dim, e.splines.slopes),
	}, e.splines.state()...)
}
