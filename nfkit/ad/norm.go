package ad

import (
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// RowNorm returns the Euclidean norm of each row, n×1, without overflow or underflow of the squares. Its gradient, v
// over the norm, is 0 for a row of zeros.
func (v *Value) RowNorm() *Value {
	v.tape.check("RowNorm", v)
	return v.tape.apply(rowNormOp, v.rows, 1, v).run()
}

var rowNormOp = &op{name: "RowNorm",
	forward64: rowNormForward[float64], backward64: rowNormBackward[float64],
	forward32: rowNormForward[float32], backward32: rowNormBackward[float32]}

func rowNormForward[T kernel.Float](v *Value) {
	y, x, c := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols
	for i := range y {
		var top float64
		row := x[i*c : (i+1)*c]
		for _, x := range row {
			top = max(top, math.Abs(float64(x))) // NaN stays
		}
		if top == 0 || math.IsInf(top, 1) {
			y[i] = T(top)
			continue
		}
		var sum float64
		for _, x := range row {
			u := float64(x) / top
			sum += u * u
		}
		y[i] = T(top * math.Sqrt(sum))
	}
}

func rowNormBackward[T kernel.Float](v *Value) {
	y, g := of[T](v).data, of[T](v).grad
	x, dx, c := of[T](v.args[0]).data, gradient[T](v.args[0]), v.args[0].cols
	for i, r := range y {
		if r == 0 {
			continue
		}
		for j := i * c; j < (i+1)*c; j++ {
			dx[j] += g[i] * (x[j] / r)
		}
	}
}

func init() {
	rowNormOp.tangent = mapTangent(func(v, dx *Value) *Value {
		some := v.pattern(func(r float64) float64 {
			if r == 0 {
				return 0
			}
			return 1
		})
		return v.args[0].Div(some.Where(v, v.tape.Full(1, 1, 1))).Mul(dx).RowSum()
	})
}
