package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// RowGradient returns y = f(x), n×1, for x n×d, and its gradient g = ∇ₓf, n×d: row i holds the derivatives of y_i with
// respect to x_i. f must treat rows independently. For a log-density it is the score, for an energy minus the force of
// Hamiltonian dynamics.
//
// It works on any tape, also on one that records nothing for Backward, where it frees the memory of f. The results are
// ordinary values: a loss made of g has gradients with respect to x and all that f uses, exact, which Backward computes
// as derivatives of a [JVP], and f may itself take derivatives. Cost: about three times that of f; where Backward comes
// through g, two to four times that again. It panics when y is not n×1.
func RowGradient(f func(x *Value) *Value, x *Value) (y, g *Value) {
	t := x.tape
	t.check("RowGradient", x)
	keeps := t.Keeps()
	t.recording++
	defer t.recorded()
	if keeps {
		y, a := t.rowFunction(f, x)
		return y, gradientOf(a, y)
	}
	result, g := t.value(constOp, x.rows, 1), t.value(constOp, x.rows, x.cols) // before all that is released
	m := t.mark()
	y, a := t.rowFunction(f, x)
	if t.precision == Float32 {
		innerGradient(g.f32.data, a, y)
	} else {
		innerGradient(g.f64.data, a, y)
	}
	copy(result.f64.data, y.f64.data)
	copy(result.f32.data, y.f32.data)
	t.release(m)
	return result, g
}

// rowFunction returns f of a value of its own with the elements of x, and that value.
func (t *Tape) rowFunction(f func(x *Value) *Value, x *Value) (y, a *Value) {
	a = x.alias()
	a.needs = true // on any tape
	y = f(a)
	t.check("RowGradient", y)
	if y.rows != x.rows || y.cols != 1 {
		panic(fmt.Sprintf("ad: RowGradient: the function of a %d×%d value is %d×%d, want %d×1", x.rows, x.cols, y.rows, y.cols, x.rows))
	}
	return y, a
}

// gradientOf returns the gradient of y, n×1, with respect to x, from which it was computed.
func gradientOf(x, y *Value) *Value { return x.tape.apply(rowGradientOp, x.rows, x.cols, x, y).run() }

var rowGradientOp = &op{name: "RowGradient",
	forward64: rowGradientForward[float64], backward64: rowGradientBackward[float64],
	forward32: rowGradientForward[float32], backward32: rowGradientBackward[float32]}

func init() {
	rowGradientOp.tangent = func(v *Value) (dg, _ *Value) { // derivatives may be taken in any order
		dy := v.args[1].tangent()
		if dy == nil {
			return nil, nil
		}
		return gradientOf(v.args[0], dy), nil
	}
}

func rowGradientForward[T kernel.Float](v *Value) {
	innerGradient(of[T](v).data, v.args[0], v.args[1])
}

// The product of the gradient G of v with the derivative of ∇ₓy is that of ∇ₓy·G, the derivative of y in the direction
// G: that is computed here, after all else, and differentiated.
func rowGradientBackward[T kernel.Float](v *Value) {
	t, x, y := v.tape, v.args[0], v.args[1]
	g := t.value(constOp, x.rows, x.cols)
	copy(of[T](g).data, of[T](v).grad)
	first := t.n
	dy := t.along(x, g, y, x.id)
	if dy == nil || dy.param != nil || dy.id < first || !dy.needs {
		return
	}
	fill(gradient[T](dy), 1)
	t.reverse(dy.id, first, false)
}

// holder is a gradient that is set aside.
type holder struct {
	v   *Value
	f64 []float64
	f32 []float32
}

// innerGradient stores the gradient of the sum of y with respect to x in dst. What is not computed from x is constant,
// and gradients that are there stay as they are.
func innerGradient[T kernel.Float](dst []T, x, y *Value) {
	t := x.tape
	if y.param != nil || y.id < x.id {
		clear(dst)
		return
	}
	all, first := t.values[x.id:y.id+1], len(t.held)
	for _, v := range all {
		if of[T](v).grad != nil {
			t.held = append(t.held, holder{v, v.f64.grad, v.f32.grad})
			of[T](v).grad = nil
		}
	}
	needs := x.needs
	x.needs = true
	silent := len(t.silenced)
	t.silenced = silence(x, all[1:], t.silenced)
	ones := take[T](t, len(of[T](y).data))
	fill(ones, 1)
	of[T](x).grad, x.unset = dst, true
	if y == x {
		copy(dst, ones)
		x.unset = false
	} else {
		of[T](y).grad = ones
		t.reverse(y.id, x.id+1, false)
	}
	if x.unset { // it has no part in y
		clear(dst)
		x.unset = false
	}
	t.unsilence(silent)
	x.needs = needs
	for _, v := range all {
		of[T](v).grad = nil
	}
	for _, h := range t.held[first:] {
		h.v.f64.grad, h.v.f32.grad = h.f64, h.f32
	}
	t.held = t.held[:first]
}
