package continuous

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// FlowOptions are the options of [NewFlow].
type FlowOptions struct {
	Steps  int    // of the solver, an even number; 0 means 16
	Method Method // the default is RK4

	// Kinetic and Jacobian are the weights of a penalty on the way of each point in training, λ and μ of
	//
	//	∫₀¹ (λ·‖v‖² + μ·‖∂v/∂x‖²) dt,
	//
	// which the training loss has added, being taken from the log-determinant: ways become straight, and fewer steps are enough. Evaluations are without
	// it. 0 means none. The norm is Frobenius's, estimated where the trace is. Finlay et al. 2020, arXiv:2002.02798.
	Kinetic, Jacobian float64
}

// exactTrace is the largest dimension for which training computes traces instead of estimating them.
const exactTrace = 8

// Flow maps points along a vector field: Forward from time 0 to 1, Inverse from 1 to 0, by steps of one size. Each undoes the other up to the error of the
// solver, and the log-determinant is that of the differential equation up to it; [Flow.Error] estimates it.
//
// The trace of the Jacobian is exact: d products with it. In training, above 8 dimensions, it is Hutchinson's estimate εᵀJε, with one vector ε of signs for
// each row and the whole way: unbiased, so that gradients are. Gradients are those of the steps that were taken, which takes memory for all of them.
// Cost: Evaluations times that of the network and of the products, two to three for each. Chen et al. 2018, arXiv:1806.07366; Grathwohl et al. 2019,
// arXiv:1810.01367.
type Flow struct {
	field             *Field
	steps             int
	method            Method
	kinetic, jacobian float64
}

var (
	_ nf.Flow        = (*Flow)(nil)
	_ nf.Conditional = (*Flow)(nil)
)

// NewFlow returns the flow of a field, which it shares. A nil opts means the defaults. It panics when the field is nil or an option is out of range.
func NewFlow(field *Field, opts *FlowOptions) *Flow {
	var o FlowOptions
	if opts != nil {
		o = *opts
	}
	if o.Steps == 0 {
		o.Steps = 16
	}
	if field == nil || o.Steps < 2 || o.Steps%2 != 0 || int(o.Method) >= len(tableaux) {
		panic(fmt.Sprintf("continuous: NewFlow: got field %v, %d steps and method %d, want a field, an even number, and Midpoint, RK4 or DormandPrince", field, o.Steps, o.Method))
	}
	if !(o.Kinetic >= 0) || !(o.Jacobian >= 0) || math.IsInf(o.Kinetic+o.Jacobian, 1) {
		panic(fmt.Sprintf("continuous: NewFlow: got weights %v and %v of Kinetic and Jacobian, want finite numbers, none negative", o.Kinetic, o.Jacobian))
	}
	return &Flow{field, o.Steps, o.Method, o.Kinetic, o.Jacobian}
}

// Dim returns the dimension of the field.
func (f *Flow) Dim() int { return f.field.dim }

// Field returns the field, which it shares: [FlowMatching] trains the flow by it.
func (f *Flow) Field() *Field { return f.field }

// ContextDim returns the number of columns of the field's context, 0 for none.
func (f *Flow) ContextDim() int { return f.field.ContextDim() }

// State lists the field's tensors under field.
func (f *Flow) State() nf.State { return f.field.State().Under("field") }

// Evaluations returns the number of evaluations of the field that a point takes.
func (f *Flow) Evaluations() int { return f.steps * len(tableaux[f.method].weights) }

// Forward goes from time 0 to 1.
func (f *Flow) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	return f.solve("Forward", z, context, 0, 1)
}

// Inverse goes from time 1 to 0.
func (f *Flow) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	return f.solve("Inverse", x, context, 1, 0)
}

func (f *Flow) solve(call string, x, context *ad.Value, from, to float64) (y, logDet *ad.Value) {
	d := f.field.dim
	if n, c := x.Dims(); c != d {
		panic(fmt.Sprintf("continuous: Flow.%s: got a %d×%d batch, want %d columns", call, n, c, d))
	}
	t := x.Tape()
	end := integrate(x.Concat(t.Full(x.Rows(), 1, 0)), f.withTrace(x, context, to-from), from, to, f.steps, f.method)
	return end.Slice(0, d), end.Slice(d, d+1)
}

