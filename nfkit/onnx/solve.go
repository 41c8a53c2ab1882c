package onnx

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Limits of iterations, of which few are needed.
const (
	fixedPointSteps = 1000
	newtonSteps     = 500
	widenSteps      = 16 // to the largest number, squaring the distance
	bracketSteps    = 500
)

// fixedPoint iterates until no component moves by more than rounding does. What moves longer is NaN.
func fixedPoint(t *translation, v *ad.Value, o ad.Operation) string {
	x, fx := o.Args[0], o.Args[1]
	start := t.full(x.Operation().Args[0])
	moved := t.op("Greater", t.with("ReduceMax", []string{start}, integers("axes", 1)), t.number(inf)) // false
	end := t.loop(fixedPointSteps, x, []carried{{start, t.element, 2}, {moved, boolType, 2}}, func(now []string) ([]string, string) {
		t.scope.tensor[x] = now[0]
		next := t.full(fx)
		largest := func(x string) string { return t.with("ReduceMax", []string{t.op("Abs", x)}, integers("axes", 1)) }
		size := t.op("Max", largest(next), t.number(1))
		moves := t.op("Greater", largest(t.op("Sub", next, now[0])), t.op("Mul", size, t.number(8*t.epsilon())))
		return []string{next, moves}, t.anyOf(moves)
	})
	return t.where(end[1], t.number(math.NaN()), end[0])
}

// tanhRoot is Newton's method from the proper side of the root of s + (p−1)·tanh s = |v|, until no element comes closer.
func tanhRoot(t *translation, v *ad.Value, o ad.Operation) string {
	x, p := t.full(o.Args[0]), t.full(o.Args[1])
	one := t.number(1)
	y, k := t.op("Abs", x), t.op("Sub", p, one)
	rising := t.positive(k)
	near, far := t.op("Div", y, p), t.op("Sub", y, k)
	above, below := t.op("Min", near, far), t.op("Max", near, far)
	cube := t.op("Div", t.op("Mul", y, t.number(5)), t.op("Max", t.op("Neg", k), t.number(math.SmallestNonzeroFloat32)))
	cube = t.op("Pow", cube, t.number(1./3)) // tanh s ≤ s − s³/5 below 1
	above = t.where(t.op("Less", cube, one), t.op("Min", above, cube), above)
	sign := t.where(rising, one, t.op("Neg", one))
	end := t.loop(newtonSteps, nil, []carried{{t.where(rising, below, above), t.element, 2}}, func(now []string) ([]string, string) {
		s := now[0]
		tanh, e := t.op("Tanh", s), t.op("Exp", t.op("Mul", s, t.number(-2)))
		half := t.op("Add", one, e)
		sech2 := t.op("Div", t.op("Mul", e, t.number(4)), t.op("Mul", half, half))
		slope := t.op("Add", t.op("Mul", tanh, tanh), t.op("Mul", p, sech2))
		excess := t.op("Sub", t.op("Add", s, t.op("Mul", k, tanh)), y)
		next := t.op("Sub", s, t.op("Div", excess, slope))
		closer := t.op("Greater", t.op("Mul", sign, next), t.op("Mul", sign, s))
		return []string{t.where(closer, next, s)}, t.anyOf(closer)
	})
	s := t.where(t.op("Less", x, t.number(0)), t.op("Neg", end[0]), end[0])
	return t.where(t.op("Equal", x, t.number(0)), x, s)
}

