package nfkit

import (
	"fmt"
	"math"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// SplineOptions say what the splines of a spline flow look like.
type SplineOptions struct {
	Bins   int       // 0 means 8
	Bound  float64   // the splines run on [−Bound, Bound]; 0 means 3
	Bounds []float64 // the bound of each component, instead of one for all; kept with the weights as tail_bound
	Lo, Hi float64   // the splines run on [Lo, Hi] instead; both 0 means not

	// Tail says what the splines do at the ends of their interval, outside of which they are the identity. With
	// ad.TailFree, as with tails=None in the reference, the interval is [0, 1] unless Lo and Hi say another one.
	Tail ad.Tail

	// RandomInit starts with random splines. The default is the identity.
	RandomInit bool
}

// RationalQuadraticSpline is the transformer that maps each component by a monotone rational-quadratic spline: Inverse evaluates splines, Forward
// inverts them in closed form. [ad.Value.Spline] has the formula, and the order of the parameters. Cost O(nk·bins). Durkan et al. 2019,
// arXiv:1906.04032, eq. 4 to 8.
type RationalQuadraticSpline struct {
	ad.Spline
	slopes int  // logits of slopes for each
	buffer bool // Upper is one of the tensors
}

var _ Transformer = (*RationalQuadraticSpline)(nil)

// NewRationalQuadraticSpline returns the splines of dim components, of which those with the numbers in angles are on a circle: their splines have
// the same slope at either end. A nil opts means the defaults; RandomInit has no effect here. It panics when dim, a number or an option is out of
// range.
func NewRationalQuadraticSpline(dim int, angles []int, opts *SplineOptions) *RationalQuadraticSpline {
	const caller = "NewRationalQuadraticSpline"
	if angles != nil {
		otherComponents(caller, "components on a circle", dim, angles)
	}
	var o SplineOptions
	if opts != nil {
		o = *opts
	}
	return o.spline(caller, dim, angles)
}

// Params returns the number of logits of widths, heights and slopes.
func (s *RationalQuadraticSpline) Params() int { return 2*s.Bins + s.slopes }

// Initial returns the logits of the identity.
func (s *RationalQuadraticSpline) Initial() []float64 {
	return slices.Repeat([]float64{splineUnit}, s.Params()) // equal widths and heights, slopes of 1
}

// Of returns the splines of some of the components.
func (s *RationalQuadraticSpline) Of(components []int) Transformer { return s.of(components) }

// Forward inverts the splines.
func (s *RationalQuadraticSpline) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return z.SplineInverse(params, &s.Spline)
}

// Inverse evaluates the splines.
func (s *RationalQuadraticSpline) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return x.Spline(params, &s.Spline)
}

// spline returns the splines of dim components, those of circular, if it is not nil, being angles and the others
// linear. It panics when an option is out of range.
func (o SplineOptions) spline(caller string, dim int, circular []int) *RationalQuadraticSpline {
	if o.Bins == 0 {
		o.Bins = 8
	}
	s := &RationalQuadraticSpline{Spline: ad.Spline{Bins: o.Bins, Tails: []ad.Tail{o.Tail}}, slopes: o.Bins - 1 + int(o.Tail), buffer: o.Bounds != nil}
	switch {
	case dim < 1:
		panic(fmt.Sprintf("nfkit: %s: got dimension %d, want 1 or more", caller, dim))
	case o.Bins < 2 || o.Bins > ad.MaxSplineBins:
		panic(fmt.Sprintf("nfkit: %s: got %d bins, want 2 to %d: none is narrower than a thousandth of the interval", caller, o.Bins, ad.MaxSplineBins))
	case o.Tail > ad.TailFree:
		panic(fmt.Sprintf("nfkit: %s: got tail %d, want ad.TailLinear, ad.TailCircular or ad.TailFree", caller, o.Tail))
	case o.Tail == ad.TailFree && (o.Bound != 0 || o.Bounds != nil):
		panic(fmt.Sprintf("nfkit: %s: got Bound %v and Bounds %v with ad.TailFree, whose interval is [0, 1]", caller, o.Bound, o.Bounds))
	case (o.Lo != 0 || o.Hi != 0) && (o.Bound != 0 || o.Bounds != nil):
		panic(fmt.Sprintf("nfkit: %s: got the interval [%v, %v] with Bound %v and Bounds %v, want one of them", caller, o.Lo, o.Hi, o.Bound, o.Bounds))
	case o.Lo != 0 || o.Hi != 0:
		s.Lower, s.Upper = []float64{o.Lo}, []float64{o.Hi}
		if !(o.Lo < o.Hi) || math.IsInf(o.Hi-o.Lo, 0) {
			panic(fmt.Sprintf("nfkit: %s: got the interval [%v, %v], want finite ends in order", caller, o.Lo, o.Hi))
		}
		return s.on(caller, dim, circular, o.Tail)
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
	return s.on(caller, dim, circular, o.Tail)
}

// on returns s, with the components in circular on a circle if it is not nil.
func (s *RationalQuadraticSpline) on(caller string, dim int, circular []int, tail ad.Tail) *RationalQuadraticSpline {
	if circular == nil {
		return s
	}
	if tail != ad.TailLinear {
		panic(fmt.Sprintf("nfkit: %s: got tail %d; components that are not circular have ad.TailLinear", caller, tail))
	}
	s.Tails, s.slopes = make([]ad.Tail, dim), s.Bins+1
	for _, j := range circular {
		s.Tails[j] = ad.TailCircular
	}
	return s
}

// of returns the splines of some of the components.
func (s *RationalQuadraticSpline) of(index []int) *RationalQuadraticSpline {
	pick := *s
	if len(s.Tails) > 1 {
		pick.Tails = elements(s.Tails, index)
	}
	if len(s.Upper) > 1 || s.buffer {
		pick.Upper = elements(s.Upper, index)
	}
	return &pick
}

// state lists the bounds, if they are kept with the weights.
func (s *RationalQuadraticSpline) state() State {
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