// withTrace returns the field with a further column, whose integral is the log-determinant: the trace of its Jacobian, in training less the penalty on the
// way, whose time goes in the given direction, 1 or −1. The state has points and what has been added up so far.
func (f *Flow) withTrace(x, context *ad.Value, direction float64) velocity {
	d, t := f.field.dim, x.Tape()
	var signs *ad.Value
	if d > exactTrace && t.Training() {
		signs = t.Rademacher(x.Rows(), d)
	}
	return func(state *ad.Value, time float64) *ad.Value {
		at := t.Full(1, 1, time)
		field := ad.Linearize(func(x *ad.Value) *ad.Value { return f.field.At(x, at, context) }, state.Slice(0, d))
		var trace, squares *ad.Value
		penalised := t.Training() && f.kinetic+f.jacobian > 0
		add := func(product, diagonal *ad.Value) { // of the Jacobian and a vector, and what it has to say of the trace
			trace = sum(trace, diagonal)
			if penalised {
				squares = sum(squares, product.Square().RowSum())
			}
		}
		if signs != nil {
			product := field.JVP(signs)
			add(product, product.Mul(signs).RowSum())
		} else {
			for j := range d {
				unit := make([]float64, d)
				unit[j] = 1
				product := field.JVP(t.Const(1, d, unit).Repeat(state.Rows()))
				add(product, product.Slice(j, j+1))
			}
		}
		if penalised {
			penalty := field.Y.Square().RowSum().Scale(f.kinetic).Add(squares.Scale(f.jacobian))
			trace = trace.Sub(penalty.Scale(direction))
		}
		return field.Y.Concat(trace)
	}
}

// sum adds a and b, the first of which may be nil.
func sum(a, b *ad.Value) *ad.Value {
	if a == nil {
		return b
	}
	return a.Add(b)
}

// Error estimates the error of Forward: for each row of z, the distance of its image from that of the exact solution, which is what half as many steps
// change by over 2^order − 1 (Richardson). context has a row for each of z, or is nil. Cost: one and a half times that of the images, without
// traces. It panics when a number of columns or rows is wrong.
func (f *Flow) Error(z, context mat.Matrix) []float64 {
	n, c := z.Dims()
	contextRows := 0
	var given *mat.Dense
	if context != nil {
		contextRows, _ = context.Dims()
		given = mat.DenseCopyOf(context)
	}
	if c != f.field.dim || (context != nil) != (f.ContextDim() > 0) || context != nil && contextRows != n {
		panic(fmt.Sprintf("continuous: Flow.Error: got a %d×%d batch and %d rows of context, want %d columns, and a row for each where the field takes a context", n, c, contextRows, f.field.dim))
	}
	points, distance := mat.DenseCopyOf(z), make([]float64, n)
	scale := 1 / (math.Pow(2, float64(tableaux[f.method].order)) - 1)
	ad.NewShards(ad.Float64, f.width()).Each(n, func(t *ad.Tape, lo, hi int) {
		var shard *ad.Value
		if given != nil {
			shard = t.Rows(given, lo, hi)
		}
		v := func(x *ad.Value, time float64) *ad.Value { return f.field.At(x, t.Full(1, 1, time), shard) }
		start := t.Rows(points, lo, hi)
		fine, coarse := integrate(start, v, 0, 1, f.steps, f.method), integrate(start, v, 0, 1, f.steps/2, f.method)
		fine.Sub(coarse).RowNorm().Scale(scale).DataTo(distance[lo:hi])
	})
	return distance
}

// width returns the largest number of elements of a row, as far as is known.
func (f *Flow) width() int {
	if w, ok := f.field.net.(nf.Wide); ok {
		return w.Width()
	}
	return f.field.net.In()
}

// String tells the solver.
func (f *Flow) String() string {
	return fmt.Sprintf("continuous.Flow %d steps of %v", f.steps, f.method)
}
