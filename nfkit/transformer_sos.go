package nfkit

import (
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// SumOfSquares is the transformer that integrates a polynomial which is positive because it is a sum of squares,
//
//	z = c + ∫₀ˣ (ε + (1−ε)/K·Σₖ (1 + Σⱼ aₖⱼ·(u/10)^j)²) du,  ε = 10⁻³,  j from 1 to Degree,
//
// for the parameters c and a₁₁ a₁₂ … a₂₁ …, in this order, of each component. The integral is exact: a Gauss–Legendre rule of Degree + 1 nodes.
// Far out, z grows like x to the power of 2·Degree + 1. Forward solves for x. It starts near the identity. Cost O(nk·Polynomials·Degree²); Forward
// some ten times that. The zero value is usable. Jaini et al. 2019, arXiv:1905.02325, eq. 10.
type SumOfSquares struct {
	Polynomials int // K; 0 means 3
	Degree      int // of each polynomial; 0 means 4
}

var _ Transformer = SumOfSquares{}

const (
	sosFloor = 1e-3 // ε
	sosUnit  = 10   // what x is divided by
)

func (f SumOfSquares) size() (polynomials, degree int) {
	return count("SumOfSquares", "Polynomials", f.Polynomials, 3, 1), count("SumOfSquares", "Degree", f.Degree, 4, 1)
}

// Params returns 1 + Polynomials·Degree.
func (f SumOfSquares) Params() int { k, d := f.size(); return 1 + k*d }

// Initial returns polynomials that are near 1, and differ, for those that are alike would stay so.
func (f SumOfSquares) Initial() []float64 {
	k, d := f.size()
	p := make([]float64, 1+k*d)
	for i, a := range spread(k) {
		p[1+i*d] = a
	}
	return p
}

// Of returns f.
func (f SumOfSquares) Of([]int) Transformer { return f }

// Inverse evaluates the integrals.
func (f SumOfSquares) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	return curves(f.curve).evaluate(x, params)
}

// Forward solves for x.
func (f SumOfSquares) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	return curves(f.curve).solve(z, params)
}

func (f SumOfSquares) curve(params *ad.Value) curve {
	polynomials, degree := f.size()
	p := parts{params: params}
	shift := p.next(1)
	coefficients := make([][]*ad.Value, polynomials)
	for k := range coefficients {
		for range degree {
			coefficients[k] = append(coefficients[k], p.next(1))
		}
	}
	density := func(u *ad.Value) *ad.Value { // for any number of columns
		u = u.Scale(1. / sosUnit)
		var sum *ad.Value
		for _, a := range coefficients {
			q := u.Mul(a[degree-1])
			for j := degree - 2; j >= 0; j-- {
				q = q.Add(a[j]).Mul(u)
			}
			sum = addLogDet(sum, q.Shift(1).Square())
		}
		return sum.Scale((1 - sosFloor) / float64(polynomials)).Shift(sosFloor)
	}
	integral := newQuadrature(params.Tape(), degree+1)
	return func(u *ad.Value, slope bool) (y, logSlope *ad.Value) {
		y = integral.mean(density(u.Mul(integral.nodes))).Mul(u).Add(shift)
		if slope {
			logSlope = density(u).Log()
		}
		return y, logSlope
	}
}

// quadrature is the rule of Gauss and Legendre on [0, 1].
type quadrature struct{ nodes, weights *ad.Value } // 1×n, n×1

func newQuadrature(t *ad.Tape, n int) quadrature {
	x, w := make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(x, w, 0, 1)
	return quadrature{t.Const(1, n, x), t.Const(n, 1, w)}
}

// mean returns the integral from 0 to 1 of a function with values v, N×n, at the nodes: N×1.
func (q quadrature) mean(v *ad.Value) *ad.Value { return v.MatMul(q.weights) }
