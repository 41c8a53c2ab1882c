package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Dropout returns, in training, v with each element set to 0 with probability p, by [Tape.Rand], and the others divided
// by 1−p; otherwise v itself. It panics unless 0 ≤ p < 1. Srivastava et al. 2014.
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
	y, x, r := of[T](v), of[T](v.args[0]).data, v.tape.random
	y.extra = take[T](v.tape, len(x))
	for i := range y.extra {
		y.extra[i] = 0
		if r.Float64() >= v.c {
			y.extra[i] = T(1 / (1 - v.c))
		}
	}
	kernel.Mul(y.data, x, y.extra)
}

func dropoutBackward[T kernel.Float](v *Value) {
	kernel.MulAcc(gradient[T](v.args[0]), of[T](v).grad, of[T](v).extra)
}
