package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// LogAbsDet returns ln|det A| of the d×d matrix A whose elements, by rows, are a row of v, n×d²: n×1, −Inf for a singular
// matrix. It is computed in float64 in either precision. It panics when the number of columns is not a square.
// Cost O(nd³).
func (v *Value) LogAbsDet() *Value {
	v.tape.check("LogAbsDet", v)
	if d := side(v); d*d != v.cols {
		panic(fmt.Sprintf("ad: LogAbsDet: got a %d×%d value, want a square number of columns", v.rows, v.cols))
	}
	return v.tape.apply(logAbsDetOp, v.rows, 1, v).run()
}

func side(v *Value) int { return int(math.Round(math.Sqrt(float64(v.cols)))) }

var logAbsDetOp = &op{name: "LogAbsDet",
	forward64: logAbsDetForward[float64], backward64: logAbsDetBackward[float64],
	forward32: logAbsDetForward[float32], backward32: logAbsDetBackward[float32]}

// logAbsDetForward keeps the inverses for the backward pass.
func logAbsDetForward[T kernel.Float](v *Value) {
	d, size := side(v.args[0]), v.args[0].cols
	x, y := of[T](v.args[0]).data, of[T](v).data
	a, b := take[float64](v.tape, size), take[float64](v.tape, size)
	inverses := take[T](v.tape, len(x))
	for i := range y {
		for k, x := range x[i*size : (i+1)*size] {
			a[k] = float64(x)
		}
		y[i] = T(invert(b, a, d))
		for k, b := range b {
			inverses[i*size+k] = T(b)
		}
	}
	of[T](v).extra = inverses
}

// ∂ ln|det A|/∂A = A⁻ᵀ.
func logAbsDetBackward[T kernel.Float](v *Value) {
	d, inverses, dx := side(v.args[0]), of[T](v).extra, gradient[T](v.args[0])
	for i, g := range of[T](v).grad {
		at := i * d * d
		for j := range d {
			for k := range d {
				dx[at+j*d+k] += g * inverses[at+k*d+j]
			}
		}
	}
}

func init() {
	logAbsDetOp.tangent = mapTangent(func(v, dx *Value) *Value { return v.inverses().Mul(dx).RowSum() })
	inversesOp.tangent = func(v *Value) (dy, _ *Value) {
		return v.matrices(v.args[0].tangent(), true).matrices(v, false).Neg(), nil
	}
	matricesOp.tangent = func(v *Value) (dy, _ *Value) {
		da, db := v.tangents()
		if da != nil {
			da = da.matrices(v.args[1], v.kind == transposed)
		}
		if db != nil {
			db = v.args[0].matrices(db, v.kind == transposed)
		}
		return plus(da, db), nil
	}
}

// What the derivatives of LogAbsDet are made of: Y = A⁻ᵀ, and the product of the matrices of two values.
var (
	inversesOp = &op{name: "inverses",
		forward64: inversesForward[float64], backward64: inversesBackward[float64],
		forward32: inversesForward[float32], backward32: inversesBackward[float32]}
	matricesOp = &op{name: "matrices",
		forward64: matricesForward[float64], backward64: matricesBackward[float64],
		forward32: matricesForward[float32], backward32: matricesBackward[float32]}
)

// transposed is the kind of a product whose second factor is.
const transposed = 1

// inverses returns A⁻ᵀ for v = ln|det A|, n×d².
func (v *Value) inverses() *Value {
	a := v.args[0]
	return v.tape.apply(inversesOp, a.rows, a.cols, a, v).run()
}

func inversesForward[T kernel.Float](v *Value) {
	d, y, inverses := side(v), of[T](v).data, of[T](v.args[1]).extra
	for at := 0; at < len(y); at += d * d {
		for j := range d {
			for k := range d {
				y[at+j*d+k] = inverses[at+k*d+j]
			}
		}
	}
}

// dY = −Y·dAᵀ·Y, so the gradient of A loses Y·Gᵀ·Y.
func inversesBackward[T kernel.Float](v *Value) {
	d, y, g, da := side(v), of[T](v).data, of[T](v).grad, gradient[T](v.args[0])
	if da == nil {
		return
	}
	m := take[T](v.tape, d*d)
	product := take[T](v.tape, d*d)
	for at := 0; at < len(y); at += d * d {
		y, g, da := y[at:][:d*d], g[at:][:d*d], da[at:][:d*d]
		clear(m)
		clear(product)
		kernel.MulAddT(m, y, g, d, d, d)
		kernel.MulAdd(product, m, y, d, d, d)
		kernel.Axpy(da, -1, product)
	}
}

// matrices returns the products of the d×d matrices in the rows of a and b, n×d².
func (a *Value) matrices(b *Value, transpose bool) *Value {
	v := a.tape.apply(matricesOp, a.rows, a.cols, a, b)
	if v.kind = 0; transpose {
		v.kind = transposed
	}
	return v.run()
}

func matricesForward[T kernel.Float](v *Value) {
	d, y, a, b := side(v), of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data
	clear(y)
	for at := 0; at < len(y); at += d * d {
		y, a, b := y[at:][:d*d], a[at:][:d*d], b[at:][:d*d]
		if v.kind == transposed {
			kernel.MulAddT(y, a, b, d, d, d)
		} else {
			kernel.MulAdd(y, a, b, d, d, d)
		}
	}
}

func matricesBackward[T kernel.Float](v *Value) {
	d, g, a, b := side(v), of[T](v).grad, of[T](v.args[0]).data, of[T](v.args[1]).data
	da, db := gradient[T](v.args[0]), gradient[T](v.args[1])
	for at := 0; at < len(g); at += d * d {
		g, a, b := g[at:][:d*d], a[at:][:d*d], b[at:][:d*d]
		switch {
		case da == nil:
		case v.kind == transposed:
			kernel.MulAdd(da[at:][:d*d], g, b, d, d, d)
		default:
			kernel.MulAddT(da[at:][:d*d], g, b, d, d, d)
		}
		switch {
		case db == nil:
		case v.kind == transposed:
			kernel.MulTAdd(db[at:][:d*d], g, a, d, d, d)
		default:
			kernel.MulTAdd(db[at:][:d*d], a, g, d, d, d)
		}
	}
}
