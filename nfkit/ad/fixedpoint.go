package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// fixedPointSteps is enough for a contraction by 0.97 in each step to reach the last digit.
const fixedPointSteps = 1000

// fixedPointTolerance is the change of a step, relative to max(1, |x|), after which an iteration ends. It stays above the
// rounding errors of a step.
func fixedPointTolerance[T kernel.Float]() float64 {
	if single[T]() {
		return 1e-5
	}
	return 1e-12
}

// FixedPoint returns, for each row, the x that solves x = f(x), by iteration from v: it converges to the only solution
// where f is a contraction of each row. The iteration of a row ends when no component moves by more than 1e-12 (float32:
// 1e-5) times max(1, |x|), with |x| the largest component; a row that does not get there in 1000 steps is NaN.
//
// f must have the shape of its argument, treat rows independently, and should leave what does not depend on x to its
// caller: it is computed at each step, with the same noise. The memory of the steps is freed.
//
// No gradient flows to v. That of everything else that f uses is exact by the implicit function theorem: Backward
// solves w = g + (∂f/∂x)ᵀ·w, with g the gradient of the result, by an iteration of its own, and passes w on to f at the
// solution. So only one evaluation of f is recorded, however many steps there were.
func (v *Value) FixedPoint(f func(x *Value) *Value) *Value {
	t := v.tape
	t.check("FixedPoint", v)
	x, calls := v.Detach(), t.noise.calls
	if t.precision == Float32 {
		iterate[float32](x, f)
	} else {
		iterate[float64](x, f)
	}
	if !t.Keeps() {
		return x
	}
	t.noise.calls = calls
	x.needs = true
	fx := f(x)
	if fx.param != nil || fx.id <= x.id { // a constant, which is the solution
		x.needs = false
		return fx
	}
	return t.solution(fixedPointOp, x, fx, nil, f, calls)
}

// solution records x as the solution of an equation that f is part of. fx, its value there, was computed since x, the
// first calls of noise before it; y is what f does not use.
func (t *Tape) solution(o *op, x, fx, y *Value, f func(x *Value) *Value, calls uint64) *Value {
	var u *Value
	if y == nil {
		u = t.apply(o, x.rows, x.cols, x, fx)
		u.needs = false
	} else {
		u = t.apply(o, x.rows, x.cols, x, fx, y)
		u.needs = y.needs
	}
	u.solved, u.calls = f, calls
	for _, w := range u.inner() {
		for _, a := range w.args {
			u.needs = u.needs || a.needs && a.before(x)
		}
	}
	return u.run()
}

// inner returns the values that the function of a solution has computed.
func (v *Value) inner() []*Value { return v.tape.values[v.args[0].id+1 : v.id] }

// again computes the function of the solution v again: at an alias of v, so that derivatives know where it is from.
func (v *Value) again() (x, fx *Value) {
	t := v.tape
	calls := t.noise.calls
	t.noise.calls = v.calls
	x = v.alias()
	fx = v.solved(x)
	t.noise.calls = calls
	return x, fx
}

var fixedPointOp = &op{name: "FixedPoint",
	forward64: solutionForward[float64], backward64: fixedPointBackward[float64],
	forward32: solutionForward[float32], backward32: fixedPointBackward[float32]}

func solutionForward[T kernel.Float](v *Value) { copy(of[T](v).data, of[T](v.args[0]).data) }

// before reports whether v was on the tape when x was made.
func (v *Value) before(x *Value) bool { return v.param != nil || v.id < x.id }

