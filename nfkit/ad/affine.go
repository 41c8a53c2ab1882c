package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// AffinePairs scales and shifts the columns of v with the numbers in index, all of them if it is nil, and keeps the
// others: with k columns to change, y_j = v_j·eˢ + t there. It returns y, and the row sums of s, n×1, which are ln|det
// ∂y/∂v|.
//
// pairs, n×2k, holds t and s of each of these columns side by side: t₀ s₀ t₁ s₁ …, the order in which a
// coupling's network returns them. index must not change while the value is in use, and names no column twice.
// Cost O(nd).
func (v *Value) AffinePairs(pairs Operand, index []int) (y, logDet *Value) {
	return v.affinePairs(affineOp, pairs, index)
}

// AffinePairsInverse undoes [Value.AffinePairs]: (v_j − t)·e⁻ˢ, and minus the row sums of s.
func (v *Value) AffinePairsInverse(pairs Operand, index []int) (x, logDet *Value) {
	return v.affinePairs(affineInverseOp, pairs, index)
}

func (v *Value) affinePairs(o *op, pairs Operand, index []int) (y, logDet *Value) {
	t := v.tape
	p := pairs.operand(t)
	t.check(o.name, v)
	t.check(o.name, p)
	k := v.cols
	if index != nil {
		k = len(index)
		for _, j := range index {
			if j < 0 || j >= v.cols {
				panic(fmt.Sprintf("ad: %s: got column %d of a %d×%d value", o.name, j, v.rows, v.cols))
			}
		}
	}
	if p.rows != v.rows || p.cols != 2*k {
		panic(fmt.Sprintf("ad: %s: got %d×%d pairs for %d columns of a %d×%d value, want %d×%d", o.name, p.rows, p.cols, k, v.rows, v.cols, v.rows, 2*k))
	}
	y = t.apply(o, v.rows, v.cols, v, p)
	logDet = t.apply(twinOp, v.rows, 1, y)
	y.twin, y.index = logDet, index
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

// changed returns the columns that v changes.
func (v *Value) changed() []int {
	if v.index != nil {
		return v.index
	}
	return v.tape.count(v.cols)
}

// affineScale keeps eˢ, or e⁻ˢ, for the backward pass and stores ±Σ s of each row.
func affineScale[T kernel.Float](v *Value, sign T) []T {
	pairs, logDet := of[T](v.args[1]).data, of[T](v.twin).data
	scale := take[T](v.tape, len(pairs)/2)
	d := v.args[1].cols / 2
	clear(logDet)
	for c := range d {
		k := c
		for i := range logDet {
			s := sign * pairs[2*k+1]
			scale[k] = s
			logDet[i] += s
			k += d
		}
	}
	kernel.Exp(scale, scale)
	of[T](v).extra = scale
	return scale
}

func affineForward[T kernel.Float](v *Value) {
	y, x, pairs, scale := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data, affineScale(v, T(1))
	copy(y, x)
	changed := v.changed()
	for c, at := range changed {
		k := c
		for range v.rows {
			y[at] = x[at]*scale[k] + pairs[2*k]
			at, k = at+v.cols, k+len(changed)
		}
	}
}

// With e = eˢ: dx = dy·e, dt = dy, ds = dy·x·e + dlogDet.
func affineBackward[T kernel.Float](v *Value) {
	dy, dl, scale := ownGradient[T](v), twinGradient[T](v), of[T](v).extra
	x, dp := of[T](v.args[0]).data, gradient[T](v.args[1])
	dx, sum := gainGradient(v, dy)
	changed := v.changed()
	for c, at := range changed {
		k := c
		for range v.rows {
			g := dy[at]
			e := g * scale[k]
			if dx != nil {
				dx[at] = e
			}
			if dp != nil {
				dp[2*k] += g
				dp[2*k+1] += e * x[at]
			}
			at, k = at+v.cols, k+len(changed)
		}
	}
	if sum != nil {
		kernel.Add(sum, sum, dx)
	}
	addLogDet(dp, dl, len(changed), 1)
}

func affineInverseForward[T kernel.Float](v *Value) {
	x, y, pairs, scale := of[T](v).data, of[T](v.args[0]).data, of[T](v.args[1]).data, affineScale(v, T(-1))
	copy(x, y)
	changed := v.changed()
	for c, at := range changed {
		k := c
		for range v.rows {
			x[at] = (y[at] - pairs[2*k]) * scale[k]
			at, k = at+v.cols, k+len(changed)
		}
	}
}

// With e = e⁻ˢ: dy = dx·e, dt = −dx·e, ds = −dx·x − dlogDet.
func affineInverseBackward[T kernel.Float](v *Value) {
	dx, dl, scale := ownGradient[T](v), twinGradient[T](v), of[T](v).extra
	x, dp := of[T](v).data, gradient[T](v.args[1])
	dy, sum := gainGradient(v, dx)
	changed := v.changed()
	for c, at := range changed {
		k := c
		for range v.rows {
			g := dx[at]
			e := g * scale[k]
			if dy != nil {
				dy[at] = e
			}
			if dp != nil {
				dp[2*k] -= e
				dp[2*k+1] -= g * x[at]
			}
			at, k = at+v.cols, k+len(changed)
		}
	}
	if sum != nil {
		kernel.Add(sum, sum, dy)
	}
	addLogDet(dp, dl, len(changed), -1)
}

// gainGradient returns what the first operand of v gains, which at first is g, v's own gradient: nil if it wants none.
// It is to be added to sum if that is not nil, and is the operand's gradient itself otherwise.
func gainGradient[T kernel.Float](v *Value, g []T) (gain, sum []T) {
	grad, fresh := freshGradient[T](v.args[0])
	switch {
	case grad == nil:
		return nil, nil
	case fresh:
		copy(grad, g)
		return grad, nil
	}
	return append(take[T](v.tape, len(g))[:0], g...), grad
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

func init() {
	affineOp.tangent, affineInverseOp.tangent = partsTangent(affineParts), partsTangent(affineInverseParts)
}

func affineParts(v *Value) (y, logDet *Value) {
	x, t, s := v.affineOperands()
	return v.onto(x.Mul(s.Exp()).Add(t)), s.RowSum()
}

func affineInverseParts(v *Value) (x, logDet *Value) {
	y, t, s := v.affineOperands()
	return v.onto(y.Sub(t).Mul(s.Neg().Exp())), s.RowSum().Neg()
}

// affineOperands returns the columns that v changes, and their t and s.
func (v *Value) affineOperands() (x, t, s *Value) {
	x, pairs := v.args[0], v.args[1]
	if v.index != nil {
		x = x.Columns(v.index)
	}
	n, k := x.Dims()
	column := pairs.Reshape(n*k, 2)
	return x, column.Slice(0, 1).Reshape(n, k), column.Slice(1, 2).Reshape(n, k)
}

// onto returns the first operand of v with the columns that v changes replaced.
func (v *Value) onto(changed *Value) *Value {
	if v.index == nil {
		return changed
	}
	keep := v.tape.Full(1, v.cols, 1)
	for _, j := range v.index {
		keep.put(j, 0)
	}
	return v.args[0].Mul(keep).Add(changed.Scatter(v.cols, v.index))
}
