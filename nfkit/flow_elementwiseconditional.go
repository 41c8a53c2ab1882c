package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ConditionalElementwise maps each component by a [Transformer] with parameters that a network computes from the context: the marginal
// distributions of a conditional model. Cost: one evaluation of the network, and that of the transformer.
type ConditionalElementwise struct {
	transformer Transformer
	encoder     Net
	dim         []int // their number, as a tensor has it
}

var (
	_ Flow        = (*ConditionalElementwise)(nil)
	_ Conditional = (*ConditionalElementwise)(nil)
)

// NewConditionalElementwise returns the flow of dim components that depends on a context of encoder.In() columns; the encoder returns the
// parameters of each component, side by side. A network of this package is set to start at the transformer's Initial. Its State has the encoder
// under context_encoder, and dim. It panics when an argument is nil, or the encoder has another number of outputs or wants a context itself.
func NewConditionalElementwise(transformer Transformer, encoder Net, dim int) *ConditionalElementwise {
	if transformer == nil || encoder == nil || dim < 1 {
		panic(fmt.Sprintf("nfkit: NewConditionalElementwise: got transformer %v, network %v and dimension %d, want two that are not nil, and 1 or more", transformer, encoder, dim))
	}
	if out, m := encoder.Out(), transformer.Params(); out != m*dim {
		panic(fmt.Sprintf("nfkit: NewConditionalElementwise: got a network with %d columns of output for %d components of %d parameters each, want %d", out, dim, m, m*dim))
	}
	if c := contextDim(encoder); c != 0 {
		panic(fmt.Sprintf("nfkit: NewConditionalElementwise: got a network with a context of %d columns; its input is the context, so it wants none", c))
	}
	startAt(encoder, slices.Repeat(transformer.Initial(), dim))
	return &ConditionalElementwise{transformer, encoder, []int{dim}}
}

// Dim returns the number of components.
func (e *ConditionalElementwise) Dim() int { return e.dim[0] }

// ContextDim returns the number of columns of the encoder's input.
func (e *ConditionalElementwise) ContextDim() int { return e.encoder.In() }

// Forward maps latent points to data.
func (e *ConditionalElementwise) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("ConditionalElementwise.Forward", z, e.Dim())
	checkContext("ConditionalElementwise.Forward", context, e.ContextDim())
	return e.transformer.Forward(z, e.encoder.Apply(context, nil))
}

// Inverse maps data to latent points.
func (e *ConditionalElementwise) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("ConditionalElementwise.Inverse", x, e.Dim())
	checkContext("ConditionalElementwise.Inverse", context, e.ContextDim())
	return e.transformer.Inverse(x, e.encoder.Apply(context, nil))
}

// State lists the encoder's tensors under context_encoder, and the number of components as dim.
func (e *ConditionalElementwise) State() State {
	return append(e.encoder.State().Under("context_encoder"), fixedTensor("dim", e.dim)).OwnedBy(e)
}

// String describes transformer and network.
func (e *ConditionalElementwise) String() string {
	return fmt.Sprintf("ConditionalElementwise(%s, %s)", describe(e.transformer), describe(e.encoder))
}
