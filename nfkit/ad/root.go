package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Root returns the x in [lo, hi] that solves f(x) = v, element by element, for an f that is monotone, rising or falling,
// and continuous there. It undoes a map without an inverse in closed form. NaN where there is no such x, and where v is
// not finite.
//
// f must have the shape of its argument, and each element of its result depend on the same element of x alone; it should
// leave what does not depend on x to its caller: it is computed at each step, with the same noise. lo and hi may be
// infinite: the search then goes out from −1 and 1, or from the finite end, squaring the distance, as far as the largest
// number. Each element has a bracket of its own, which inverse quadratic
// interpolation or bisection narrow (Chandrupatla 1997, doi:10.1016/S0965-9978(96)00051-8), and bisection of the binary
// digits where these do not halve it, until it is two neighbouring numbers or f(x) = v exactly. That takes some ten
// evaluations of f for a smooth one, at most some 260, and memory for one.
//
// Gradients flow to v and all that f uses by the implicit function theorem, dx = (dv − ∂f)/f′(x), with ∂f the change of
// f where x stays; only one evaluation is recorded. It panics when f returns another shape, or unless lo < hi.
func (v *Value) Root(f func(x *Value) *Value, lo, hi float64) *Value {
	t := v.tape
	t.check("Root", v)
	if !(lo < hi) {
		panic(fmt.Sprintf("ad: Root: got the interval [%v, %v], want its ends in order", lo, hi))
	}
	x, calls := v.Detach(), t.noise.calls
	if t.precision == Float32 {
		bracket[float32](x, v, f, lo, hi)
	} else {
		bracket[float64](x, v, f, lo, hi)
	}
	if !t.Keeps() {
		return x
	}
	t.noise.calls = calls
	x.needs = true
	fx := f(x)
	u := t.solution(rootOp, x, fx, v, f, calls)
	u.c, u.c2 = lo, hi
	return u
}

var rootOp = &op{name: "Root",
	forward64: solutionForward[float64], backward64: rootBackward[float64],
	forward32: solutionForward[float32], backward32: rootBackward[float32]}

func init() { rootOp.tangent = rootTangent }

// With w = g/f′(x): v gains w, and f at the solution loses it.
func rootBackward[T kernel.Float](v *Value) {
	x, fx, y, w := v.args[0], v.args[1], v.args[2], spendGradient[T](v)
	slope := take[T](v.tape, len(w))
	innerGradient(slope, x, fx)
	for i := range w {
		w[i] /= slope[i]
	}
	addGradient(fx, -1, v, w)
	addGradient(y, 1, v, w)
}

func rootTangent(v *Value) (dx, _ *Value) {
	t := v.tape
	x, fx := v.again()
	dy, df := v.args[2].tangent(), t.along(x, nil, fx, t.since)
	if df != nil {
		df = df.Neg()
	}
	d := plus(dy, df)
	if d == nil {
		return nil, nil
	}
	return d.Div(t.along(x, t.Full(v.rows, v.cols, 1), fx, x.id).orZeros(x)), nil
}

// search is the way to one root, of g = f − target. All of its points are numbers of the tape's precision.
type search struct {
	state        uint8
	next         float64 // where to compute f; in the end, the root
	target       float64
	a, b, ga, gb float64 // two points and g there: of either sign, once there is a bracket
	reach        float64 // of the widening, from the ends or 0
	left, right  bool    // so far does it go on
	fromA, fromB float64 // where from
	c, gc        float64 // an end of the bracket before; NaN at first
	width        uint64  // digits of the bracket when it was last halved
	patience     int     // steps that it may take to halve it again
	creep        int64   // digits of the next step where interpolation ends at a
}

// States of a search: what is computed at next.
const (
	searchA     uint8 = iota // the first point
	searchB                  // the second
	searchRight              // a point beyond b, to widen
	searchLeft               // a point beyond a
	searchInner              // a point of the bracket
	searchDone               // nothing
)

// rootPatience is the number of steps in which a bracket is to lose half of its width.
const rootPatience = 3

