package nfkit

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ResidualNetOptions are the options of [NewResidualNet].
type ResidualNetOptions struct {
	Blocks     int // residual blocks; 0 means 2, −1 none
	Activation Activation
	Leaky      float64 // slope of ActReLU below 0
	Dropout    float64 // probability with which a hidden unit of a block is left out in training

	Context    int // columns of a context, which enters the first layer and gates each block
	Preprocess Net // applied to the input, but not to the context, before the first layer; nil means none

	// BatchNorm puts a batch normalisation before each hidden layer of a block, as a network of the reference with use_batch_norm has when it is
	// evaluated: running statistics come with its file, and training changes weights and biases alone.
	BatchNorm bool
}

// ResidualNet is a network with skip connections. With σ the activation,
//
//	h₀ = W(x, c) + b,  h_{i+1} = h_i + g_i(h_i)⊙sigmoid(C_i·c + d_i),  g_i(h) = W″σ(W′σ(h) + b′) + b″,
//
// and the output is a linear map of the last h; without a context c, the gates are absent. Weights and biases start
// uniform in ±1/√fan-in, those of W″ in ±10⁻³, so that blocks start near the identity.
// He et al. 2016, arXiv:1603.05027. Its twin in normflows is nets.ResidualNet.
type ResidualNet struct {
	initial, final linear
	blocks         []residualBlock
	preprocess     Net // or nil
	context        int
}

var (
	_ Net         = (*ResidualNet)(nil)
	_ Conditional = (*ResidualNet)(nil)
	_ Wide        = (*ResidualNet)(nil)
)

// NewResidualNet returns a network from in to out columns with hidden units in each layer between. A nil opts means the
// defaults. It panics when a width or an option is out of range.
func NewResidualNet(in, out, hidden int, opts *ResidualNetOptions, src rand.Source) *ResidualNet {
	var o ResidualNetOptions
	if opts != nil {
		o = *opts
	}
	switch {
	case in < 1 || out < 1 || hidden < 1:
		panic(fmt.Sprintf("nfkit: NewResidualNet: got widths %d, %d and %d, want 1 or more", in, out, hidden))
	case o.Blocks < -1 || o.Context < 0:
		panic(fmt.Sprintf("nfkit: NewResidualNet: got %d blocks and a context of %d columns, want 0 or more, or −1 for no blocks", o.Blocks, o.Context))
	}
	n := &ResidualNet{preprocess: o.Preprocess, context: o.Context}
	width := preprocessed("NewResidualNet", in, o.Preprocess)
	block := residualBlock{act: newActivation("NewResidualNet", o.Activation, o.Leaky), dropout: o.Dropout}
	checkDropout("NewResidualNet", o.Dropout)
	if o.Blocks == 0 {
		o.Blocks = 2
	}
	r := newRand("NewResidualNet", src)
	n.initial = newLinear(width+o.Context, hidden, r)
	for range o.Blocks {
		block.layers = [2]linear{newLinear(hidden, hidden, r), newLinear(hidden, hidden, r)}
		if o.BatchNorm {
			block.norms = [2]*hiddenNorm{newHiddenNorm(hidden), newHiddenNorm(hidden)}
		}
		n.blocks = append(n.blocks, block.ready(o.Context, r))
	}
	n.final = newLinear(hidden, out, r)
	return n
}

// preprocessed returns the width of the input after preprocessing.
func preprocessed(caller string, in int, preprocess Net) int {
	if preprocess == nil {
		return in
	}
	if w := preprocess.In(); w != in {
		panic(fmt.Sprintf("nfkit: %s: got an input of %d columns for preprocessing of %d", caller, in, w))
	}
	return preprocess.Out()
}

// In returns the width of the input, without the context.
func (n *ResidualNet) In() int {
	if n.preprocess != nil {
		return n.preprocess.In()
	}
	_, in := n.initial.weight.Dims()
	return in - n.context
}

// Out returns the width of the output.
func (n *ResidualNet) Out() int {
	out, _ := n.final.weight.Dims()
	return out
}

// ContextDim returns the number of columns of the context, 0 for none.
func (n *ResidualNet) ContextDim() int { return n.context }

// Apply returns the output of the network. Cost O(n·h·(in + out + 2h·blocks)) for h hidden units.
func (n *ResidualNet) Apply(x, context *ad.Value) *ad.Value {
	checkBatch("ResidualNet.Apply", x, n.In())
	if n.preprocess != nil {
		x = n.preprocess.Apply(x, nil)
	}
	x = withContext("ResidualNet.Apply", x, context, n.context)
	return x.Tape().Scratch(func() *ad.Value {
		h := n.initial.apply(x)
		for i := range n.blocks {
			h = n.blocks[i].apply(h, context)
		}
		return n.final.apply(h)
	})
}

// State lists initial_layer, blocks.0, blocks.1, … and final_layer; preprocessing comes first if there is any.
func (n *ResidualNet) State() State {
	var s State
	if n.preprocess != nil {
		s = n.preprocess.State().Under("preprocessing")
	}
	s = append(s, n.initial.state("initial_layer")...)
	for i, b := range n.blocks {
		name := "blocks." + strconv.Itoa(i)
		if b.gate != nil {
			s = append(s, b.gate.state(name+".context_layer")...)
		}
		for k, l := range b.layers {
			s = append(s, b.norms[k].state(name+".batch_norm_layers."+strconv.Itoa(k))...)
			s = append(s, l.state(name+".linear_layers."+strconv.Itoa(k))...)
		}
	}
	return append(s, n.final.state("final_layer")...).OwnedBy(n)
}

// startAt makes the network return row whatever its input.
func (n *ResidualNet) startAt(row []float64) { n.final.setConstant(row) }

// Width returns the widest layer.
func (n *ResidualNet) Width() int {
	hidden, in := n.initial.weight.Dims()
	return max(in, hidden, n.Out())
}

// residualBlock is one step h + g(h) of a residual network.
type residualBlock struct {
	layers  [2]linear
	norms   [2]*hiddenNorm // before the activations that come before the layers; nil if there are none
	gate    *linear        // of the context; nil if there is none
	act     activation
	dropout float64
}

// ready returns b with its second layer small, and with a gate if there is a context.
func (b residualBlock) ready(context int, r *rand.Rand) residualBlock {
	b.layers[1].uniform(1e-3, r)
	if context > 0 {
		_, width := b.layers[0].weight.Dims()
		gate := newLinear(context, width, r)
		b.gate = &gate
	}
	return b
}

func (b *residualBlock) apply(h, context *ad.Value) *ad.Value {
	var g *ad.Value
	if b.norms[0] == nil {
		g = b.act.dense(b.act.apply(h), b.layers[0])
	} else {
		g = b.act.apply(b.norms[1].apply(b.layers[0].apply(b.act.apply(b.norms[0].apply(h)))))
	}
	g = b.layers[1].apply(g.Dropout(b.dropout))
	if b.gate != nil {
		g = g.Mul(context.Dense(b.gate.weight, b.gate.bias, ad.Sigmoid, 0))
	}
	return h.Add(g)
}
