package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Triangle is half of a square matrix.
type Triangle uint8

const (
	Lower           Triangle = iota // below the diagonal
	Upper                           // above the diagonal
	LowerTransposed                 // the transpose of a triangle below the diagonal
	UpperTransposed                 // the transpose of a triangle above the diagonal
)

// upper reports whether the elements given are those above the diagonal.
func (h Triangle) upper() bool { return h&1 != 0 }

// transposed reports whether the matrix is the transpose of the one that they belong to.
func (h Triangle) transposed() bool { return h >= LowerTransposed }

// TriMul multiplies each row x of v, as a column vector, by the d×d triangular matrix T: T·x, n×d.
//
// strict holds the elements of T, or of its transpose, off the diagonal: either those of the triangle alone, row by row, 1×d(d−1)/2, or
// a d×d matrix of which the others do not count. diag, 1×d, is the diagonal, or nil for ones. Cost O(nd²).
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
	if (s.rows != 1 || s.cols != d*(d-1)/2) && (s.rows != d || s.cols != d) {
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

// fewColumns is the largest d for which a matrix is not worth packing.
const fewColumns = 4

// triangle returns v's matrix without its diagonal, packed.
func triangle[T kernel.Float](v *Value) kernel.Triangle[T] {
	s, half, b := v.args[1], Triangle(v.kind), of[T](v)
	if s.param != nil {
		f := ofLower
		if half.upper() {
			f = ofUpper
		}
		v.tape.readings.ensurePacked(s.reading, f)
		return contentsOf[T](s.reading).triangles[f-ofLower]
	}
	t := kernel.Triangle[T]{D: v.cols, Upper: half.upper(), Packed: b.extra}
	if b.extra == nil {
		b.extra = take[T](v.tape, kernel.TriangleLen[T](v.cols))
		t.Packed = b.extra
		t.Pack(of[T](s).data, v.cols, half.upper())
	}
	return t
}

func diagonal[T kernel.Float](v *Value) []T {
	if len(v.args) < 3 {
		return nil
	}
	return of[T](v.args[2]).data
}

func triMulForward[T kernel.Float](v *Value) {
	y, x, g := of[T](v).data, of[T](v.args[0]).data, diagonal[T](v)
	if v.rows == 0 {
		return
	}
	if g == nil {
		copy(y, x)
	} else {
		for at := 0; at < len(y); at += len(g) {
			kernel.Mul(y[at:at+len(g)], x[at:at+len(g)], g)
		}
	}
	addTriangular(v, y, x, false)
}

// addTriangular adds S·x to the rows of y for v's matrix S+diag, or with transposed Sᵀ·x.
func addTriangular[T kernel.Float](v *Value, y, x []T, transposed bool) {
	d, half := v.cols, Triangle(v.kind)
	transposed = transposed != half.transposed()
	if d > fewColumns {
		triangle[T](v).MulAdd(y, x, v.rows, transposed)
		return
	}
	for i := range d {
		first, row := kernel.StrictRow(of[T](v.args[1]).data, d, i, half.upper())
		for j, t := range row {
			if transposed {
				addStrided(y[first+j:], x[i:], d, t)
			} else {
				addStrided(y[i:], x[first+j:], d, t)
			}
		}
	}
}

// y = Tx: dx += Tᵀ·dy, dT_ij += Σ dy_i·x_j.
func triMulBackward[T kernel.Float](v *Value) {
	dy, x, g := of[T](v).grad, of[T](v.args[0]).data, diagonal[T](v)
	if v.rows == 0 {
		return
	}
	if dx := gradient[T](v.args[0]); dx != nil {
		if g == nil {
			kernel.Add(dx, dx, dy)
		} else {
			for at := 0; at < len(dx); at += len(g) {
				kernel.MulAcc(dx[at:at+len(g)], dy[at:at+len(g)], g)
			}
		}
		addTriangular(v, dx, dy, true)
	}
	if g != nil {
		addDiagonalGradient(v.args[2], dy, x, 1)
	}
	addTriangleGradient(v, dy, x, 1)
}

// addDiagonalGradient adds sign·Σ a_i·b_i to the gradient of element i of a diagonal.
func addDiagonalGradient[T kernel.Float](diag *Value, a, b []T, sign T) {
	dg := gradient[T](diag)
	if dg == nil {
		return
	}
	for i := range dg {
		dg[i] += sign * dotStrided(a[i:], b[i:], len(dg))
	}
}

// addTriangleGradient adds sign·Σ a_i·b_j to the gradient of element (i, j) of v's matrix.
func addTriangleGradient[T kernel.Float](v *Value, a, b []T, sign T) {
	ds, d, half := gradient[T](v.args[1]), v.cols, Triangle(v.kind)
	if ds == nil {
		return
	}
	if half.transposed() {
		a, b = b, a
	}
	if d > fewColumns {
		kernel.AddTriangle(ds, a, b, v.rows, d, half.upper(), sign, workspace[T](v.tape, kernel.TriangleScratch(d)))
		return
	}
	for i := range d {
		first, row := kernel.StrictRow(ds, d, i, half.upper())
		for j := range row {
			row[j] += sign * dotStrided(a[i:], b[first+j:], d)
		}
	}
}

// addStrided adds c·x to every step-th element of dst.
func addStrided[T kernel.Float](dst, x []T, step int, c T) {
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
	y := of[T](v).data
	copy(y, of[T](v.args[0]).data)
	solveTriangular(v, y, false)
}

// solveTriangular solves T·y = x for v's matrix T, or with transposed Tᵀ·y = x, for each row x of y, in whose place is the solution.
func solveTriangular[T kernel.Float](v *Value, y []T, transposed bool) {
	d, half, g := v.cols, Triangle(v.kind), diagonal[T](v)
	if v.rows == 0 {
		return
	}
	transposed = transposed != half.transposed()
	if d > fewColumns {
		triangle[T](v).Solve(y, g, v.rows, transposed)
		return
	}
	for k := range d {
		i := k // those that depend on no other come first
		if half.upper() != transposed {
			i = d - 1 - k
		}
		first, row := kernel.StrictRow(of[T](v.args[1]).data, d, i, half.upper())
		if transposed { // y_i is known, and those that depend on it are told
			if g != nil {
				divStrided(y[i:], d, g[i])
			}
			for j, t := range row {
				addStrided(y[first+j:], y[i:], d, -t)
			}
			continue
		}
		for j, t := range row {
			addStrided(y[i:], y[first+j:], d, -t)
		}
		if g != nil {
			divStrided(y[i:], d, g[i])
		}
	}
}

// y = T⁻¹x: with e = T⁻ᵀ·dy, dx += e and dT_ij −= Σ e_i·y_j. The gradient of y is overwritten with e.
func triSolveBackward[T kernel.Float](v *Value) {
	e, y := spendGradient[T](v), of[T](v).data
	if v.rows == 0 {
		return
	}
	solveTriangular(v, e, true)
	if len(v.args) > 2 {
		addDiagonalGradient(v.args[2], e, y, -1)
	}
	addTriangleGradient(v, e, y, -1)
	addGradient(v.args[0], 1, v, e)
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