// bracket moves the elements of x to the roots of f − y.
func bracket[T kernel.Float](x, y *Value, f func(x *Value) *Value, lo, hi float64) {
	t, at, target, first := x.tape, of[T](x).data, of[T](y).data, len(x.tape.searches)
	t.searches = append(t.searches, make([]search, len(at))...)
	all := t.searches[first:] // f may have searches of its own behind these
	calls, busy := t.noise.calls, false
	for i := range all {
		begin[T](&all[i], lo, hi, float64(target[i]))
		at[i] = T(all[i].next)
		busy = busy || all[i].state != searchDone
	}
	for busy {
		m := t.mark()
		t.noise.calls = calls
		fx := f(x)
		t.check("Root", fx)
		if fx.rows != x.rows || fx.cols != x.cols {
			panic(fmt.Sprintf("ad: Root: the function of a %d×%d value is %d×%d, want the same size", x.rows, x.cols, fx.rows, fx.cols))
		}
		busy = false
		for i, y := range of[T](fx).data {
			if s := &all[i]; s.state != searchDone {
				advance[T](s, float64(y)-s.target)
				at[i] = T(s.next)
				busy = busy || s.state != searchDone
			}
		}
		t.release(m)
	}
	t.searches = t.searches[:first]
}

func begin[T kernel.Float](s *search, lo, hi, target float64) {
	*s = search{target: target, left: math.IsInf(lo, -1), right: math.IsInf(hi, 1), reach: 1}
	if target-target != 0 {
		s.end(math.NaN())
		return
	}
	s.a, s.b = lo, hi
	if s.left && !s.right {
		s.fromA, s.reach = hi, max(1, math.Abs(hi))
	} else if s.right && !s.left {
		s.fromB, s.reach = lo, max(1, math.Abs(lo))
	}
	if s.left {
		s.a = s.beyondA(largest[T]())
	}
	if s.right {
		s.b = s.beyondB(largest[T]())
	}
	s.a, s.b = float64(T(s.a)), float64(T(s.b))
	s.next = s.a
}

func (s *search) beyondA(largest float64) float64 { return max(s.fromA-s.reach, -largest) }
func (s *search) beyondB(largest float64) float64 { return min(s.fromB+s.reach, largest) }

func (s *search) end(x float64) { s.state, s.next = searchDone, x }

// advance takes in g = f − target at next, and finds the next point.
func advance[T kernel.Float](s *search, g float64) {
	x := s.next
	switch s.state {
	case searchA:
		s.ga = g
		s.state, s.next = searchB, s.b
	case searchB:
		s.gb = g
		switch {
		case s.ga == 0:
			s.end(s.a)
		case g == 0:
			s.end(x)
		case s.ga != s.ga || g != g:
			s.end(math.NaN())
		case s.ga < 0 != (g < 0):
			narrow[T](s)
		default:
			widen[T](s)
		}
	case searchRight:
		switch {
		case g == 0:
			s.end(x)
		case g != g:
			s.right = false // as far as f goes
		case s.gb < 0 != (g < 0):
			s.a, s.ga, s.b, s.gb = s.b, s.gb, x, g
			narrow[T](s)
			return
		default:
			s.right = x < largest[T]()
			s.b, s.gb = x, g
		}
		if s.state != searchDone {
			widen[T](s)
		}
	case searchLeft:
		switch {
		case g == 0:
			s.end(x)
		case g != g:
			s.left = false
		case s.ga < 0 != (g < 0):
			s.b, s.gb, s.a, s.ga = s.a, s.ga, x, g
			narrow[T](s)
			return
		default:
			s.left = x > -largest[T]()
			s.a, s.ga = x, g
		}
		if s.state != searchDone {
			s.state = searchB // the right side comes next
			widen[T](s)
		}
	case searchInner:
		switch {
		case g == 0:
			s.end(x)
			return
		case g != g:
			s.end(math.NaN())
			return
		case g < 0 == (s.ga < 0):
			s.c, s.gc = s.a, s.ga
		default:
			s.c, s.gc, s.b, s.gb = s.b, s.gb, s.a, s.ga
			s.creep = 1
		}
		s.a, s.ga = x, g
		inner[T](s)
	}
}

