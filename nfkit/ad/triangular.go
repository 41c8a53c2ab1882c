package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Triangle is half of a square matrix.
type Triangle uint8

const (
	Lower Triangle = iota // below the diagonal
	Upper                 // above the diagonal
)

// TriMul multiplies each row x of v, as a column vector, by the d×d triangular matrix T: T·x, n×d.
//
// strict, 1×d(d−1)/2, holds the elements of T off the diagonal, row by row; diag, 1×d, its diagonal, or nil
// for ones. Cost O(nd²).
func (v *Value) TriMul(half Triangle, strict, diag Operand) *Value {
	return v.triangular(triMulOp, half, strict, diag)
}

// TriSolve solves T·y = x for each row x of v: T⁻¹·x, n×d. The arguments are those of [Value.TriMul].
// A zero on the diagonal gives infinities. Cost O(nd²).
func (v *Value) TriSolve(half Triangle, strict, diag Operand) *Value {
	return v.triangular(triSolveOp, half, strict, diag)
}

func (v *Value) triangular(o *op, half Triangle, strict, diag Operand) *Value {
	t, d := v.tape, v.cols
	t.check(o.name, v)
	s := strict.operand(t)
	t.check(o.name, s)
	if s.rows*s.cols != d*(d-1)/2 {
		panic(fmt.Sprintf("ad: %s: got %d elements off the diagonal for a %d×%d value, want %d", o.name, s.rows*s.cols, v.rows, d, d*(d-1)/2))
	}
	var u *Value
	if diag == nil {
		u = t.apply(o, v.rows, d, v, s)
	} else {
		g := diag.operand(t)
		t.check(o.name, g)
		if g.rows*g.cols != d {
			panic(fmt.Sprintf("ad: %s: got %d diagonal elements for a %d×%d value, want %d", o.name, g.rows*g.cols, v.rows, d, d))
		}
		u = t.apply(o, v.rows, d, v, s, g)
	}
	u.kind = uint8(half)
	return u.run()
}

var (
	triMulOp = &op{name: "TriMul",
		forward64: triMulForward[float64], backward64: triMulBackward[float64],
		forward32: triMulForward[float32], backward32: triMulBackward[float32]}
	triSolveOp = &op{name: "TriSolve",
		forward64: triSolveForward[float64], backward64: triSolveBackward[float64],
		forward32: triSolveForward[float32], backward32: triSolveBackward[float32]}
)

// strictRow returns the columns and the packed elements of row i of a triangle of size d, without the diagonal.
// An absent gradient has absent rows.
func strictRow[T kernel.Float](half Triangle, packed []T, i, d int) (first int, row []T) {
	if packed == nil {
		return 0, nil
	}
	if half == Lower {
		return 0, packed[i*(i-1)/2:][:i]
	}
	return i + 1, packed[i*(2*d-i-1)/2:][:d-1-i]
}

func diagonal[T kernel.Float](v *Value) []T {
	if len(v.args) < 3 {
		return nil
	}
	return of[T](v.args[2]).data
}

func triMulForward[T kernel.Float](v *Value) {
	y, x, s, g := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data, diagonal[T](v)
	d, half := v.cols, Triangle(v.kind)
	if v.rows == 0 {
		return
	}
	for i := range d {
		if g == nil {
			addStrided(y[i:], x[i:], d, 1, true)
		} else {
			addStrided(y[i:], x[i:], d, g[i], true)
		}
		first, row := strictRow(half, s, i, d)
		for j, t := range row {
			addStrided(y[i:], x[first+j:], d, t, false)
		}
	}
}

// y = Tx: dx += Tᵀ·dy, dT_ij += Σ dy_i·x_j.
func triMulBackward[T kernel.Float](v *Value) {
	dy, x, s, g := of[T](v).grad, of[T](v.args[0]).data, of[T](v.args[1]).data, diagonal[T](v)
	dx, ds := gradient[T](v.args[0]), gradient[T](v.args[1])
	var dg []T
	if g != nil {
		dg = gradient[T](v.args[2])
	}
	d, half := v.cols, Triangle(v.kind)
	if v.rows == 0 {
		return
	}
	for i := range d {
		first, row := strictRow(half, s, i, d)
		_, drow := strictRow(half, ds, i, d)
		if dx != nil {
			if g == nil {
				addStrided(dx[i:], dy[i:], d, 1, false)
			} else {
				addStrided(dx[i:], dy[i:], d, g[i], false)
			}
			for j, t := range row {
				addStrided(dx[first+j:], dy[i:], d, t, false)
			}
		}
		if dg != nil {
			dg[i] += dotStrided(dy[i:], x[i:], d)
		}
		for j := range drow {
			drow[j] += dotStrided(dy[i:], x[first+j:], d)
		}
	}
}