// root finds a bracket of f(x) = v and narrows it, for all elements at once. Chandrupatla 1997, doi:10.1016/S0965-9978(96)00051-8.
func root(t *translation, v *ad.Value, o ad.Operation) string {
	x, fx, target := o.Args[0], o.Args[1], t.full(o.Args[2])
	// f returns the distance of f from its target, inside of a loop over x.
	f := func(at string) string {
		inner := &scope{outer: t.scope.outer, at: x, tensor: map[*ad.Value]string{x: at}, nodes: t.scope.nodes}
		s := t.scope
		t.scope = inner
		y := t.op("Sub", t.full(fx), target)
		t.scope = s
		s.nodes = inner.nodes
		return y
	}
	a, b, fa, fb := t.bracket(x, target, o.Number, o.Upper, f)

	zero, one, half := t.number(0), t.number(1), t.number(0.5)
	nan := t.where(t.op("Greater", t.op("Mul", t.op("Sign", fa), t.op("Sign", fb)), zero), t.number(math.NaN()), zero) // no bracket
	middle := t.op("Add", t.op("Mul", target, zero), half)
	nearer := t.op("Less", t.op("Abs", fa), t.op("Abs", fb))
	best, least := t.where(nearer, a, b), t.where(nearer, t.op("Abs", fa), t.op("Abs", fb))
	state := []carried{{a, t.element, 2}, {b, t.element, 2}, {fa, t.element, 2}, {fb, t.element, 2}, {middle, t.element, 2}, {best, t.element, 2}, {least, t.element, 2}}
	end := t.loop(bracketSteps, x, state, func(now []string) ([]string, string) {
		a, b, fa, fb, part, best, least := now[0], now[1], now[2], now[3], now[4], now[5], now[6]
		at := t.op("Add", t.op("Mul", a, t.op("Sub", one, part)), t.op("Mul", b, part))
		fx := f(at)
		size := t.op("Abs", fx)
		better := t.op("Less", size, least)
		best, least = t.where(better, at, best), t.where(better, size, least)
		sameSide := t.op("Equal", t.op("Sign", fx), t.op("Sign", fa))
		c, fc := t.where(sameSide, a, b), t.where(sameSide, fa, fb)
		b, fb = t.where(sameSide, b, a), t.where(sameSide, fb, fa)
		a, fa = at, fx

		tolerance := t.op("Mul", t.op("Add", t.op("Abs", best), t.number(rootFloor)), t.number(t.epsilon()))
		width := t.op("Abs", t.op("Sub", b, a))
		open := t.op("And", t.op("Greater", width, tolerance), t.op("Greater", least, zero))

		// Inverse quadratic interpolation where it can be trusted, bisection elsewhere; never too near to an end.
		xi := t.op("Div", t.op("Sub", a, b), t.op("Sub", c, b))
		phi := t.op("Div", t.op("Sub", fa, fb), t.op("Sub", fc, fb))
		rest := t.op("Sub", one, phi)
		trusted := t.op("And", t.op("Less", t.op("Mul", phi, phi), xi), t.op("Less", t.op("Mul", rest, rest), t.op("Sub", one, xi)))
		first := t.op("Mul", t.op("Div", fa, t.op("Sub", fb, fa)), t.op("Div", fc, t.op("Sub", fb, fc)))
		second := t.op("Mul", t.op("Div", t.op("Sub", c, a), t.op("Sub", b, a)), t.op("Mul", t.op("Div", fa, t.op("Sub", fc, fa)), t.op("Div", fb, t.op("Sub", fc, fb))))
		part = t.where(trusted, t.op("Add", first, second), half)
		margin := t.op("Min", t.op("Div", t.op("Mul", tolerance, half), width), half)
		part = t.op("Min", t.op("Max", part, margin), t.op("Sub", one, margin))
		part = t.where(open, part, half)
		return []string{a, b, fa, fb, part, best, least}, t.anyOf(open)
	})
	return t.op("Add", end[5], nan)
}

// rootFloor is the size below which a root counts as small as that, in the width of a bracket that is narrow enough.
const rootFloor = 1e-3

// bracket returns two points of the interval from lo to hi, and the distances of f from its target there, which have two signs if there is a solution.
// From infinite ends it starts at a distance of 1, from 0 or the finite end.
func (t *translation) bracket(x *ad.Value, target string, lo, hi float64, f func(at string) string) (a, b, fa, fb string) {
	zero := t.op("Mul", target, t.number(0))
	from, reach := [2]float64{}, 1.0
	open := [2]bool{math.IsInf(lo, -1), math.IsInf(hi, 1)}
	switch {
	case open[0] && !open[1]:
		from[0], reach = hi, max(1, math.Abs(hi))
	case open[1] && !open[0]:
		from[1], reach = lo, max(1, math.Abs(lo))
	}
	if open[0] {
		lo = from[0] - reach
	}
	if open[1] {
		hi = from[1] + reach
	}
	// A loop of one step is where f can be computed.
	ends := []carried{{t.op("Add", zero, t.number(lo)), t.element, 2}, {t.op("Add", zero, t.number(hi)), t.element, 2}, {zero, t.element, 2}, {zero, t.element, 2}}
	now := t.loop(1, x, ends, func(now []string) ([]string, string) {
		return []string{now[0], now[1], f(now[0]), f(now[1])}, ""
	})
	if !open[0] && !open[1] {
		return now[0], now[1], now[2], now[3]
	}
	for i, name := range now {
		ends[i].start = name
	}
	ends = append(ends, carried{t.number(reach), t.element, 0})
	now = t.loop(widenSteps, x, ends, func(now []string) ([]string, string) {
		apart := t.op("Min", t.op("Mul", t.op("Mul", now[4], now[4]), t.number(4)), t.number(t.largest()))
		oneSide := t.op("Greater", t.op("Mul", t.op("Sign", now[2]), t.op("Sign", now[3])), t.number(0))
		next := append([]string(nil), now...)
		next[4] = apart
		for i, sign := range []float64{-1, 1} {
			if !open[i] {
				continue
			}
			at := t.op("Add", t.op("Mul", apart, t.number(sign)), t.number(from[i]))
			at = t.where(oneSide, at, now[i])
			y := f(at)
			keep := t.op("IsNaN", y) // as far as f goes
			next[i], next[2+i] = t.where(keep, now[i], at), t.where(keep, now[2+i], y)
		}
		more := t.op("And", t.anyOf(oneSide), t.op("Less", now[4], t.number(t.largest())))
		return next, more
	})
	return now[0], now[1], now[2], now[3]
}
