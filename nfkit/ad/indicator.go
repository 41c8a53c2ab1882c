package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// LogIndicator returns the logarithm of the indicator of the interval [lo, hi], element by element: 0 inside, −Inf outside,
// NaN for NaN. Added to a log-density, it is the density's support. No gradient flows through it.
// It panics when lo > hi or one of them is NaN.
func (v *Value) LogIndicator(lo, hi float64) *Value {
	v.tape.check("LogIndicator", v)
	if !(lo <= hi) {
		panic(fmt.Sprintf("ad: LogIndicator: got the interval [%v, %v]", lo, hi))
	}
	u := v.tape.apply(logIndicatorOp, v.rows, v.cols, v)
	u.c, u.c2, u.needs = lo, hi, false
	return u.run()
}

var logIndicatorOp = &op{name: "LogIndicator",
	forward64: logIndicatorForward[float64], forward32: logIndicatorForward[float32]}

func logIndicatorForward[T kernel.Float](v *Value) {
	lo, hi, outside, y := T(v.c), T(v.c2), T(math.Inf(-1)), of[T](v).data
	for i, x := range of[T](v.args[0]).data {
		switch {
		case x < lo || x > hi:
			y[i] = outside
		case x != x:
			y[i] = x
		default:
			y[i] = 0
		}
	}
}

func init() { logIndicatorOp.tangent = noTangent }