// addStrided adds c·x to every step-th element of dst, or sets it.
func addStrided[T kernel.Float](dst, x []T, step int, c T, set bool) {
	if set {
		for k := 0; k < len(dst) && k < len(x); k += step {
			dst[k] = c * x[k]
		}
		return
	}
	for k := 0; k < len(dst) && k < len(x); k += step {
		dst[k] += c * x[k]
	}
}

// dotStrided returns the sum of products of every step-th element.
func dotStrided[T kernel.Float](a, b []T, step int) T {
	var sum T
	for k := 0; k < len(a) && k < len(b); k += step {
		sum += a[k] * b[k]
	}
	return sum
}

func triSolveForward[T kernel.Float](v *Value) {
	y, x, s, g := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data, diagonal[T](v)
	d, half := v.cols, Triangle(v.kind)
	copy(y, x)
	if v.rows == 0 {
		return
	}
	for k := range d {
		i := order(half, k, d)
		first, row := strictRow(half, s, i, d)
		for j, t := range row {
			addStrided(y[i:], y[first+j:], d, -t, false)
		}
		if g != nil {
			divStrided(y[i:], d, g[i])
		}
	}
}

// y = T⁻¹x: with e = T⁻ᵀ·dy, dx += e and dT_ij −= Σ e_i·y_j. The gradient of y is overwritten with e.
func triSolveBackward[T kernel.Float](v *Value) {
	e, y, s, g := spendGradient[T](v), of[T](v).data, of[T](v.args[1]).data, diagonal[T](v)
	ds := gradient[T](v.args[1])
	var dg []T
	if g != nil {
		dg = gradient[T](v.args[2])
	}
	d, half := v.cols, Triangle(v.kind)
	if v.rows == 0 {
		return
	}
	for k := range d {
		i := order(1-half, k, d)
		first, row := strictRow(half, s, i, d)
		_, drow := strictRow(half, ds, i, d)
		if g != nil {
			divStrided(e[i:], d, g[i])
		}
		for j, t := range row {
			addStrided(e[first+j:], e[i:], d, -t, false)
		}
		if dg != nil {
			dg[i] -= dotStrided(e[i:], y[i:], d)
		}
		for j := range drow {
			drow[j] -= dotStrided(e[i:], y[first+j:], d)
		}
	}
	addGradient(v.args[0], 1, v, e)
}

// order returns the k-th row of a triangle to solve for, so that each finds those that it depends on done.
func order(half Triangle, k, d int) int {
	if half == Upper {
		return d - 1 - k
	}
	return k
}

// divStrided divides every step-th element by c.
func divStrided[T kernel.Float](s []T, step int, c T) {
	for k := 0; k < len(s); k += step {
		s[k] /= c
	}
}

func init() { triMulOp.tangent, triSolveOp.tangent = triMulTangent, triSolveTangent }

// diag returns the diagonal of v's matrix as an operand.
func (v *Value) diag() Operand {
	if len(v.args) < 3 {
		return nil
	}
	return v.args[2]
}

// triTangent returns dT·x for the tangent dT of v's matrix, nil if it has none.
func triTangent(v, x *Value) *Value {
	t, d, ds := v.tape, v.cols, v.args[1].tangent()
	var dg *Value
	if len(v.args) > 2 {
		dg = v.args[2].tangent()
	}
	switch {
	case ds != nil && dg != nil:
		return x.TriMul(Triangle(v.kind), ds, dg)
	case ds != nil:
		return x.TriMul(Triangle(v.kind), ds, t.Full(1, d, 0))
	case dg != nil:
		return x.Mul(dg.Reshape(1, d))
	}
	return nil
}

// y = T·x: dy = T·dx + dT·x.
func triMulTangent(v *Value) (dy, _ *Value) {
	dx := v.args[0].tangent()
	if dx != nil {
		dx = dx.TriMul(Triangle(v.kind), v.args[1], v.diag())
	}
	return plus(dx, triTangent(v, v.args[0])), nil
}

// T·y = x: dy = T⁻¹(dx − dT·y).
func triSolveTangent(v *Value) (dy, _ *Value) {
	d := triTangent(v, v)
	if d != nil {
		d = d.Neg()
	}
	return plus(v.args[0].tangent(), d).TriSolve(Triangle(v.kind), v.args[1], v.diag()), nil
}