// iterate moves the rows of x to the fixed point of f.
func iterate[T kernel.Float](x *Value, f func(x *Value) *Value) {
	t, old := x.tape, of[T](x).data
	done := take[T](t, x.rows) // 0 or 1
	clear(done)
	calls := t.noise.calls
	for range fixedPointSteps {
		m := t.mark()
		t.noise.calls = calls
		fx := f(x)
		t.check("FixedPoint", fx)
		if fx.rows != x.rows || fx.cols != x.cols {
			panic(fmt.Sprintf("ad: FixedPoint: the function of a %d×%d value is %d×%d, want the same size", x.rows, x.cols, fx.rows, fx.cols))
		}
		next, left := of[T](fx).data, 0
		for i := range done {
			if done[i] == 0 {
				done[i] = step(old[i*x.cols:(i+1)*x.cols], next[i*x.cols:(i+1)*x.cols])
			}
			if done[i] == 0 {
				left++
			}
		}
		t.release(m)
		if left == 0 {
			return
		}
	}
	for i := range done {
		if done[i] == 0 {
			fill(old[i*x.cols:(i+1)*x.cols], T(math.NaN()))
		}
	}
}

// step stores next in x. It returns 1 if that is the end of the iteration of this row, which is NaN if it has left the
// finite numbers.
func step[T kernel.Float](x, next []T) T {
	var change, size T = 0, 1
	for j, n := range next {
		change = max(change, n-x[j], x[j]-n) // NaN stays
		size = max(size, n, -n)
	}
	copy(x, next)
	if !(size-size == 0) {
		fill(x, T(math.NaN()))
		return 1
	}
	if float64(change) <= fixedPointTolerance[T]()*float64(size) {
		return 1
	}
	return 0
}

func fixedPointBackward[T kernel.Float](v *Value) {
	t, x, fx, g, inner := v.tape, v.args[0], v.args[1], of[T](v).grad, v.inner()
	silent := len(t.silenced)
	t.silenced = silence(x, inner, t.silenced)
	w := append(take[T](t, len(g))[:0], g...)
	solved := false
	for range fixedPointSteps {
		m := t.mark()
		of[T](fx).grad = append(take[T](t, len(w))[:0], w...)
		t.reverse(fx.id, x.id+1, false)
		solved = adjointStep(w, g, of[T](x).grad)
		for _, u := range inner {
			of[T](u).grad = nil
		}
		of[T](x).grad = nil
		t.release(m)
		if solved {
			break
		}
	}
	t.unsilence(silent)
	if !solved {
		fill(w, T(math.NaN()))
	}
	kernel.Add(gradient[T](fx), gradient[T](fx), w) // the walk of Backward takes it on from here
}

// adjointStep stores g + d in w, and reports whether that changes little. A gradient that is NaN stays so.
func adjointStep[T kernel.Float](w, g, d []T) bool {
	var change, size T
	for i, g := range g {
		if d != nil {
			g += d[i]
		}
		if c := g - w[i]; c == c {
			change, size = max(change, c, -c), max(size, g, -g)
		}
		w[i] = g
	}
	return float64(change) <= fixedPointTolerance[T]()*float64(size) && size-size == 0
}

// unsilence undoes silence, for the values from place first of the list on.
func (t *Tape) unsilence(first int) {
	for _, v := range t.silenced[first:] {
		v.needs = true
	}
	t.silenced = t.silenced[:first]
}

// silence makes all that inner uses a constant, except x: gradients flow from inner to x alone. It returns the list with
// the values that it has changed.
func silence(x *Value, inner, list []*Value) []*Value {
	for _, u := range inner {
		if len(u.args) == 0 || !u.needs {
			continue
		}
		needs := false
		for _, a := range u.args {
			if a.needs && a.before(x) {
				a.needs = false
				list = append(list, a)
			}
			needs = needs || a.needs
		}
		if !needs {
			u.needs = false
			list = append(list, u)
		}
	}
	return list
}

// x = f(x): dx = ∂f/∂x·dx + ∂f, with ∂f the change of f where x stays: a fixed point again.
func fixedPointTangent(v *Value) (dx, _ *Value) {
	t := v.tape
	x, fx := v.again()
	df := t.along(x, nil, fx, t.since)
	if df == nil {
		return nil, nil
	}
	return t.Full(v.rows, v.cols, 0).FixedPoint(func(d *Value) *Value { return plus(t.along(x, d, fx, x.id), df) }), nil
}

func init() { fixedPointOp.tangent = fixedPointTangent }
