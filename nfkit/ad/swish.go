package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Swish returns y = gain·v·sigmoid(beta·v) and its derivative dy/dv, element by element, with the numbers beta and
// gain, 1×1:
//
//	dy/dv = gain·(q + beta·v·q·(1−q)),  q = sigmoid(beta·v).
//
// Both results have gradients. [JVP] of a network of swishes uses the second, so its products cost no exponentials.
// Ramachandran et al. 2017, arXiv:1710.05941.
func (v *Value) Swish(beta, gain Operand) (y, slope *Value) {
	t := v.tape
	b, g := beta.operand(t), gain.operand(t)
	t.check("Swish", v)
	t.check("Swish", b)
	t.check("Swish", g)
	if b.rows*b.cols != 1 || g.rows*g.cols != 1 {
		panic(fmt.Sprintf("ad: Swish: got %d×%d beta and %d×%d gain, want single numbers", b.rows, b.cols, g.rows, g.cols))
	}
	y = t.apply(swishOp, v.rows, v.cols, v, b, g)
	slope = t.apply(twinOp, v.rows, v.cols, y)
	y.twin = slope
	y.run()
	return y, slope
}

var swishOp = &op{name: "Swish",
	forward64: swishForward[float64], backward64: swishBackward[float64],
	forward32: swishForward[float32], backward32: swishBackward[float32]}

// swishForward keeps q = sigmoid(βx) for the backward pass: y = c·x·q, y′ = c·(q + βx·q(1−q)).
func swishForward[T kernel.Float](v *Value) {
	x, b, c := of[T](v.args[0]).data, of[T](v.args[1]).data[0], of[T](v.args[2]).data[0]
	q := take[T](v.tape, len(x))
	kernel.Scale(q, b, x)
	kernel.Sigmoid(q, q)
	of[T](v).extra = q
	y, s := of[T](v).data[:len(x)], of[T](v.twin).data[:len(x)]
	for i, x := range x {
		q := q[i]
		y[i] = c * times(x, q)
		s[i] = c * (q + b*times(x, q*(1-q)))
	}
}

// times returns x·f, taken as 0 where f is, even for an infinite x.
func times[T kernel.Float](x, f T) T {
	if f == 0 && x == x {
		return 0
	}
	return x * f
}

// With z = βx and p = q(1−q): y″ = c·β·r, ∂y/∂β = c·x²p, ∂y′/∂β = c·x·r, where r = p·(2 + z(1−2q)).
func swishBackward[T kernel.Float](v *Value) {
	x, b, c := of[T](v.args[0]).data, of[T](v.args[1]).data[0], of[T](v.args[2]).data[0]
	dx, db, dc := gradient[T](v.args[0]), gradient[T](v.args[1]), gradient[T](v.args[2])
	gy, gs, q, slope := of[T](v).grad, twinGradient[T](v), of[T](v).extra, of[T](v.twin).data
	var sumB, sumC T
	for i, x := range x {
		q := q[i]
		p := q * (1 - q)
		xp := times(x, p)
		r := times(2+b*x*(1-2*q), p)
		var d T
		if gy != nil {
			d += gy[i] * slope[i]
			sumB += gy[i] * times(x, xp)
			sumC += gy[i] * times(x, q)
		}
		if gs != nil {
			d += gs[i] * c * b * r
			sumB += gs[i] * times(x, r)
			sumC += gs[i] * (q + b*xp)
		}
		if dx != nil {
			dx[i] += d
		}
	}
	if db != nil {
		db[0] += c * sumB
	}
	if dc != nil {
		dc[0] += sumC
	}
}

// swishTangent is made of the derivatives that swishBackward uses.
func swishTangent(v *Value) (dy, dslope *Value) {
	x, b, c := v.args[0], v.args[1], v.args[2]
	dx, db, dc := x.tangent(), b.tangent(), c.tangent()
	if dx != nil {
		dy = dx.Mul(v.twin)
	}
	if db == nil && dc == nil && !v.twin.wanted {
		return dy, nil
	}
	z := x.Mul(b)
	q, rest := z.Sigmoid(), z.Neg().Sigmoid()
	xp := x.Mul(q.Mul(rest))
	if db != nil {
		dy = plus(dy, x.Mul(xp).Mul(db.Mul(c)))
	}
	if dc != nil {
		dy = plus(dy, x.Mul(q).Mul(dc))
	}
	if !v.twin.wanted {
		return dy, nil
	}
	r := z.Mul(rest.Sub(q)).Shift(2).Mul(q.Mul(rest))
	if dx != nil {
		dslope = dx.Mul(r).Mul(b.Mul(c))
	}
	if db != nil {
		dslope = plus(dslope, x.Mul(r).Mul(db.Mul(c)))
	}
	if dc != nil {
		dslope = plus(dslope, q.Add(xp.Mul(b)).Mul(dc))
	}
	return dy, dslope
}

func init() { swishOp.tangent = swishTangent }
