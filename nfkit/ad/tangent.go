package ad

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// JVP returns y = f(x) and the product dy = J·v of the Jacobian of f at x with v, row by row where f treats rows
// independently: the derivative of f at x in the direction v, which has the size of x, as forward-mode differentiation
// computes it. What f uses beside its argument is constant for it.
//
// Both results are ordinary values: gradients flow through dy to x, to v and to all that f uses, and f may itself take
// derivatives by JVP or [RowGradient]. The noise that f draws is the same in y and in dy. Cost: two to three times that
// of f. It panics, with its name, where an operation has no derivative in this sense; all of this package have one.
//
// It is [Linearize] for a single direction.
func JVP(f func(x *Value) *Value, x *Value, v Operand) (y, dy *Value) {
	l := Linearize(f, x)
	return l.Y, l.JVP(v)
}

// Linearization is a function at a point: its value there, and its derivative.
type Linearization struct {
	Y *Value // f(x)
	x *Value
}

// Linearize computes f(x), and keeps what products with the Jacobian of f at x need. It is for several directions: see
// [JVP]. On a tape that records nothing for Backward it keeps the memory of f, for which [Tape.Scratch] has no place:
// until Reset, or the end of a Scratch around both.
func Linearize(f func(x *Value) *Value, x *Value) Linearization {
	t := x.tape
	t.check("Linearize", x)
	t.recording++
	defer t.recorded()
	a := x.alias()
	y := f(a)
	t.check("Linearize", y)
	return Linearization{Y: y, x: a}
}

func (t *Tape) recorded() { t.recording-- }

// JVP returns the product J·v of the Jacobian with v, which has the size of x. Cost: one to two times that of f.
func (l Linearization) JVP(v Operand) *Value {
	t := l.x.tape
	d := v.operand(t)
	t.check("JVP", l.x)
	t.check("JVP", d)
	if d.rows != l.x.rows || d.cols != l.x.cols {
		panic(fmt.Sprintf("ad: JVP: got a %d×%d direction for a %d×%d value, want the same size", d.rows, d.cols, l.x.rows, l.x.cols))
	}
	if dy := t.along(l.x, d, l.Y, l.x.id); dy != nil {
		return dy
	}
	return t.Full(l.Y.rows, l.Y.cols, 0)
}

// Tangents are computed as operations. Each operation on the way from x to y has a function tangent, which returns the
// tangent of its result as other operations make it of the tangents of its operands and of values that are there:
//
//	y = x₀⊙x₁:  dy = dx₀⊙x₁ + x₀⊙dx₁.
//
// Nothing else is needed for derivatives of any order and in any order: a tangent has gradients, and tangents.

// tangent returns the tangent of v, nil for 0.
func (v *Value) tangent() *Value {
	if v.param != nil || v.id < v.tape.since {
		return nil
	}
	return v.dot
}

// along returns the tangent of y, which was computed from x, if that of x is dx. What is older than since is constant.
func (t *Tape) along(x, dx, y *Value, since int) *Value {
	defer t.restore(t.since, x.dot, x)
	t.since, x.dot = since, dx
	dy, _ := t.push(x.id+1, y, nil)
	return dy
}

func (t *Tape) restore(since int, dot, x *Value) { t.since, x.dot = since, dot }

// push returns the tangents of y and twin, nil for none, from those of values older than number first.
func (t *Tape) push(first int, y, twin *Value) (dy, dtwin *Value) {
	last, results := first-1, [...]*Value{y, twin}
	for _, v := range results {
		if v != nil && v.param == nil {
			last = max(last, v.id)
		}
	}
	t.recording++ // a gradient may be taken of tangents
	defer t.settle(first, last, t.setAside(first, last))
	for _, v := range results {
		if v != nil && v.param == nil && v.id >= first {
			v.wanted = true
		}
	}
	for i := last; i >= first; i-- {
		if v := t.values[i]; v.wanted {
			v.wantOperands(first)
		}
	}
	for i := first; i <= last; i++ {
		v := t.values[i]
		if !v.wanted || v.op == twinOp || !v.moves() {
			continue
		}
		if v.op.tangent == nil {
			panic(fmt.Sprintf("ad: JVP: the operation %s has no tangent", v.op.name))
		}
		d, dt := v.op.tangent(v)
		v.dot = d
		if v.twin != nil && v.twin.wanted {
			v.twin.dot = dt
		}
	}
	if twin != nil {
		dtwin = twin.tangent()
	}
	return y.tangent(), dtwin
}

// aside is a tangent that is set aside.
type aside struct {
	v, dot *Value
	wanted bool
}

