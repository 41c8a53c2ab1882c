package nfkit

import "github.com/nfkit/nfkit-go/nfkit/ad"

// clippedInput is the map x ↦ x/(1 + |x|/20) of each component, which is x near 0 and stays between −20 and 20: what the networks of ready-made
// models with affine layers see. A network of x itself goes on growing outside of the data, and there one outlier costs more than all other rows.
type clippedInput struct{ dim int }

// clippedInputLimit leaves standardized data nearly as they are: 3 becomes 2.6.
const clippedInputLimit = 20

var _ Net = clippedInput{}

func (c clippedInput) In() int      { return c.dim }
func (c clippedInput) Out() int     { return c.dim }
func (c clippedInput) State() State { return nil }

func (c clippedInput) Apply(x, _ *ad.Value) *ad.Value { return x.SoftClip(clippedInputLimit) }

// clippedMLP is an [MLP] that has its input, but not the context, by clippedInput.
type clippedMLP struct{ *MLP }

var (
	_ Net         = clippedMLP{}
	_ Conditional = clippedMLP{}
	_ Wide        = clippedMLP{}
)

// Apply returns the output of the network.
func (m clippedMLP) Apply(x, context *ad.Value) *ad.Value {
	return m.MLP.Apply(x.SoftClip(clippedInputLimit), context)
}
