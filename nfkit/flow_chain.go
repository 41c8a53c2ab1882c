package nfkit

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

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
		if p, ok := f.(*Permute); ok { // of one row, adding its 0 would cost as much as it does
			z = z.Columns(p.index)
			continue
		}
		var l *ad.Value
		z, l = f.Forward(z, context)
		checkLogDet("Forward", f, z, l)
		logDet = addLogDet(logDet, l)
	}
	return z, orZero(z, logDet)
}

// Inverse applies the inverses last to first. Its log-determinant is the sum of theirs.
func (c *Chain) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Chain.Inverse", x, c.dim)
	for _, f := range slices.Backward(c.flows) {
		if p, ok := f.(*Permute); ok {
			x = x.Columns(p.inverse)
			continue
		}
		var l *ad.Value
		x, l = f.Inverse(x, context)
		checkLogDet("Inverse", f, x, l)
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

// checkLogDet panics unless a flow returned as many log-determinants as rows.
func checkLogDet(direction string, f Flow, y, logDet *ad.Value) {
	if r, c := logDet.Dims(); r != y.Rows() || c != 1 {
		panic(fmt.Sprintf("nfkit: %T.%s: got a %d×%d log-determinant of %d rows, want %d×1", f, direction, r, c, y.Rows(), y.Rows()))
	}
}

// orZero returns logDet, or zeros for the rows of v where there is none.
func orZero(v, logDet *ad.Value) *ad.Value {
	if logDet == nil {
		return v.Tape().Full(v.Rows(), 1, 0)
	}
	return logDet
}

// Invert swaps the directions of a flow. Its twin in normflows is Reverse.
//
// Forward needs latent points that are in the domain of the flow's Inverse. Where the flow's density is 0, as that of [Exp] is below 0, its
// Forward and log-determinant are NaN: a model has no infinite densities.
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
	x, logDet = v.flow.Inverse(z, context)
	outside := logDet.Detach().Min(z.Tape().Full(1, 1, 0)) // −Inf
	outside = outside.Sub(outside)                         // NaN there, and 0 elsewhere
	return x.Add(outside), logDet.Add(outside)
}

// Inverse is the flow's Forward.
func (v *Invert) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	return v.flow.Forward(x, context)
}

// State lists the flow's tensors under flow.
func (v *Invert) State() State { return v.flow.State().Under("flow") }
