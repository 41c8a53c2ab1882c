package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Indexed applies a flow to some of the components of a point and leaves the others as they are: a logarithm for a positive column beside real
// ones, a circle beside a line.
//
//	positive := nf.NewIndexed(3, []int{2}, nf.NewExp(1)) // the last of three components is the exponential of a real number
//
// ln|det J| is that of the flow.
type Indexed struct {
	flow  Flow
	index []int
	other []int
	merge []int // column of (index, other) where each component is
}

var (
	_ Flow        = (*Indexed)(nil)
	_ Conditional = (*Indexed)(nil)
)

// NewIndexed returns a flow of dim components that applies f to those with the numbers in index, in that order. It panics when f is nil or has
// another number of components, and when index names a component twice or one that does not exist.
func NewIndexed(dim int, index []int, f Flow) *Indexed {
	if f == nil {
		panic("nfkit: NewIndexed: got a nil flow")
	}
	other := otherComponents("NewIndexed", "components", dim, index)
	if f.Dim() != len(index) {
		panic(fmt.Sprintf("nfkit: NewIndexed: got a flow (%T) of %d components for the %d in %v", f, f.Dim(), len(index), index))
	}
	return &Indexed{flow: f, index: slices.Clone(index), other: other, merge: mergeOrder(index, other)}
}

// Dim returns the number of components.
func (x *Indexed) Dim() int { return len(x.merge) }

// ContextDim returns the number of columns of the context that the flow takes, 0 for none.
func (x *Indexed) ContextDim() int { return contextDim(x.flow) }

// Forward applies the flow's Forward.
func (x *Indexed) Forward(z, context *ad.Value) (y, logDet *ad.Value) {
	checkBatch("Indexed.Forward", z, x.Dim())
	return x.apply(z, context, x.flow.Forward)
}

// Inverse applies the flow's Inverse.
func (x *Indexed) Inverse(y, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Indexed.Inverse", y, x.Dim())
	return x.apply(y, context, x.flow.Inverse)
}

func (x *Indexed) apply(v, context *ad.Value, f func(v, context *ad.Value) (y, logDet *ad.Value)) (y, logDet *ad.Value) {
	y, logDet = f(v.Columns(x.index), context)
	return y.Concat(v.Columns(x.other)).Columns(x.merge), logDet
}

// State lists the numbers of the components, as index, and the flow's tensors under flow.
func (x *Indexed) State() State {
	return append(State{fixedTensor("index", x.index)}, x.flow.State().Under("flow")...)
}
