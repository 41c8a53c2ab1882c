package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// RowPolynomial returns the sum over each row of a polynomial of each element, n×1:
//
//	y_i = Σ_j p_{j mod m}(v_ij),  p_k(x) = Σ_l c[k][l]·x^l,  m = len(c),
//
// the energy of particles that do not interact, say. It takes one pass over v, and one for the gradient. c must not change while the value is in
// use. It panics when c is empty.
func (v *Value) RowPolynomial(c [][]float64) *Value {
	v.tape.check("RowPolynomial", v)
	if len(c) == 0 {
		panic(fmt.Sprintf("ad: RowPolynomial: got no polynomials for a %d×%d value, want 1 or more", v.rows, v.cols))
	}
	u := v.tape.apply(rowPolynomialOp, v.rows, 1, v)
	u.polynomials = c
	return u.run()
}

var rowPolynomialOp = &op{name: "RowPolynomial",
	forward64: rowPolynomialForward[float64], backward64: rowPolynomialBackward[float64],
	forward32: rowPolynomialForward[float32], backward32: rowPolynomialBackward[float32]}

func rowPolynomialForward[T kernel.Float](v *Value) {
	y, x, cols, m := of[T](v).data, of[T](v.args[0]).data, v.args[0].cols, len(v.polynomials)
	clear(y)
	for k := range min(m, cols) {
		c := horner[T](v, k, 0)
		for i := range y {
			y[i] += polynomialSum(x[i*cols+k:(i+1)*cols], m, c)
		}
	}
}

func rowPolynomialBackward[T kernel.Float](v *Value) {
	g, x, cols, m := of[T](v).grad, of[T](v.args[0]).data, v.args[0].cols, len(v.polynomials)
	dx, fresh := freshGradient[T](v.args[0])
	for k := range min(m, cols) {
		c := horner[T](v, k, 1)
		for i, g := range g {
			polynomialTo(dx[i*cols+k:(i+1)*cols], g, x[i*cols+k:(i+1)*cols], m, c, !fresh)
		}
	}
}

// horner returns the coefficients of polynomial k of v, or of its derivative, from the highest down; one at least.
func horner[T kernel.Float](v *Value, k, derivative int) []T {
	given := v.polynomials[k]
	c := take[T](v.tape, max(1, len(given)-derivative))
	c[0] = 0
	for l := derivative; l < len(given); l++ {
		x := given[l]
		if derivative == 1 {
			x *= float64(l)
		}
		c[len(given)-1-l] = T(x)
	}
	return c
}

// polynomialSum returns the sum of the polynomial with the coefficients c over every m-th element of x. Those of low degree have loops of their own.
func polynomialSum[T kernel.Float](x []T, m int, c []T) (sum T) {
	switch len(c) {
	case 3:
		a, b, e := c[0], c[1], c[2]
		for j := 0; j < len(x); j += m {
			x := x[j]
			sum += (a*x+b)*x + e
		}
	case 5:
		a, b, e, f, g := c[0], c[1], c[2], c[3], c[4]
		for j := 0; j < len(x); j += m {
			x := x[j]
			sum += (((a*x+b)*x+e)*x+f)*x + g
		}
	default:
		for j := 0; j < len(x); j += m {
			sum += polynomial(x[j], c)
		}
	}
	return sum
}

// polynomialTo stores factor times the polynomial of every m-th element of x in dst, or adds it.
func polynomialTo[T kernel.Float](dst []T, factor T, x []T, m int, c []T, add bool) {
	x = x[:len(dst)]
	switch {
	case add:
		for j := 0; j < len(x); j += m {
			dst[j] += factor * polynomial(x[j], c)
		}
	case len(c) == 2:
		a, b := factor*c[0], factor*c[1]
		for j := 0; j < len(x); j += m {
			dst[j] = a*x[j] + b
		}
	case len(c) == 4:
		a, b, e, f := c[0], c[1], c[2], c[3]
		for j := 0; j < len(x); j += m {
			x := x[j]
			dst[j] = factor * (((a*x+b)*x+e)*x + f)
		}
	default:
		for j := 0; j < len(x); j += m {
			dst[j] = factor * polynomial(x[j], c)
		}
	}
}

// polynomial is the rule of Horner.
func polynomial[T kernel.Float](x T, c []T) T {
	y := c[0]
	for _, c := range c[1:] {
		y = y*x + c
	}
	return y
}

func init() {
	rowPolynomialOp.tangent = mapTangent(func(v, dx *Value) *Value {
		x := v.args[0]
		degree := 1
		for _, c := range v.polynomials {
			degree = max(degree, len(c)-1)
		}
		row := func(l int) *Value { // the coefficients of xˡ in the derivatives
			u := x.tape.Full(1, x.cols, 0)
			for j := range x.cols {
				if c := v.polynomials[j%len(v.polynomials)]; l+1 < len(c) {
					u.put(j, c[l+1]*float64(l+1))
				}
			}
			return u
		}
		slope := row(degree - 1)
		for l := degree - 2; l >= 0; l-- {
			slope = slope.Mul(x).Add(row(l))
		}
		return dx.Mul(slope).RowSum()
	})
}
