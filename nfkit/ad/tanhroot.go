package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// TanhRoot returns the s that solves s + (slope−1)·tanh s = v, element by element, for slope ≥ 0, the slope of the left
// side at 0, which broadcasts to v. It undoes the map of a planar flow. NaN where slope is negative or v infinite. It is
// [Value.Root] for this function, in less time.
//
// The left side is odd, and on either side of 0 convex or concave: Newton's method from the proper side of the root
// comes monotonically closer until rounding stops it, mostly in less than ten steps.
func (v *Value) TanhRoot(slope Operand) *Value {
	t := v.tape
	p := slope.operand(t)
	t.check("TanhRoot", v)
	t.check("TanhRoot", p)
	if p.rows != v.rows && p.rows != 1 || p.cols != v.cols && p.cols != 1 {
		panic(fmt.Sprintf("ad: TanhRoot: got %d×%d slopes for a %d×%d value; sizes must be equal or 1", p.rows, p.cols, v.rows, v.cols))
	}
	return t.apply(tanhRootOp, v.rows, v.cols, v, p).run()
}

var tanhRootOp = &op{name: "TanhRoot",
	forward64: tanhRootForward[float64], backward64: tanhRootBackward[float64],
	forward32: tanhRootForward[float32], backward32: tanhRootBackward[float32]}

func tanhRootForward[T kernel.Float](v *Value) {
	s, y, p := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data
	for i := range v.rows {
		slope := rowOf(p, v.args[1], i)
		for j := range v.cols {
			k := i*v.cols + j
			s[k] = T(tanhRoot(float64(y[k]), float64(slope.data[j*slope.step])))
		}
	}
}

// With f = s + (p−1)·tanh s: ds/dv = 1/f′(s), ds/dp = −tanh(s)/f′(s).
func tanhRootBackward[T kernel.Float](v *Value) {
	s, p, g := of[T](v).data, of[T](v.args[1]).data, of[T](v).grad
	dv, dp := gradient[T](v.args[0]), gradient[T](v.args[1])
	for i := range v.rows {
		slope, dslope := rowOf(p, v.args[1], i), rowOf(dp, v.args[1], i)
		for j := range v.cols {
			k := i*v.cols + j
			tanh := math.Tanh(float64(s[k]))
			e := float64(g[k]) / tanhSlope(float64(s[k]), tanh, float64(slope.data[j*slope.step]))
			if dv != nil {
				dv[k] += T(e)
			}
			if dp != nil {
				dslope.data[j*dslope.step] -= T(e * tanh)
			}
		}
	}
}

// tanhSlope returns the derivative 1 + (p−1)·sech² s, given tanh s, as a sum of positive terms.
func tanhSlope(s, tanh, p float64) float64 {
	e := math.Exp(-2 * math.Abs(s))
	return tanh*tanh + p*(4*e/((1+e)*(1+e)))
}

// maxTanhSteps is far above what any slope below 1e100 takes.
const maxTanhSteps = 500

func tanhRoot(v, p float64) float64 {
	y, k := math.Abs(v), p-1
	switch {
	case !(p >= 0) || math.IsInf(p, 1) || math.IsInf(y, 1):
		return math.NaN()
	case y == 0:
		return v
	}
	// For s > 0, f = s + k·tanh s − y is concave if k > 0: the root is approached from below. It is convex if k < 0:
	// from above.
	s, sign := max(y/p, y-k), 1.0
	if k < 0 {
		s, sign = min(y/p, y-k), -1
		if c := math.Cbrt(-5 * y / k); c < 1 { // tanh s ≤ s − s³/5 there
			s = min(s, c)
		}
	}
	for range maxTanhSteps {
		tanh := math.Tanh(s)
		next := s - (s+k*tanh-y)/tanhSlope(s, tanh, p)
		if !(sign*next > sign*s) {
			return math.Copysign(s, v)
		}
		s = next
	}
	return math.NaN()
}

func init() {
	tanhRootOp.tangent = func(v *Value) (ds, _ *Value) {
		dv, dp := v.tangents()
		tanh := v.Tanh()
		if dp != nil {
			dp = dp.Mul(tanh).Neg()
		}
		sech2 := v.Scale(2).Sigmoid().Mul(v.Scale(-2).Sigmoid()).Scale(4)
		return plus(dv, dp).Div(tanh.Square().Add(sech2.Mul(v.args[1]))), nil
	}
}
