package grids

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ConvResidualNetOptions are the options of [NewConvResidualNet].
type ConvResidualNetOptions struct {
	Blocks   int       // residual blocks; 0 means 2
	Leaky    float64   // slope of the ReLU below 0
	Dropout  float64   // probability with which a hidden number of a block is left out in training
	Circular bool      // the grid is periodic; the default sees zeros outside of it
	Context  int       // columns of a context, which enters the first layer and gates each block
	Start    []float64 // the outputs of each pixel at first, whatever the input: one for each channel; nil leaves the last layer at random
}

// ConvResidualNet is a convolutional network with skip connections, from grids to grids of the same height and width. With σ the ReLU, ∗ a
// convolution by a kernel of 3 and W of 1,
//
//	h₀ = W(x, c) + b,  h_{i+1} = h_i + g_i(h_i)⊙sigmoid(C_i·c + d_i),  g_i(h) = V″∗σ(V′∗σ(h) + b′) + b″,
//
// and the output is W′·h + b of the last h. The context c is the same for all pixels; without one, the gates are absent. A pixel sees those at most
// twice as far away as there are blocks. Weights and biases start uniform in ±1/√fan-in, those of V″ in ±10⁻³, so that blocks start near the
// identity. He et al. 2016, arXiv:1603.05027; Durkan et al. 2019, arXiv:1906.04032, appendix B.2. Its twin in normflows is ConvResidualNet.
type ConvResidualNet struct {
	in             Shape
	hidden         Shape
	initial, final convolution
	blocks         []residualBlock
	opts           ConvResidualNetOptions
	pad            ad.Padding
}

// residualBlock is one step of a residual network.
type residualBlock struct {
	layers [2]convolution
	gate   convolution // of the context, as grids of one pixel; without weights if there is none
}

var (
	_ nf.Net         = (*ConvResidualNet)(nil)
	_ nf.Conditional = (*ConvResidualNet)(nil)
	_ nf.Wide        = (*ConvResidualNet)(nil)
)

// NewConvResidualNet returns a network from grids of shape in to grids with out channels, with hidden channels between. A nil opts means the
// defaults. It panics when a number is out of range.
func NewConvResidualNet(in Shape, out, hidden int, opts *ConvResidualNetOptions, src rand.Source) *ConvResidualNet {
	const caller = "NewConvResidualNet"
	checkShape(caller, in)
	n := &ConvResidualNet{in: in, hidden: Shape{Height: in.Height, Width: in.Width, Channels: hidden}}
	if opts != nil {
		n.opts = *opts
	}
	switch o := n.opts; {
	case min(out, hidden) < 1:
		panic(fmt.Sprintf("grids: %s: got %d channels of output and %d hidden ones, want 1 or more", caller, out, hidden))
	case min(o.Blocks, o.Context) < 0:
		panic(fmt.Sprintf("grids: %s: got %d blocks and a context of %d columns, want 0 or more", caller, o.Blocks, o.Context))
	case !(o.Dropout >= 0 && o.Dropout < 1):
		panic(fmt.Sprintf("grids: %s: got Dropout %v, want 0 or more and less than 1", caller, o.Dropout))
	case o.Start != nil && len(o.Start) != out:
		panic(fmt.Sprintf("grids: %s: got %d numbers in Start for %d channels of output", caller, len(o.Start), out))
	case src == nil:
		panic(fmt.Sprintf("grids: %s: got a nil source of random numbers, want one as rand.NewPCG(1, 2)", caller))
	}
	if n.opts.Circular {
		n.pad = ad.PadCircular
	}
	r, k := rand.New(src), n.opts.Context
	n.initial = newConvolution(in, in.Channels+k, hidden, 1, false, r)
	for range orDefault(n.opts.Blocks, 2) {
		b := residualBlock{layers: [2]convolution{newConvolution(in, hidden, hidden, 3, false, r), newConvolution(in, hidden, hidden, 3, false, r)}}
		for _, p := range []*ad.Param{b.layers[1].weight, b.layers[1].bias} {
			for i := range p.Data {
				p.Data[i] = 1e-3 * (2*r.Float64() - 1)
			}
		}
		if k > 0 {
			b.gate = newConvolution(in, k, hidden, 1, false, r)
		}
		n.blocks = append(n.blocks, b)
	}
	n.final = newConvolution(in, hidden, out, 1, false, r)
	if n.opts.Start != nil {
		clear(n.final.weight.Data)
		copy(n.final.bias.Data, n.opts.Start)
	}
	return n
}

