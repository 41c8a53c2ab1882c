package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// LogAbsDet returns ln|det A| of the d×d matrix A whose elements, by rows, are a row of v, n×d²: n×1, −Inf for a singular
// matrix. It is computed in float64 in either precision. It panics when the number of columns is not a square.
// Cost O(nd³).
func (v *Value) LogAbsDet() *Value {
	v.tape.check("LogAbsDet", v)
	if d := side(v); d*d != v.cols {
		panic(fmt.Sprintf("ad: LogAbsDet: got a %d×%d value, want a square number of columns", v.rows, v.cols))
	}
	return v.tape.apply(logAbsDetOp, v.rows, 1, v).run()
}

func side(v *Value) int { return int(math.Round(math.Sqrt(float64(v.cols)))) }

var logAbsDetOp = &op{name: "LogAbsDet",
	forward64: logAbsDetForward[float64], backward64: logAbsDetBackward[float64],
	forward32: logAbsDetForward[float32], backward32: logAbsDetBackward[float32]}

// logAbsDetForward keeps the inverses for the backward pass.
func logAbsDetForward[T kernel.Float](v *Value) {
	d, size := side(v.args[0]), v.args[0].cols
	x, y := of[T](v.args[0]).data, of[T](v).data
	a, b := take[float64](v.tape, size), take[float64](v.tape, size)
	inverses := take[T](v.tape, len(x))
	for i := range y {
		for k, x := range x[i*size : (i+1)*size] {
			a[k] = float64(x)
		}
		y[i] = T(invert(b, a, d))
		for k, b := range b {
			inverses[i*size+k] = T(b)
		}
	}
	of[T](v).extra = inverses
}

// ∂ ln|det A|/∂A = A⁻ᵀ.
func logAbsDetBackward[T kernel.Float](v *Value) {
	d, inverses, dx := side(v.args[0]), of[T](v).extra, gradient[T](v.args[0])
	for i, g := range of[T](v).grad {
		at := i * d * d
		for j := range d {
			for k := range d {
				dx[at+j*d+k] += g * inverses[at+k*d+j]
			}
		}
	}
}
