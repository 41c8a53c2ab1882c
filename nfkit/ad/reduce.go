package ad

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Sum returns the sum of all elements, 1×1.
func (v *Value) Sum() *Value {
	v.tape.check("Sum", v)
	return v.tape.apply(sumOp, 1, 1, v).run()
}

// Mean returns the mean of all elements, 1×1; NaN if there are none.
func (v *Value) Mean() *Value { return v.Sum().Scale(1 / float64(v.rows*v.cols)) }

// RowSum returns the sum of each row, n×1.
func (v *Value) RowSum() *Value {
	v.tape.check("RowSum", v)
	return v.tape.apply(rowSumOp, v.rows, 1, v).run()
}

// ColSum returns the sum of each column, 1×c.
func (v *Value) ColSum() *Value {
	v.tape.check("ColSum", v)
	return v.tape.apply(colSumOp, 1, v.cols, v).run()
}

// LogSumExp returns ln Σⱼ e^{v_ij} of each row, n×1, without overflow; −Inf for a row of −Inf or without columns.
func (v *Value) LogSumExp() *Value {
	v.tape.check("LogSumExp", v)
	return v.tape.apply(logSumExpOp, v.rows, 1, v).run()
}

// LogSoftmax returns v minus the LogSumExp of its row: logarithms of weights that sum to 1.
func (v *Value) LogSoftmax() *Value { return v.Sub(v.LogSumExp()) }

var (
	sumOp = &op{name: "Sum",
		forward64: sumForward[float64], backward64: sumBackward[float64],
		forward32: sumForward[float32], backward32: sumBackward[float32]}
	rowSumOp = &op{name: "RowSum",
		forward64: rowSumForward[float64], backward64: rowSumBackward[float64],
		forward32: rowSumForward[float32], backward32: rowSumBackward[float32]}
	colSumOp = &op{name: "ColSum",
		forward64: colSumForward[float64], backward64: colSumBackward[float64],
		forward32: colSumForward[float32], backward32: colSumBackward[float32]}
	logSumExpOp = &op{name: "LogSumExp",
		forward64: logSumExpForward[float64], backward64: logSumExpBackward[float64],
		forward32: logSumExpForward[float32], backward32: logSumExpBackward[float32]}
)

func sumForward[T kernel.Float](v *Value) {
	var s T
	for _, x := range of[T](v.args[0]).data {
		s += x
	}
	of[T](v).data[0] = s
}

func sumBackward[T kernel.Float](v *Value) {
	g, dx := of[T](v).grad[0], gradient[T](v.args[0])
	for i := range dx {
		dx[i] += g
	}
}

func rowSumForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols
	for i := range y {
		var s T
		for _, x := range x[i*c : (i+1)*c] {
			s += x
		}
		y[i] = s
	}
}

func rowSumBackward[T kernel.Float](v *Value) {
	dx, c := gradient[T](v.args[0]), v.args[0].cols
	for i, g := range of[T](v).grad {
		row := dx[i*c : (i+1)*c]
		for j := range row {
			row[j] += g
		}
	}
}

func colSumForward[T kernel.Float](v *Value) {
	y, x := of[T](v).data, of[T](v.args[0]).data
	clear(y)
	for i := range v.args[0].rows {
		kernel.Add(y, y, x[i*len(y):(i+1)*len(y)])
	}
}

func colSumBackward[T kernel.Float](v *Value) {
	g, dx := of[T](v).grad, gradient[T](v.args[0])
	for i := range v.args[0].rows {
		row := dx[i*len(g) : (i+1)*len(g)]
		kernel.Add(row, row, g)
	}
}

// Exponentials are computed of some rows at once.
func logSumExpForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols
	eachRows[T](v, func(lo, hi int, e []T) {
		for i := lo; i < hi; i++ {
			top := T(math.Inf(-1))
			for _, x := range x[i*c : (i+1)*c] {
				top = max(top, x)
			}
			if top-top != 0 { // all −Inf, one +Inf, or NaN
				top = 0
			}
			for j, x := range x[i*c : (i+1)*c] {
				e[(i-lo)*c+j] = x - top
			}
			y[i] = top
		}
		kernel.Exp(e, e)
		for i := lo; i < hi; i++ {
			var s float64
			for _, e := range e[(i-lo)*c : (i-lo+1)*c] {
				s += float64(e)
			}
			y[i] += T(math.Log(s))
		}
	})
}

// ∂/∂x_j = e^{x_j − y}, taken as 0 in a row whose result is −Inf.
func logSumExpBackward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols
	g, dx := of[T](v).grad, gradient[T](v.args[0])
	eachRows[T](v, func(lo, hi int, e []T) {
		for i := lo; i < hi; i++ {
			y := y[i]
			if math.IsInf(float64(y), -1) {
				y = T(math.Inf(1))
			}
			for j, x := range x[i*c : (i+1)*c] {
				e[(i-lo)*c+j] = x - y
			}
		}
		kernel.Exp(e, e)
		for i := lo; i < hi; i++ {
			row, g := dx[i*c:(i+1)*c], g[i]
			for j, e := range e[(i-lo)*c : (i-lo+1)*c] {
				row[j] += g * e
			}
		}
	})
}

// eachRows calls f for some rows of the operand of v after the others, lo to hi (excluded), with memory of their size.
func eachRows[T kernel.Float](v *Value, f func(lo, hi int, memory []T)) {
	n, c := v.args[0].rows, v.args[0].cols
	some := max(1, slopeChunk/max(1, c))
	memory := take[T](v.tape, min(n, some)*c)
	for lo := 0; lo < n; lo += some {
		hi := min(lo+some, n)
		f(lo, hi, memory[:(hi-lo)*c])
	}
}

func init() {
	sumOp.tangent = mapTangent(func(_, dx *Value) *Value { return dx.Sum() })
	rowSumOp.tangent = mapTangent(func(_, dx *Value) *Value { return dx.RowSum() })
	colSumOp.tangent = mapTangent(func(_, dx *Value) *Value { return dx.ColSum() })
	logSumExpOp.tangent = mapTangent(func(v, dx *Value) *Value {
		some := v.pattern(func(y float64) float64 {
			if math.IsInf(y, -1) {
				return 0
			}
			return 1
		})
		none := v.tape.Full(1, 1, math.Inf(-1))
		return some.Where(v.args[0].Sub(v), none).Exp().Mul(dx).RowSum()
	})
}