// In returns the number of columns of a grid of the input.
func (n *ConvResidualNet) In() int { return n.in.Size() }

// Out returns the number of columns of a grid of the output.
func (n *ConvResidualNet) Out() int { return n.in.Sites() * n.final.channels() }

// ContextDim returns the number of columns of the context, 0 for none.
func (n *ConvResidualNet) ContextDim() int { return n.opts.Context }

// Width returns the number of columns of the largest grid.
func (n *ConvResidualNet) Width() int {
	return n.in.Sites() * max(n.in.Channels+n.opts.Context, n.hidden.Channels, n.final.channels())
}

// Apply returns the output of the network. Cost O(n·H·W·h·(in + out + 18h·blocks)) for h hidden channels.
func (n *ConvResidualNet) Apply(x, context *ad.Value) *ad.Value {
	checkBatch("ConvResidualNet.Apply", x, n.In())
	k := n.opts.Context
	if k > 0 && (context == nil || context.Cols() != k) {
		panic(fmt.Sprintf("grids: ConvResidualNet.Apply: got context %s, want %d columns; condition the model with Given", size(context), k))
	}
	return x.Tape().Scratch(func() *ad.Value {
		in, rows := n.in, x.Rows()
		if k > 0 {
			in.Channels += k
			x = bySite(x, n.in).Concat(everySite(context, rows, in)).Reshape(rows, in.Size())
		}
		h := n.convolve(x, in, n.initial, ad.Identity)
		for _, b := range n.blocks {
			g := n.convolve(h.LeakyReLU(n.opts.Leaky), n.hidden, b.layers[0], ad.LeakyReLU)
			g = n.convolve(g.Dropout(n.opts.Dropout), n.hidden, b.layers[1], ad.Identity)
			if k > 0 {
				gate := everySite(context.Dense(b.gate.weight, b.gate.bias, ad.Sigmoid, 0), rows, n.in)
				g = bySite(g, n.hidden).Mul(gate).Reshape(rows, n.hidden.Size())
			}
			h = h.Add(g)
		}
		return n.convolve(h, n.hidden, n.final, ad.Identity)
	})
}

func (n *ConvResidualNet) convolve(x *ad.Value, in Shape, l convolution, act ad.Activation) *ad.Value {
	return x.Conv2D(in, l.weight, l.bias, n.pad, act, n.opts.Leaky)
}

// everySite returns v, which has a row for each of the rows of a batch of grids or one for all, with one for each site of them.
func everySite(v *ad.Value, rows int, s Shape) *ad.Value {
	if v.Rows() == 1 && rows != 1 {
		return v.Repeat(rows * s.Sites())
	}
	return v.Repeat(s.Sites())
}

// State lists initial_layer, blocks.0.context_layer, blocks.0.conv_layers.0, blocks.0.conv_layers.1, …, blocks.1, … and final_layer.
func (n *ConvResidualNet) State() nf.State {
	s := n.initial.state("initial_layer")
	for i, b := range n.blocks {
		name := "blocks." + strconv.Itoa(i)
		if b.gate.weight != nil {
			s = append(s, b.gate.state(name+".context_layer")...)
		}
		for k, l := range b.layers {
			s = append(s, l.state(name+".conv_layers."+strconv.Itoa(k))...)
		}
	}
	return append(s, n.final.state("final_layer")...).OwnedBy(n)
}

// state lists weight and bias.
func (l convolution) state(name string) nf.State {
	m, size := l.weight.Dims()
	return nf.State{
		nf.ParamTensor(name+".weight", l.weight, m, size/(l.edge*l.edge), l.edge, l.edge),
		nf.ParamTensor(name+".bias", l.bias, m),
	}
}
