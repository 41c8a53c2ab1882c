package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// AffinePairs returns y = v·eˢ + t and the row sums of s, n×1, which are ln|det ∂y/∂v|.
//
// pairs, n×2d for v n×d, holds t and s of each column side by side: t₀ s₀ t₁ s₁ …, the order in which a
// coupling's network returns them. Cost O(nd).
func (v *Value) AffinePairs(pairs Operand) (y, logDet *Value) {
	return v.affinePairs(affineOp, pairs)
}

// AffinePairsInverse undoes [Value.AffinePairs]: x = (v − t)·e⁻ˢ, and minus the row sums of s.
func (v *Value) AffinePairsInverse(pairs Operand) (x, logDet *Value) {
	return v.affinePairs(affineInverseOp, pairs)
}

func (v *Value) affinePairs(o *op, pairs Operand) (y, logDet *Value) {
	t := v.tape
	p := pairs.operand(t)
	t.check(o.name, v)
	t.check(o.name, p)
	if p.rows != v.rows || p.cols != 2*v.cols {
		panic(fmt.Sprintf("ad: %s: got %d×%d pairs for a %d×%d value, want %d×%d", o.name, p.rows, p.cols, v.rows, v.cols, v.rows, 2*v.cols))
	}
	y = t.apply(o, v.rows, v.cols, v, p)
	logDet = t.apply(twinOp, v.rows, 1, y)
	y.twin = logDet
	y.run()
	return y, logDet
}

var (
	affineOp = &op{name: "AffinePairs",
		forward64: affineForward[float64], backward64: affineBackward[float64],
		forward32: affineForward[float32], backward32: affineBackward[float32]}
	affineInverseOp = &op{name: "AffinePairsInverse",
		forward64: affineInverseForward[float64], backward64: affineInverseBackward[float64],
		forward32: affineInverseForward[float32], backward32: affineInverseBackward[float32]}

	// twinOp is the second result of the operation before it, which computes and differentiates both.
	twinOp = &op{name: "twin"}
)

// twinGradient returns the gradient of v's second result, nil if it has none.
func twinGradient[T kernel.Float](v *Value) []T { return of[T](v.twin).grad }

// ownGradient returns the gradient of v, which may have none when only its twin has.
func ownGradient[T kernel.Float](v *Value) []T {
	b := of[T](v)
	if b.grad == nil {
		b.grad = take[T](v.tape, len(b.data))
		clear(b.grad)
	}
	return b.grad
}

// affineScale keeps eˢ, or e⁻ˢ, for the backward pass and stores ±Σ s of each row.
func affineScale[T kernel.Float](v *Value, sign T) []T {
	pairs, logDet, d := of[T](v.args[1]).data, of[T](v.twin).data, v.cols
	scale := take[T](v.tape, v.rows*d)
	for k := range scale {
		scale[k] = sign * pairs[2*k+1]
	}
	for i := range logDet {
		var sum T
		for _, s := range scale[i*d : (i+1)*d] {
			sum += s
		}
		logDet[i] = sum
	}
	kernel.Exp(scale, scale)
	of[T](v).extra = scale
	return scale
}

func affineForward[T kernel.Float](v *Value) {
	y, x, pairs := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data
	for k, e := range affineScale(v, T(1)) {
		y[k] = x[k]*e + pairs[2*k]
	}
}

// With e = eˢ: dx = dy·e, dt = dy, ds = dy·x·e + dlogDet.
func affineBackward[T kernel.Float](v *Value) {
	dy, dl, scale := ownGradient[T](v), twinGradient[T](v), of[T](v).extra
	x, dx, dp := of[T](v.args[0]).data, gradient[T](v.args[0]), gradient[T](v.args[1])
	for k, g := range dy {
		g *= scale[k]
		if dx != nil {
			dx[k] += g
		}
		if dp != nil {
			dp[2*k] += dy[k]
			dp[2*k+1] += g * x[k]
		}
	}
	addLogDet(dp, dl, v.cols, 1)
}

func affineInverseForward[T kernel.Float](v *Value) {
	x, y, pairs := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data
	for k, e := range affineScale(v, T(-1)) {
		x[k] = (y[k] - pairs[2*k]) * e
	}
}

// With e = e⁻ˢ: dy = dx·e, dt = −dx·e, ds = −dx·x − dlogDet.
func affineInverseBackward[T kernel.Float](v *Value) {
	g, dl, scale := ownGradient[T](v), twinGradient[T](v), of[T](v).extra
	x, dy, dp := of[T](v).data, gradient[T](v.args[0]), gradient[T](v.args[1])
	for k, g := range g {
		e := g * scale[k]
		if dy != nil {
			dy[k] += e
		}
		if dp != nil {
			dp[2*k] -= e
			dp[2*k+1] -= g * x[k]
		}
	}
	addLogDet(dp, dl, v.cols, -1)
}

// addLogDet adds sign times the gradient of the log-determinant of each row to the gradient of its s.
func addLogDet[T kernel.Float](dp, dl []T, d int, sign T) {
	if dp == nil {
		return
	}
	for i, g := range dl {
		for j := range d {
			dp[2*(i*d+j)+1] += sign * g
		}
	}
}
