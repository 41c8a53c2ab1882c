package ad

import "github.com/nfkit/nfkit-go/nfkit/internal/kernel"

// SiLU returns v·sigmoid(v), also called swish.
func (v *Value) SiLU() *Value { return v.unary(siluOp) }

// siluSlope returns the derivative of SiLU at v, q·(1 + v·(1−q)) with q = sigmoid(v): products with the Jacobian of a network of SiLUs have it.
func (v *Value) siluSlope() *Value { return v.unary(siluSlopeOp) }

var (
	siluOp = &op{name: "SiLU",
		forward64: siluForward[float64], backward64: siluBackward[float64],
		forward32: siluForward[float32], backward32: siluBackward[float32]}
	siluSlopeOp = &op{name: "SiLUSlope",
		forward64: siluSlopeForward[float64], backward64: siluSlopeBackward[float64],
		forward32: siluSlopeForward[float32], backward32: siluSlopeBackward[float32]}
)

// gates returns sigmoid(x) of the operand of v, which it keeps for the backward pass.
func gates[T kernel.Float](v *Value) (x, q []T) {
	x = of[T](v.args[0]).data
	q = take[T](v.tape, len(x))
	kernel.Sigmoid(q, x)
	of[T](v).extra = q
	return x, q
}

func siluForward[T kernel.Float](v *Value) {
	x, q := gates[T](v)
	y := of[T](v).data[:len(x)]
	for i, x := range x {
		y[i] = times(x, q[i])
	}
}

// y′ = q + y·(1−q)
func siluBackward[T kernel.Float](v *Value) {
	y, q, g, dx := of[T](v).data, of[T](v).extra, of[T](v).grad, gradient[T](v.args[0])
	y, q, dx = y[:len(g)], q[:len(g)], dx[:len(g)]
	for i, g := range g {
		dx[i] += g * (q[i] + y[i]*(1-q[i]))
	}
}

func siluSlopeForward[T kernel.Float](v *Value) {
	x, q := gates[T](v)
	s := of[T](v).data[:len(x)]
	for i, x := range x {
		s[i] = q[i] + times(x, q[i]*(1-q[i]))
	}
}

// s′ = p·(2 + x·(1−2q)) with p = q·(1−q)
func siluSlopeBackward[T kernel.Float](v *Value) {
	x, q, g, dx := of[T](v.args[0]).data, of[T](v).extra, of[T](v).grad, gradient[T](v.args[0])
	x, q, dx = x[:len(g)], q[:len(g)], dx[:len(g)]
	for i, g := range g {
		dx[i] += g * times(2+x[i]*(1-2*q[i]), q[i]*(1-q[i]))
	}
}

func init() {
	siluOp.tangent = slopeTangent(func(x, _ *Value) *Value { return x.siluSlope() })
	siluSlopeOp.tangent = slopeTangent(func(x, _ *Value) *Value {
		q, rest := x.Sigmoid(), x.Neg().Sigmoid()
		return x.Mul(rest.Sub(q)).Shift(2).Mul(q.Mul(rest))
	})
}
