package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Wrap adds to each element the multiple of 2·bound that brings it to [−bound, bound). Elements that are there already
// keep their bits; infinite ones give NaN. The gradient is 1. It panics when bound is not positive and finite.
func (v *Value) Wrap(bound float64) *Value {
	if !(bound > 0) || math.IsInf(bound, 1) {
		panic(fmt.Sprintf("ad: Wrap: got the bound %v, want a positive number", bound))
	}
	return v.scalar(wrapOp, bound)
}

var wrapOp = &op{name: "Wrap",
	forward64: wrapForward[float64], backward64: shiftBackward[float64],
	forward32: wrapForward[float32], backward32: shiftBackward[float32]}

func wrapForward[T kernel.Float](v *Value) {
	y, bound := of[T](v).data, v.c
	for i, x := range of[T](v.args[0]).data {
		w := float64(x)
		if !(w >= -bound && w < bound) {
			w = math.Mod(w, 2*bound) // exact, with the sign of x
			switch {
			case w >= bound:
				w -= 2 * bound
			case w < -bound:
				w += 2 * bound
			}
		}
		y[i] = T(w)
	}
}

func init() { wrapOp.tangent = sameTangent }
