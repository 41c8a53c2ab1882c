package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Dropout returns, in training, v with each element set to 0 with probability p, by the tape's noise (see [Tape.Seed]), and the
// others divided by 1−p; otherwise v itself. Its rows are those of [Tape.Normal]. It panics unless 0 ≤ p < 1. Srivastava et al. 2014.
func (v *Value) Dropout(p float64) *Value {
	v.tape.check("Dropout", v)
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("ad: Dropout: got probability %v, want 0 or more and less than 1", p))
	}
	if p == 0 || !v.tape.training {
		return v
	}
	return v.scalar(dropoutOp, p)
}

var dropoutOp = &op{name: "Dropout",
	forward64: dropoutForward[float64], backward64: dropoutBackward[float64],
	forward32: dropoutForward[float32], backward32: dropoutBackward[float32]}

// dropoutForward keeps the factors of the elements, 0 or 1/(1−p), for the backward pass.
func dropoutForward[T kernel.Float](v *Value) {
	y, x := of[T](v), of[T](v.args[0]).data
	y.extra = take[T](v.tape, len(x))
	s, least, kept := v.tape.noise.stream("Dropout", v.rows), uint32(v.c*(1<<32)), T(1/(1-v.c))
	for i := range v.rows {
		s.row(i)
		var bits uint64
		for j, row := 0, y.extra[i*v.cols:(i+1)*v.cols]; j < len(row); j++ {
			if j%2 == 0 {
				bits = s.noise.pcg.Uint64()
			}
			row[j] = 0
			if uint32(bits) >= least {
				row[j] = kept
			}
			bits >>= 32
		}
	}
	kernel.Mul(y.data, x, y.extra)
}

func dropoutBackward[T kernel.Float](v *Value) {
	kernel.MulAcc(gradient[T](v.args[0]), of[T](v).grad, of[T](v).extra)
}

// dropoutTangent drops the elements of the tangent that the operation has dropped.
func dropoutTangent(v *Value) (dy, _ *Value) {
	dx := v.args[0].tangent()
	if v.tape.precision == Float32 {
		return dx.Mul(constant(v.tape, v.rows, v.cols, v.f32.extra)), nil
	}
	return dx.Mul(constant(v.tape, v.rows, v.cols, v.f64.extra)), nil
}

func init() { dropoutOp.tangent = dropoutTangent }