// setAside clears the tangents of a range of values, on which others may be at work. It returns where they are.
func (t *Tape) setAside(first, last int) (place int) {
	place = len(t.asides)
	for _, v := range t.values[first : last+1] {
		if v.dot != nil || v.wanted {
			t.asides = append(t.asides, aside{v, v.dot, v.wanted})
			v.dot, v.wanted = nil, false
		}
	}
	return place
}

// settle undoes setAside.
func (t *Tape) settle(first, last, place int) {
	t.recording--
	for _, v := range t.values[first : last+1] {
		v.dot, v.wanted = nil, false
	}
	for _, a := range t.asides[place:] {
		a.v.dot, a.v.wanted = a.dot, a.wanted
	}
	t.asides = t.asides[:place]
}

// wantOperands marks the values, from number first on, whose tangents that of v needs.
func (v *Value) wantOperands(first int) {
	v.eachCause(func(a *Value) bool {
		if a.param == nil && a.id >= first {
			a.wanted = true
		}
		return false
	})
}

// moves reports whether something that v depends on has a tangent.
func (v *Value) moves() bool {
	return v.eachCause(func(a *Value) bool { return a.tangent() != nil })
}

// eachCause calls f with what v is computed from, until f returns true, and reports whether it did. What the function
// of a solution computes on its way is no cause: it is computed again at the solution.
func (v *Value) eachCause(f func(a *Value) bool) bool {
	args := v.args
	if v.solved != nil {
		args = args[2:]
		for _, u := range v.inner() {
			for _, a := range u.args {
				if a.before(v.args[0]) && f(a) {
					return true
				}
			}
		}
	}
	return slices.ContainsFunc(args, f)
}

// alias returns a value of its own that shares the elements of v.
func (v *Value) alias() *Value {
	v.tape.check(aliasOp.name, v)
	u := v.tape.apply(aliasOp, 0, 0, v)
	u.rows, u.cols, u.f64.data, u.f32.data = v.rows, v.cols, v.f64.data, v.f32.data
	return u
}

var aliasOp = &op{name: "alias", backward64: shiftBackward[float64], backward32: shiftBackward[float32]}

func init() { aliasOp.tangent = sameTangent }

// sameTangent is the tangent of operations that add a constant.
func sameTangent(v *Value) (dy, _ *Value) { return v.args[0].tangent(), nil }

// noTangent is the tangent of operations with steps and no slopes.
func noTangent(*Value) (dy, _ *Value) { return nil, nil }

// mapTangent makes the tangent of a linear operation, which f applies.
func mapTangent(f func(v, dx *Value) *Value) func(*Value) (dy, dtwin *Value) {
	return func(v *Value) (dy, _ *Value) { return f(v, v.args[0].tangent()), nil }
}

// slopeTangent makes the tangent of y = f(x), element by element: dx⊙slope, with the derivative that slope returns.
func slopeTangent(slope func(x, y *Value) *Value) func(*Value) (dy, dtwin *Value) {
	return func(v *Value) (dy, _ *Value) { return v.args[0].tangent().Mul(slope(v.args[0], v)), nil }
}

// partsTangent makes the tangent of an operation from one that computes the same by parts, up to the last bits.
func partsTangent(parts func(v *Value) (y, twin *Value)) func(*Value) (dy, dtwin *Value) {
	return func(v *Value) (dy, dtwin *Value) {
		first := v.tape.n
		y, twin := parts(v)
		if v.twin == nil || !v.twin.wanted {
			twin = nil
		}
		return v.tape.push(first, y, twin)
	}
}

// tangents returns those of the first two operands.
func (v *Value) tangents() (da, db *Value) { return v.args[0].tangent(), v.args[1].tangent() }

// plus returns a + b, where nil stands for 0.
func plus(a, b *Value) *Value {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return a.Add(b)
}

// spread returns d, the tangent of an operand of v, in the size of v.
func (d *Value) spread(v *Value) *Value {
	if d == nil || d.rows == v.rows && d.cols == v.cols {
		return d
	}
	return d.Add(v.tape.Full(v.rows, v.cols, 0))
}

// orZeros returns d, the tangent of v, as a value.
func (d *Value) orZeros(v *Value) *Value {
	if d == nil {
		return v.tape.Full(v.rows, v.cols, 0)
	}
	return d
}

// pattern returns a constant, f of each element of v: what a tangent takes from functions with steps.
func (v *Value) pattern(f func(x float64) float64) *Value {
	u := v.tape.value(constOp, v.rows, v.cols)
	for i, x := range v.f64.data {
		u.f64.data[i] = f(x)
	}
	for i, x := range v.f32.data {
		u.f32.data[i] = float32(f(float64(x)))
	}
	return u
}

// constant returns a constant with the given elements, which it keeps.
func constant[T kernel.Float](t *Tape, rows, cols int, data []T) *Value {
	v := t.value(constOp, 0, 0)
	v.rows, v.cols = rows, cols
	of[T](v).data = data
	return v
}
