package nftest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// slot is a list of numbers that a loss depends on, and the gradient to check.
type slot struct {
	name       string
	data, grad []float64
}

// Lists of numbers are varied along random directions, in which each element has a part. Where the derivatives differ, lists
// of up to maxElements are varied element by element, and so are those that have no more elements than there would be directions.
const (
	randomDirections = 3
	maxElements      = 20
)

// checkGradient compares the gradients of a loss with central differences. loss computes it from the present data.
func checkGradient(loss func() float64, slots []slot, tol float64, r *rand.Rand) error {
	for _, s := range slots {
		if hasNaN(s.grad) {
			return fmt.Errorf("the gradient of %s has NaN", s.name)
		}
		if len(s.data) <= randomDirections {
			if err := s.elements(loss, tol); err != nil {
				return err
			}
			continue
		}
		for range randomDirections {
			u := make([]float64, len(s.data))
			for j := range u {
				u[j] = r.NormFloat64()
			}
			floats.Scale(1/floats.Norm(u, 2), u)
			got, want, ok := s.along(u, loss, tol)
			if ok {
				continue
			}
			if len(s.data) <= maxElements {
				if err := s.elements(loss, tol); err != nil {
					return err
				}
				break // large derivatives cancel in this direction, and with them what the tolerance is relative to
			}
			return fmt.Errorf("the gradient of %s along a random direction: got %v, want %v", s.name, got, want)
		}
	}
	return nil
}

// elements compares the derivatives of the loss in each element with the gradient.
func (s slot) elements(loss func() float64, tol float64) error {
	for j := range s.data {
		u := make([]float64, len(s.data))
		u[j] = 1
		if got, want, ok := s.along(u, loss, tol); !ok {
			return fmt.Errorf("the gradient of element %d of %s: got %v, want %v", j, s.name, got, want)
		}
	}
	return nil
}

// lossRounding is the error of a loss relative to its size. A central difference divides it by its step.
const lossRounding = 64 * 0x1p-52

// along compares the derivative of the loss along u with the gradient.
func (s slot) along(u []float64, loss func() float64, tol float64) (got, want float64, ok bool) {
	got = floats.Dot(s.grad, u)
	at := slices.Clone(s.data)
	defer copy(s.data, at)
	for i, h := range steps {
		d := fd.Derivative(func(h float64) float64 {
			floats.AddScaledTo(s.data, at, h, u)
			return loss()
		}, 0, &fd.Settings{Formula: fd.Central, Step: h})
		if near(got, d, tol) || h >= steps[0] && math.Abs(got-d) <= lossRounding*math.Abs(loss())/h {
			return got, d, true
		}
		if i == 0 {
			want = d
		}
	}
	return got, want, false
}

// gradients checks, for both directions, the gradients of Σ w⊙y + Σ v⊙logDet with random weights.
func (c *checker) gradients(directions ...*direction) error {
	alive := map[string]bool{}
	var errs []error
	for _, d := range directions {
		w, v := d.weights(c.r)
		lossOn := func(t *ad.Tape) (x, context, loss *ad.Value) {
			x, context, y, logDet := d.on(t)
			return x, context, y.Mul(t.Matrix(w)).Sum().Add(logDet.Mul(t.Matrix(v)).Sum())
		}
		clearGradients(c.state)
		t := ad.NewTape(ad.Float64)
		x, context, loss := lossOn(t)
		t.Backward(loss)
		var slots []slot
		if !d.constant {
			slots = append(slots, slot{"the input", d.x.RawMatrix().Data, x.Grad()})
		}
		if context != nil {
			slots = append(slots, slot{"the context", d.context.RawMatrix().Data, context.Grad()})
		}
		slots = append(slots, paramSlots(c.state, alive)...)
		errs = append(errs, c.constantInput(d, slots, w, v))
		eval := ad.NewEvalTape(ad.Float64)
		if err := checkGradient(func() float64 {
			eval.Reset()
			_, _, loss := lossOn(eval)
			return loss.At(0, 0)
		}, slots, derivativeTolerance(c.tol), c.r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.name, err))
		}
	}
	return errors.Join(append(errs, missingGradients(c.state, alive, c.dead))...)
}

// constantInput checks that the gradients of the parameters, which are the last of slots, are the same when nobody asks
// for that of the input, as in training.
func (c *checker) constantInput(d *direction, slots []slot, w, v *mat.Dense) error {
	clearGradients(c.state)
	t := ad.NewTape(ad.Float64)
	x, context := t.Matrix(d.x), (*ad.Value)(nil)
	if d.context != nil {
		context = t.Matrix(d.context)
	}
	y, logDet := d.f(x, context)
	t.Backward(y.Mul(t.Matrix(w)).Sum().Add(logDet.Mul(t.Matrix(v)).Sum()))
	params := paramSlots(c.state, map[string]bool{})
	for i, want := range slots[len(slots)-len(params):] {
		for j, g := range params[i].grad {
			if !near(g, want.grad[j], 1e-12) {
				return fmt.Errorf("%s of a constant: the gradient of element %d of %s: got %v, want %v as of a variable", d.name, j, want.name, g, want.grad[j])
			}
		}
	}
	return nil
}

// paramSlots returns the trainable parameters of s with a copy of their gradients, and notes those that have any.
func paramSlots(s nf.State, alive map[string]bool) []slot {
	var slots []slot
	for _, t := range s {
		if t.Param == nil || t.Param.Frozen {
			continue
		}
		slots = append(slots, slot{t.Name, t.Param.Data, slices.Clone(t.Param.Grad)})
		if slices.ContainsFunc(t.Param.Grad, func(g float64) bool { return g != 0 }) {
			alive[t.Name] = true
		}
	}
	return slots
}

// missingGradients checks that each trainable parameter that is not dead has had a gradient, and no other.
func missingGradients(s nf.State, alive map[string]bool, dead []string) error {
	for _, t := range s {
		if t.Param == nil || len(t.Param.Data) == 0 {
			continue
		}
		switch isDead := t.Param.Frozen || slices.Contains(dead, t.Name); {
		case isDead && (alive[t.Name] || floats.Norm(t.Param.Grad, math.Inf(1)) != 0):
			return fmt.Errorf("%s has a gradient, but is frozen or said to be dead", t.Name)
		case !isDead && !alive[t.Name]:
			return fmt.Errorf("%s has no gradient in any direction", t.Name)
		}
	}
	return nil
}

// weights draws a number for each element of the results of d.
func (d *direction) weights(r *rand.Rand) (w, v *mat.Dense) {
	y, logDet := d.eval(ad.Float64)
	n, dim := y.Dims()
	w, v = mat.NewDense(n, dim, nil), mat.NewDense(len(logDet), 1, nil)
	for _, m := range []*mat.Dense{w, v} {
		data := m.RawMatrix().Data
		for i := range data {
			data[i] = r.NormFloat64()
		}
	}
	return w, v
}
