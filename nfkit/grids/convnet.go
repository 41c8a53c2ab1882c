package grids

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ConvNet2dOptions are the options of [NewConvNet2d].
type ConvNet2dOptions struct {
	Activation nf.Activation
	Leaky      float64 // slope of ActReLU below 0
	Circular   bool    // the grid is periodic; the default sees zeros outside of it
	ActNorm    bool    // an [ActNorm] before each activation, in place of the bias
	RandomLast bool    // the last layer starts at random; the default is at 0, so that an affine coupling starts as the identity
	Context    int     // columns of a context, of which a linear map is added to each pixel after the first convolution
}

// ConvNet2d is a network of convolutions with an activation between them, from grids to grids of the same height and width. Weights and biases
// start uniform in ±1/√fan-in. Its twin in normflows is nets.ConvNet2d.
type ConvNet2d struct {
	in      Shape
	layers  []convolution
	context *ad.Param // m×k for the m channels after the first convolution; nil without a context
	opts    ConvNet2dOptions
	act     ad.Activation
	pad     ad.Padding
}

// convolution is a layer with m channels of output.
type convolution struct {
	weight *ad.Param // m×(C·k²), in files by channel, row and column; on a tape by row, column and channel
	bias   *ad.Param // 1×m; nil where norm is not
	norm   *ActNorm
	edge   int
}

var (
	_ nf.Net         = (*ConvNet2d)(nil)
	_ nf.Conditional = (*ConvNet2d)(nil)
	_ nf.Wide        = (*ConvNet2d)(nil)
)

// NewConvNet2d returns a network from grids of shape in to grids with as many channels as the last number in channels; those before are hidden
// layers. edges has the edge of the kernel of each convolution, an odd number. A nil opts means the defaults. It panics when there is no
// layer, or not an edge for each, or a number is out of range.
func NewConvNet2d(in Shape, channels, edges []int, opts *ConvNet2dOptions, src rand.Source) *ConvNet2d {
	const caller = "NewConvNet2d"
	checkShape(caller, in)
	if len(channels) == 0 || len(channels) != len(edges) {
		panic(fmt.Sprintf("grids: %s: got channels %v and kernels %v, want at least one layer and both for each", caller, channels, edges))
	}
	n := &ConvNet2d{in: in}
	if opts != nil {
		n.opts = *opts
	}
	switch o := n.opts; {
	case o.Activation > nf.ActTanh:
		panic(fmt.Sprintf("grids: %s: got activation %d, want one of ActReLU to ActTanh", caller, o.Activation))
	case o.Activation != nf.ActReLU && o.Leaky != 0:
		panic(fmt.Sprintf("grids: %s: got Leaky %v with activation %d; only ActReLU has a slope", caller, o.Leaky, o.Activation))
	case o.Context < 0:
		panic(fmt.Sprintf("grids: %s: got a context of %d columns, want 0 or more", caller, o.Context))
	}
	n.act = [...]ad.Activation{nf.ActReLU: ad.LeakyReLU, nf.ActELU: ad.ELU, nf.ActSiLU: ad.SiLU, nf.ActTanh: ad.Tanh}[n.opts.Activation]
	if n.opts.Circular {
		n.pad = ad.PadCircular
	}
	if src == nil {
		panic("grids: NewConvNet2d: got a nil source of random numbers, want one as rand.NewPCG(1, 2)")
	}
	r, c := rand.New(src), in.Channels
	for i, m := range channels {
		if m < 1 || edges[i] < 1 || edges[i]%2 == 0 {
			panic(fmt.Sprintf("grids: %s: got channels %v and kernels %v, want channels of 1 or more and odd kernels", caller, channels, edges))
		}
		last := i == len(channels)-1
		n.layers = append(n.layers, newConvolution(in, c, m, edges[i], n.opts.ActNorm && !last, r))
		c = m
	}
	if last := n.layers[len(n.layers)-1]; !n.opts.RandomLast {
		clear(last.weight.Data)
		clear(last.bias.Data)
	}
	if k := n.opts.Context; k > 0 {
		n.context = uniform(channels[0], k, 1/math.Sqrt(float64(k)), r)
	}
	return n
}

func newConvolution(grid Shape, in, out, edge int, norm bool, r *rand.Rand) convolution {
	k := edge * edge
	limit := 1 / math.Sqrt(float64(in*k))
	l := convolution{weight: uniform(out, in*k, limit, r), edge: edge}
	if in > 1 && k > 1 {
		l.weight.Arrange(nil, channelsFirst(Shape{Height: edge, Width: edge, Channels: in}))
	}
	if norm {
		grid.Channels = out
		l.norm = NewActNorm(grid)
	} else {
		l.bias = uniform(1, out, limit, r)
	}
	return l
}

