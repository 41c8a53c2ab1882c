package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Cholesky returns the lower triangular L with positive diagonal and L·Lᵀ = v, for v k×k symmetric and positive
// definite: k×k, zeros above the diagonal. It reads v on and below the diagonal. Elements are NaN from where v proves
// not to be positive definite. It panics unless v is square. Cost O(k³). The gradient is that of Murray 2016,
// arXiv:1602.07527.
func (v *Value) Cholesky() *Value {
	v.tape.check("Cholesky", v)
	if v.rows != v.cols {
		panic(fmt.Sprintf("ad: Cholesky: got a %d×%d value, want a square one", v.rows, v.cols))
	}
	return v.tape.apply(choleskyOp, v.rows, v.cols, v).run()
}

var choleskyOp = &op{name: "Cholesky",
	forward64: choleskyForward[float64], backward64: choleskyBackward[float64],
	forward32: choleskyForward[float32], backward32: choleskyBackward[float32]}

func choleskyForward[T kernel.Float](v *Value) {
	l, a, k := of[T](v).data, of[T](v.args[0]).data, v.cols
	clear(l)
	for i := range k {
		for j := range i + 1 {
			sum := a[i*k+j]
			for p := range j {
				sum -= l[i*k+p] * l[j*k+p]
			}
			if i == j {
				l[i*k+i] = T(math.Sqrt(float64(sum)))
			} else {
				l[i*k+j] = sum / l[j*k+j]
			}
		}
	}
}

// With G the gradient of L and Φ(X) the lower triangle of X with half its diagonal, S = L⁻ᵀ·Φ(LᵀG)·L⁻¹ is the gradient
// of v in the sense that dloss = Σ S⊙dv for symmetric dv. Each pair v_ij = v_ji is read once, below the diagonal, and
// has S_ij + S_ji.
func choleskyBackward[T kernel.Float](v *Value) {
	l, g, da, k := of[T](v).data, of[T](v).grad, gradient[T](v.args[0]), v.cols
	s := take[T](v.tape, k*k)
	for i := range k { // Φ(LᵀG)
		for j := range k {
			var sum T
			if j <= i {
				for p := i; p < k; p++ {
					sum += l[p*k+i] * g[p*k+j]
				}
			}
			if i == j {
				sum /= 2
			}
			s[i*k+j] = sum
		}
	}
	for j := range k { // L⁻ᵀ·S, column by column
		for i := k - 1; i >= 0; i-- {
			sum := s[i*k+j]
			for p := i + 1; p < k; p++ {
				sum -= l[p*k+i] * s[p*k+j]
			}
			s[i*k+j] = sum / l[i*k+i]
		}
	}
	for i := range k { // S·L⁻¹, row by row
		for j := k - 1; j >= 0; j-- {
			sum := s[i*k+j]
			for p := j + 1; p < k; p++ {
				sum -= s[i*k+p] * l[p*k+j]
			}
			s[i*k+j] = sum / l[j*k+j]
		}
	}
	for i := range k {
		for j := range i {
			da[i*k+j] += s[i*k+j] + s[j*k+i]
		}
		da[i*k+i] += s[i*k+i]
	}
}

// v = L·Lᵀ: dL = L·Φ(L⁻¹·dv·L⁻ᵀ).
func choleskyTangent(v *Value) (dl, _ *Value) {
	t, k, da := v.tape, v.cols, v.args[0].tangent()
	below := da.Mul(t.lowerHalf(k, 0))
	symmetric := below.Add(below.Transpose()).Add(da.Mul(t.Eye(k)))
	inverse, _ := v.Inverse()
	return v.MatMul(inverse.MatMul(symmetric).MatMul(inverse.Transpose()).Mul(t.lowerHalf(k, 0.5))), nil
}

// lowerHalf returns the k×k matrix of ones below the diagonal, with the given number on it.
func (t *Tape) lowerHalf(k int, diag float64) *Value {
	return t.Eye(k).Scale(diag).Add(t.strictlyLower(k))
}

func (t *Tape) strictlyLower(k int) *Value {
	v := t.Full(k, k, 0)
	for i := range k {
		for j := range i {
			v.put(i*k+j, 1)
		}
	}
	return v
}

func init() { choleskyOp.tangent = choleskyTangent }
