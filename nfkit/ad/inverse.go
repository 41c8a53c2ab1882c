package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Inverse returns the inverse of the square matrix v and ln|det v|, 1×1: NaN, and −Inf, for a singular one.
// It is computed in float64 in either precision, by elimination with row pivots. Rows are not points here. Cost O(d³).
func (v *Value) Inverse() (inverse, logAbsDet *Value) {
	t := v.tape
	t.check("Inverse", v)
	if v.rows != v.cols {
		panic(fmt.Sprintf("ad: Inverse: got a %d×%d value, want a square one", v.rows, v.cols))
	}
	inverse = t.apply(inverseOp, v.rows, v.rows, v)
	logAbsDet = t.apply(twinOp, 1, 1, inverse)
	inverse.twin = logAbsDet
	inverse.run()
	return inverse, logAbsDet
}

var inverseOp = &op{name: "Inverse",
	forward64: inverseForward[float64], backward64: inverseBackward[float64],
	forward32: inverseForward[float32], backward32: inverseBackward[float32]}

func inverseForward[T kernel.Float](v *Value) {
	d := v.rows
	a, b := take[float64](v.tape, d*d), take[float64](v.tape, d*d)
	for i, x := range of[T](v.args[0]).data {
		a[i] = float64(x)
	}
	of[T](v.twin).data[0] = T(invert(b, a, d))
	y := of[T](v).data
	for i, x := range b {
		y[i] = T(x)
	}
}

// invert stores the inverse of the d×d matrix a in b, by Gauss–Jordan elimination, which overwrites a. It returns
// ln|det a|; if that is −Inf, b is NaN.
func invert(b, a []float64, d int) (logAbsDet float64) {
	clear(b)
	for i := range d {
		b[i*d+i] = 1
	}
	for k := range d {
		pivot := k
		for i := k + 1; i < d; i++ {
			if math.Abs(a[i*d+k]) > math.Abs(a[pivot*d+k]) {
				pivot = i
			}
		}
		ak, bk := a[k*d:(k+1)*d], b[k*d:(k+1)*d]
		if pivot != k {
			swap(ak, a[pivot*d:(pivot+1)*d])
			swap(bk, b[pivot*d:(pivot+1)*d])
		}
		p := ak[k]
		if p == 0 { // a is singular, or not made of numbers
			fill(b, math.NaN())
			if !finite(a) {
				return math.NaN()
			}
			return math.Inf(-1)
		}
		logAbsDet += math.Log(math.Abs(p))
		kernel.Scale(ak, 1/p, ak)
		kernel.Scale(bk, 1/p, bk)
		for i := range d {
			if f := a[i*d+k]; i != k {
				kernel.Axpy(a[i*d:(i+1)*d], -f, ak)
				kernel.Axpy(b[i*d:(i+1)*d], -f, bk)
			}
		}
	}
	return logAbsDet
}

func swap(a, b []float64) {
	for j := range a {
		a[j], b[j] = b[j], a[j]
	}
}

// For Y = V⁻¹ and l = ln|det V|: dV = −Yᵀ·dY·Yᵀ + dl·Yᵀ.
func inverseBackward[T kernel.Float](v *Value) {
	d, y, dv := v.rows, of[T](v).data, gradient[T](v.args[0])
	if g := of[T](v).grad; g != nil {
		m, n := take[T](v.tape, d*d), take[T](v.tape, d*d)
		clear(m)
		clear(n)
		kernel.MulAddT(m, g, y, d, d, d) // dY·Yᵀ
		kernel.MulTAdd(n, y, m, d, d, d)
		kernel.Axpy(dv, -1, n)
	}
	if l := twinGradient[T](v); l != nil {
		for i := range d {
			for j := range d {
				dv[i*d+j] += l[0] * y[j*d+i]
			}
		}
	}
}

func init() {
	inverseOp.tangent = func(v *Value) (dy, dtwin *Value) {
		dv := v.args[0].tangent()
		if v.twin.wanted {
			dtwin = v.Transpose().Mul(dv).Sum()
		}
		return v.MatMul(dv).MatMul(v).Neg(), dtwin
	}
}
