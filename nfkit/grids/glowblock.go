package grids

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// GlowBlockOptions are the options of [NewGlowBlock].
type GlowBlockOptions struct {
	Split      nf.Split
	Scale      *nf.ScaleMap // of the coupling; nil means ScaleSigmoid, which is bounded in the direction of the density
	Leaky      float64      // slope of the network's ReLU below 0
	RandomLast bool         // the network's last layer starts at random: init_zeros=False of the reference
	Plain      bool         // the 1×1 convolution trains its matrix itself: use_lu=False of the reference
	NetActNorm bool         // the network has an ActNorm before each activation
	Circular   bool         // the grid is periodic
	Context    int          // columns of a context of the network
}

// GlowBlock is a step of Glow: an [AffineCouplingBlock], an [Invertible1x1Conv], which is left out for one channel, and an [ActNorm], in the
// order of Forward. The coupling's network is a [ConvNet2d] with kernels of 3, 1 and 3. Kingma & Dhariwal 2018, arXiv:1807.03039, figure 2a.
// Its twin in normflows is GlowBlock.
type GlowBlock struct {
	chain *nf.Chain
	flows []nf.Flow
}

var (
	_ nf.Flow        = (*GlowBlock)(nil)
	_ nf.Conditional = (*GlowBlock)(nil)
)

// NewGlowBlock returns a step for grids of the given shape with hidden channels in its network. A nil opts means the defaults. It panics when a
// number is out of range, and as [Parts] does: one channel wants a checkerboard.
func NewGlowBlock(shape Shape, hidden int, opts *GlowBlockOptions, src rand.Source) *GlowBlock {
	const caller = "NewGlowBlock"
	var o GlowBlockOptions
	if opts != nil {
		o = *opts
	}
	if hidden < 1 {
		panic(fmt.Sprintf("grids: %s: got %d hidden channels, want 1 or more", caller, hidden))
	}
	scale := nf.ScaleSigmoid
	if o.Scale != nil {
		scale = *o.Scale
	}
	parts(caller, shape, o.Split)
	_, _, kept, changed := Parts(shape, o.Split)
	out := nf.Affine{Scale: scale}.Params() * changed.Channels
	net := NewConvNet2d(kept, []int{hidden, hidden, out}, []int{3, 1, 3},
		&ConvNet2dOptions{Leaky: o.Leaky, RandomLast: o.RandomLast, ActNorm: o.NetActNorm, Circular: o.Circular, Context: o.Context}, src)
	flows := []nf.Flow{NewAffineCouplingBlock(shape, net, &nf.AffineCouplingOptions{Split: o.Split, Scale: scale})}
	if shape.Channels > 1 {
		flows = append(flows, NewInvertible1x1Conv(shape, &Invertible1x1ConvOptions{Plain: o.Plain}, src))
	}
	flows = append(flows, NewActNorm(shape))
	return &GlowBlock{nf.NewChain(flows...), flows}
}

// Dim returns the number of columns of a grid.
func (b *GlowBlock) Dim() int { return b.chain.Dim() }

// ContextDim returns the number of columns of the context of the network, 0 for none.
func (b *GlowBlock) ContextDim() int { return b.chain.ContextDim() }

// Forward applies the three flows.
func (b *GlowBlock) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	return z.Tape().ScratchPair(func() (x, logDet *ad.Value) { return b.chain.Forward(z, context) })
}

// Inverse applies their inverses, last to first.
func (b *GlowBlock) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	return x.Tape().ScratchPair(func() (z, logDet *ad.Value) { return b.chain.Inverse(x, context) })
}

// State lists the flows' tensors under flows.0, flows.1 and flows.2.
func (b *GlowBlock) State() nf.State { return under("flows.", b.flows) }

// under lists the tensors of each of parts under prefix and its number.
func under[T nf.Stateful](prefix string, parts []T) nf.State {
	var s nf.State
	for i, p := range parts {
		s = append(s, p.State().Under(prefix+strconv.Itoa(i))...)
	}
	return s
}
