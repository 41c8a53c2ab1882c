package nfkit

import (
	"fmt"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Flow is a smooth bijection of R^d, applied to each row of a batch.
//
// Forward maps latent to data, Inverse data to latent. Each also returns ln|det J| of the map that it applied,
// n×1; so the two log-determinants of a point are negatives of each other. Both always exist: a flow without a
// closed form solves for it, says so, and gives NaN where it finds no solution.
//
// context is the condition, one row per row of the batch, or nil. A flow that takes one implements
// [Conditional] as well; the others ignore it.
//
// An implementation treats rows independently and writes to nothing but the tape. It needs no gradient code:
// the operations of package ad bring theirs. Package nftest checks all of this.
type Flow interface {
	// Dim returns d, the number of columns of a batch.
	Dim() int
	// Forward maps latent points z, n×d, to data x, n×d.
	Forward(z, context *ad.Value) (x, logDet *ad.Value)
	// Inverse maps data x, n×d, to latent points z, n×d.
	Inverse(x, context *ad.Value) (z, logDet *ad.Value)
	// State lists parameters and buffers, in the same order on every call; nil if there are none.
	State() State
}

// Conditional is a flow, base or network that depends on a context.
type Conditional interface {
	// ContextDim returns the number of columns of the context, 0 for none.
	ContextDim() int
}

// contextDim returns the number of columns of the context that f takes, 0 for none.
func contextDim(f any) int {
	if c, ok := f.(Conditional); ok {
		return c.ContextDim()
	}
	return 0
}

// commonContextDim returns the number of columns of the context that all those of parts take that take one.
// It panics when two disagree.
func commonContextDim[T any](caller string, parts ...T) int {
	dim, first := 0, 0
	for i, p := range parts {
		switch c := contextDim(p); {
		case c == 0 || c == dim:
		case dim == 0:
			dim, first = c, i
		default:
			panic(fmt.Sprintf("nfkit: %s: part %d (%T) takes a context of %d columns, part %d (%T) one of %d", caller, first, parts[first], dim, i, p, c))
		}
	}
	return dim
}

// checkBatch panics unless v has dim columns.
func checkBatch(call string, v *ad.Value, dim int) {
	if n, c := v.Dims(); c != dim {
		panic(fmt.Sprintf("nfkit: %s: got a %d×%d batch, want %d columns", call, n, c, dim))
	}
}

// Chain is the composition of flows: Forward applies them first to last, Inverse last to first.
// Its twin in normflows is Composite.
type Chain struct {
	flows   []Flow
	dim     int
	context int
}

var (
	_ Flow        = (*Chain)(nil)
	_ Conditional = (*Chain)(nil)
)

// NewChain returns the composition of flows. It panics when there are none, or when their dimensions or
// contexts differ.
func NewChain(flows ...Flow) *Chain {
	if len(flows) == 0 {
		panic("nfkit: NewChain: got no flows, want at least one")
	}
	return newChain("NewChain", flows[0].Dim(), flows)
}

func newChain(caller string, dim int, flows []Flow) *Chain {
	for i, f := range flows {
		if f == nil {
			panic(fmt.Sprintf("nfkit: %s: flow %d is nil", caller, i))
		}
		if f.Dim() != dim {
			panic(fmt.Sprintf("nfkit: %s: flow %d (%T) has dimension %d, want %d", caller, i, f, f.Dim(), dim))
		}
	}
	return &Chain{flows: append([]Flow(nil), flows...), dim: dim, context: commonContextDim(caller, flows...)}
}

// Dim returns the dimension of the flows.
func (c *Chain) Dim() int { return c.dim }

// ContextDim returns the number of columns of the context that the flows take, 0 for none.
func (c *Chain) ContextDim() int { return c.context }

// Forward applies the flows first to last. Its log-determinant is the sum of theirs.
func (c *Chain) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Chain.Forward", z, c.dim)
	for _, f := range c.flows {
		var l *ad.Value
		z, l = f.Forward(z, context)
		logDet = addLogDet(logDet, l)
	}
	return z, orZero(z, logDet)
}

// Inverse applies the inverses last to first. Its log-determinant is the sum of theirs.
func (c *Chain) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Chain.Inverse", x, c.dim)
	for i := len(c.flows) - 1; i >= 0; i-- {
		var l *ad.Value
		x, l = c.flows[i].Inverse(x, context)
		logDet = addLogDet(logDet, l)
	}
	return x, orZero(x, logDet)
}

// State lists the flows' tensors under _flows.0, _flows.1, …
func (c *Chain) State() State { return c.state("_flows.") }

func (c *Chain) state(prefix string) State {
	var s State
	for i, f := range c.flows {
		s = append(s, f.State().Under(prefix+strconv.Itoa(i))...)
	}
	return s
}

// addLogDet adds two log-determinants, the first of which may be nil.
func addLogDet(sum, l *ad.Value) *ad.Value {
	if sum == nil {
		return l
	}
	return sum.Add(l)
}

// orZero returns logDet, or zeros for the rows of v where there is none.
func orZero(v, logDet *ad.Value) *ad.Value {
	if logDet == nil {
		return v.Tape().Full(v.Rows(), 1, 0)
	}
	return logDet
}

// Invert swaps the directions of a flow. Its twin in normflows is Reverse.
type Invert struct{ flow Flow }

var (
	_ Flow        = (*Invert)(nil)
	_ Conditional = (*Invert)(nil)
)

// NewInvert returns the flow whose Forward is f's Inverse and the other way round.
func NewInvert(f Flow) *Invert {
	if f == nil {
		panic("nfkit: NewInvert: got a nil flow")
	}
	return &Invert{f}
}

// Dim returns the dimension of the flow.
func (v *Invert) Dim() int { return v.flow.Dim() }

// ContextDim returns the number of columns of the context that the flow takes, 0 for none.
func (v *Invert) ContextDim() int { return contextDim(v.flow) }

// Forward is the flow's Inverse.
func (v *Invert) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	return v.flow.Inverse(z, context)
}

// Inverse is the flow's Forward.
func (v *Invert) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	return v.flow.Forward(x, context)
}

// State lists the flow's tensors under flow.
func (v *Invert) State() State { return v.flow.State().Under("flow") }
