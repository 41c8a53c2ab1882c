package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// luMinDiagonal keeps the diagonal of U away from 0, as the reference does.
const luMinDiagonal = 1e-3

// LULinearPermuteOptions are the options of [NewLULinearPermute].
type LULinearPermuteOptions struct {
	RandomInit bool // draw L and U from ±1/√d; the default is the identity up to the permutation
}

// LULinearPermute is a fixed random permutation followed by a linear map whose LU decomposition is trained. With π the
// permutation, L lower triangular with ones on its diagonal and U upper triangular,
//
//	z = L·U·x_π + b,  ln|det J| = Σⱼ ln U_jj,  U_jj = softplus(u_j) + 10⁻³
//
// is its Inverse; Forward solves for x. Cost O(nd²) in either direction. Oliva et al. 2018, arXiv:1801.09819;
// Kingma & Dhariwal 2018, arXiv:1807.03039, eq. 10. Its twin in normflows is LULinearPermute.
type LULinearPermute struct {
	permutation              []int
	bias, lower, upper, diag *ad.Param
}

var _ Flow = (*LULinearPermute)(nil)

// NewLULinearPermute returns a map of dim components. A nil opts means the defaults. It panics when dim is not
// positive.
func NewLULinearPermute(dim int, opts *LULinearPermuteOptions, src rand.Source) *LULinearPermute {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewLULinearPermute: got dimension %d, want 1 or more", dim))
	}
	r := newRand("NewLULinearPermute", src)
	limit := 0.0
	if opts != nil && opts.RandomInit {
		limit = 1 / math.Sqrt(float64(dim))
	}
	half := dim * (dim - 1) / 2
	l := &LULinearPermute{
		permutation: r.Perm(dim),
		bias:        ad.NewParam(1, dim, make([]float64, dim)),
		lower:       uniformParam(1, half, limit, r),
		upper:       uniformParam(1, half, limit, r),
		diag:        uniformParam(1, dim, limit, r),
	}
	if limit == 0 {
		for j := range l.diag.Data {
			l.diag.Data[j] = softplusInverse(1 - luMinDiagonal)
		}
	}
	return l
}

// Dim returns the number of components.
func (l *LULinearPermute) Dim() int { return len(l.permutation) }

// diagonal returns the diagonal of U and ln|det LU|, 1×1.
func (l *LULinearPermute) diagonal(t *ad.Tape) (u, logDet *ad.Value) {
	u = t.Param(l.diag).Softplus().Shift(luMinDiagonal)
	return u, u.Log().RowSum()
}

// These are the largest dimensions for which a shard's map is made one matrix first: of few components, a product costs less than two
// with triangles, or the solution for as many points as the matrix has rows less than that for all points of the shard.
const (
	composedProduct  = 4
	composedSolution = 64
)

// Forward solves L·U·x_π + b = z for x. With R the transpose of (LU)⁻¹, that is x_π = z·R − b·R for points as rows.
func (l *LULinearPermute) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("LULinearPermute.Forward", z, l.Dim())
	t := z.Tape()
	u, d := l.diagonal(t)
	if l.Dim() > composedSolution {
		x = z.Sub(l.bias).TriSolve(ad.Lower, l.lower, nil).TriSolve(ad.Upper, l.upper, u).Scatter(l.Dim(), l.permutation)
		return x, d.Neg().Repeat(z.Rows())
	}
	r := t.Eye(l.Dim()).TriSolve(ad.Lower, l.lower, nil).TriSolve(ad.Upper, l.upper, u).Scatter(l.Dim(), l.permutation)
	return z.Linear(r.Transpose(), t.Param(l.bias).MatMul(r).Neg()), d.Neg().Repeat(z.Rows())
}

// Inverse returns z = L·U·x_π + b.
func (l *LULinearPermute) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("LULinearPermute.Inverse", x, l.Dim())
	t := x.Tape()
	u, d := l.diagonal(t)
	if l.Dim() > composedProduct {
		z = x.Columns(l.permutation).TriMul(ad.Upper, l.upper, u).TriMul(ad.Lower, l.lower, nil).Add(l.bias)
		return z, d.Repeat(x.Rows())
	}
	w := t.Eye(l.Dim()).Columns(l.permutation).TriMul(ad.Upper, l.upper, u).TriMul(ad.Lower, l.lower, nil)
	return x.Linear(w.Transpose(), l.bias), d.Repeat(x.Rows())
}

// State lists the permutation and the parameters of the linear map.
func (l *LULinearPermute) State() State {
	d, half := l.Dim(), len(l.lower.Data)
	return State{
		permutationTensor("permutation._permutation", l.permutation),
		ParamTensor("linear.bias", l.bias, d),
		ParamTensor("linear.lower_entries", l.lower, half),
		ParamTensor("linear.upper_entries", l.upper, half),
		ParamTensor("linear.unconstrained_upper_diag", l.diag, d),
	}
}
