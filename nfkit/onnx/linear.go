package onnx

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func dense(t *translation, _ *ad.Value, o ad.Operation) string {
	inputs := []string{t.value(o.Args[0]), t.weights(o, o.Args[1])}
	if len(o.Args) > 2 {
		inputs = append(inputs, t.weights(o, o.Args[2]))
	}
	y := t.with("Gemm", inputs, integer("transB", 1))
	switch o.Activation {
	case ad.Identity:
		return y
	case ad.LeakyReLU:
		if o.Number == 0 {
			return t.op("Relu", y)
		}
		return t.where(t.positive(y), y, t.op("Mul", y, t.number(o.Number)))
	case ad.Tanh:
		return t.op("Tanh", y)
	case ad.Sigmoid:
		return t.op("Sigmoid", y)
	case ad.ELU:
		return t.elu(y)
	case ad.Softplus:
		return t.softplus(y)
	}
	fail("Dense has the activation %d, which has no translation", o.Activation)
	return ""
}

func matMul(t *translation, _ *ad.Value, o ad.Operation) string {
	return t.op("MatMul", t.value(o.Args[0]), t.weights(o, o.Args[1]))
}

// triangular makes the translation of TriMul, or of TriSolve: a product with the inverse, which is computed here.
func triangular(solve bool) translator {
	return func(t *translation, v *ad.Value, o ad.Operation) string {
		tape, d := ad.NewEvalTape(ad.Float64), v.Cols()
		constant := func(a *ad.Value) *ad.Value { return tape.Const(a.Rows(), a.Cols(), t.fixed(o, a)) }
		strict, diagonal := constant(o.Args[1]), ad.Operand(nil)
		if len(o.Args) > 2 {
			diagonal = constant(o.Args[2])
		}
		var rows *ad.Value // what it makes of each unit vector
		if solve {
			rows = tape.Eye(d).TriSolve(o.Half, strict, diagonal)
		} else {
			rows = tape.Eye(d).TriMul(o.Half, strict, diagonal)
		}
		return t.op("MatMul", t.value(o.Args[0]), t.numbers(rows.Data(), d, d))
	}
}

// logAbsDet eliminates: in each column, the row with the largest element, among those that have not had their turn, is subtracted from the others.
// What remains of the others is as if rows had been exchanged.
func logAbsDet(t *translation, _ *ad.Value, o ad.Operation) string {
	d := int(math.Round(math.Sqrt(float64(o.Args[0].Cols()))))
	a := t.reshape(t.value(o.Args[0]), -1, d, d)
	var places []float64
	for i := range d {
		places = append(places, float64(i))
	}
	rows, left, sum := t.numbers(places, 1, d), t.numbers(ones(d), 1, d, 1), ""
	for k := range d {
		column := t.slice(a, 2, k, k+1)
		size := t.where(t.positive(left), t.op("Abs", column), t.number(-1))
		at := t.with("ArgMax", []string{size}, integer("axis", 1)) // n×1×1
		turn := t.cast(t.op("Equal", t.cast(t.reshape(at, -1, 1)), rows))
		turn = t.reshape(turn, -1, d, 1)
		row := t.sum(t.op("Mul", a, turn), 1) // n×1×d
		pivot := t.slice(row, 2, k, k+1)
		left = t.op("Sub", left, turn)
		a = t.op("Sub", a, t.op("Mul", t.op("Div", column, pivot), row))
		l := t.reshape(t.op("Log", t.op("Abs", pivot)), -1, 1)
		if sum == "" {
			sum = l
		} else {
			sum = t.op("Add", sum, l)
		}
	}
	return sum
}

func ones(n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = 1
	}
	return all
}