// widen goes out on the right and then on the left, by the same reach, and then by a larger one.
func widen[T kernel.Float](s *search) {
	switch {
	case !s.left && !s.right:
		s.end(math.NaN()) // f does not reach the target
	case s.state != searchRight && s.right || !s.left:
		s.reach *= 4 * s.reach
		s.state, s.next = searchRight, float64(T(s.beyondB(largest[T]())))
	default:
		if s.state != searchRight {
			s.reach *= 4 * s.reach
		}
		s.state, s.next = searchLeft, float64(T(s.beyondA(largest[T]())))
	}
}

// narrow begins with the bracket a, b.
func narrow[T kernel.Float](s *search) {
	s.state, s.c, s.gc, s.creep = searchInner, math.NaN(), math.NaN(), 1
	s.width, s.patience = math.MaxUint64, rootPatience
	inner[T](s)
}

// inner finds the next point of a bracket, of which a is the end computed last.
func inner[T kernel.Float](s *search) {
	a, b := ordinal[T](s.a), ordinal[T](s.b)
	width := uint64(max(a, b)) - uint64(min(a, b))
	if width <= 1 {
		if math.Abs(s.ga) > math.Abs(s.gb) {
			s.end(s.b)
		} else {
			s.end(s.a)
		}
		return
	}
	if width <= s.width/2 {
		s.width, s.patience = width, rootPatience
	} else if s.patience--; s.patience < 0 {
		s.next = ofOrdinal[T](a/2 + b/2 + (a%2+b%2)/2)
		return
	}
	x := 0.5 // of the way from a to b
	xi, phi := (s.a-s.b)/(s.c-s.b), (s.ga-s.gb)/(s.gc-s.gb)
	if phi*phi < xi && (1-phi)*(1-phi) < 1-xi {
		x = s.ga/(s.gb-s.ga)*(s.gc/(s.gb-s.gc)) + (s.c-s.a)/(s.b-s.a)*(s.ga/(s.gc-s.ga))*(s.gb/(s.gc-s.gb))
	}
	s.next = float64(T(s.a + x*(s.b-s.a)))
	if lo, hi := min(s.a, s.b), max(s.a, s.b); !(s.next > lo && s.next < hi) {
		if s.next != s.a { // at b, or overflow
			s.next = ofOrdinal[T](a/2 + b/2 + (a%2+b%2)/2)
			return
		}
		// a is the root up to a few roundings: another step on its other side ends the search.
		creep := min(s.creep, int64(width/2))
		s.creep *= 4
		if b < a {
			creep = -creep
		}
		s.next = ofOrdinal[T](a + creep)
	}
}

// largest returns the largest number of type T.
func largest[T kernel.Float]() float64 {
	if single[T]() {
		return math.MaxFloat32
	}
	return math.MaxFloat64
}

// single reports whether T is float32.
func single[T kernel.Float]() bool { return T(1)+T(1e-10) == T(1) }

// ordinal returns the place of x, a number of type T, among all of them: neighbours differ by 1.
func ordinal[T kernel.Float](x float64) int64 {
	if single[T]() {
		if i := int32(math.Float32bits(float32(x))); i < 0 {
			return int64(math.MinInt32 - i)
		} else {
			return int64(i)
		}
	}
	if i := int64(math.Float64bits(x)); i < 0 {
		return math.MinInt64 - i
	} else {
		return i
	}
}

// ofOrdinal returns the number whose ordinal is i.
func ofOrdinal[T kernel.Float](i int64) float64 {
	if single[T]() {
		if i < 0 {
			return float64(math.Float32frombits(uint32(math.MinInt32 - int32(i))))
		}
		return float64(math.Float32frombits(uint32(i)))
	}
	if i < 0 {
		i = math.MinInt64 - i
	}
	return math.Float64frombits(uint64(i))
}