// uniform returns a rows×cols parameter with elements drawn from [−limit, limit).
func uniform(rows, cols int, limit float64, r *rand.Rand) *ad.Param {
	data := make([]float64, rows*cols)
	for i := range data {
		data[i] = limit * (2*r.Float64() - 1)
	}
	return ad.NewParam(rows, cols, data)
}

// In returns the number of columns of a grid of the input.
func (n *ConvNet2d) In() int { return n.in.Size() }

// Out returns the number of columns of a grid of the output.
func (n *ConvNet2d) Out() int { return n.in.Sites() * n.layers[len(n.layers)-1].channels() }

func (l convolution) channels() int {
	m, _ := l.weight.Dims()
	return m
}

// ContextDim returns the number of columns of the context, 0 for none.
func (n *ConvNet2d) ContextDim() int { return n.opts.Context }

// Width returns the number of columns of the largest grid.
func (n *ConvNet2d) Width() int {
	c := n.in.Channels
	for _, l := range n.layers {
		c = max(c, l.channels())
	}
	return n.in.Sites() * c
}

// Apply returns the output of the network. Cost O(n·H·W·Σ k²·in·out).
func (n *ConvNet2d) Apply(x, context *ad.Value) *ad.Value {
	checkBatch("ConvNet2d.Apply", x, n.In())
	if k := n.opts.Context; k > 0 && (context == nil || context.Cols() != k) {
		panic(fmt.Sprintf("grids: ConvNet2d.Apply: got context %s, want %d columns; condition the model with Given", size(context), k))
	}
	return x.Tape().Scratch(func() *ad.Value {
		at := n.in
		for i, l := range n.layers {
			x = n.layer(i, l, x, at, context)
			at.Channels = l.channels()
		}
		return x
	})
}

func size(v *ad.Value) string {
	if v == nil {
		return "nil"
	}
	r, c := v.Dims()
	return fmt.Sprintf("%d×%d", r, c)
}

// layer applies layer i to grids x of shape in.
func (n *ConvNet2d) layer(i int, l convolution, x *ad.Value, in Shape, context *ad.Value) *ad.Value {
	var bias ad.Operand
	if l.bias != nil {
		bias = l.bias
	}
	act := n.act
	if i == len(n.layers)-1 {
		act = ad.Identity
	}
	conditioned := i == 0 && n.context != nil
	if !conditioned && l.norm == nil {
		return x.Conv2D(in, l.weight, bias, n.pad, act, n.opts.Leaky)
	}
	x = x.Conv2D(in, l.weight, bias, n.pad, ad.Identity, 0)
	in.Channels = l.channels()
	if conditioned {
		rows, cols := x.Dims()
		x = bySite(x, in).Add(context.Linear(n.context, nil).Repeat(in.Sites())).Reshape(rows, cols)
	}
	if l.norm != nil {
		x, _ = l.norm.Forward(x, nil)
	}
	switch act {
	case ad.LeakyReLU:
		return x.LeakyReLU(n.opts.Leaky)
	case ad.ELU:
		return x.ELU()
	case ad.SiLU:
		return x.SiLU()
	case ad.Tanh:
		return x.Tanh()
	}
	return x
}

// State lists net.0.weight, net.0.bias, net.2.weight, …, where activations have a number as in the reference; with ActNorm net.0.weight,
// net.1.actNorm.s, …, net.3.weight. A context adds context.weight.
func (n *ConvNet2d) State() nf.State {
	var s nf.State
	slot, c := 0, n.in.Channels
	for _, l := range n.layers {
		name, m := "net."+strconv.Itoa(slot), l.channels()
		s = append(s, nf.ParamTensor(name+".weight", l.weight, m, c, l.edge, l.edge))
		if l.norm == nil {
			s = append(s, nf.ParamTensor(name+".bias", l.bias, m))
			slot += 2
		} else {
			s = append(s, l.norm.State().Under("net."+strconv.Itoa(slot+1)+".actNorm")...)
			slot += 3
		}
		c = m
	}
	if n.context != nil {
		m, k := n.context.Dims()
		s = append(s, nf.ParamTensor("context.weight", n.context, m, k))
	}
	return s.OwnedBy(n)
}

// reordered is a network whose input comes in another order.
type reordered struct {
	nf.Net
	order []int // of the columns
}

func (n *reordered) Apply(x, context *ad.Value) *ad.Value {
	return n.Net.Apply(x.Columns(n.order), context)
}

// inOrder returns net for an input whose columns have the numbers in order, but come by their numbers.
func inOrder(net nf.Net, order []int) nf.Net {
	if slices.IsSorted(order) {
		return net
	}
	place := slices.Sorted(slices.Values(order))
	n := &reordered{Net: net}
	for _, j := range order {
		at, _ := slices.BinarySearch(place, j)
		n.order = append(n.order, at)
	}
	return n
}
