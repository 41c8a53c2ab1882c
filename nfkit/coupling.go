package nfkit

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Split says which components of a point a coupling keeps (and conditions on), and which it transforms.
type Split uint8

const (
	SplitChannel         Split = iota // keeps the first ⌈d/2⌉ components
	SplitChannelInv                   // keeps the last ⌊d/2⌋ components
	SplitCheckerboard                 // keeps the components with odd numbers, counted from 0
	SplitCheckerboardInv              // keeps the components with even numbers
)

// parts returns the numbers of the components that are kept and of those that are transformed.
func (s Split) parts(dim int) (kept, changed []int) {
	for j := range dim {
		var keep bool
		switch s {
		case SplitChannel:
			keep = j < (dim+1)/2
		case SplitChannelInv:
			keep = j >= (dim+1)/2
		case SplitCheckerboard:
			keep = j%2 == 1
		case SplitCheckerboardInv:
			keep = j%2 == 0
		}
		if keep {
			kept = append(kept, j)
		} else {
			changed = append(changed, j)
		}
	}
	return kept, changed
}

// ScaleMap says how a coupling turns the output s of its network into a factor.
type ScaleMap uint8

const (
	ScaleExp        ScaleMap = iota // eˢ
	ScaleSigmoid                    // 1/sigmoid(s+2): bounded in the direction of the density
	ScaleSigmoidInv                 // sigmoid(s+2): bounded when sampling
	ScaleNone                       // 1, and the network returns shifts alone (NICE)
)

// AffineCouplingOptions are the options of [NewAffineCouplingBlock].
type AffineCouplingOptions struct {
	Split Split
	Scale ScaleMap
}

// AffineCouplingBlock keeps one part of a point, z₁, and transforms the other, z₂, by a scale and a shift that a
// network computes from z₁:
//
//	x₁ = z₁,  x₂ = z₂⊙e^a + t,  (t, s) = net(z₁),  ln|det J| = Σ a,
//
// with a = s for [ScaleExp], −ln sigmoid(s+2) for [ScaleSigmoid], ln sigmoid(s+2) for [ScaleSigmoidInv] and 0 for
// [ScaleNone]. The network's columns are t₀ s₀ t₁ s₁ …, or t₀ t₁ … for [ScaleNone]. Either direction costs one
// evaluation of the network. Dinh et al. 2017, arXiv:1605.08803, eq. 4 to 8; Kingma & Dhariwal 2018,
// arXiv:1807.03039. Its twin in normflows is AffineCouplingBlock.
type AffineCouplingBlock struct {
	net           Net
	opts          AffineCouplingOptions
	kept, changed []int
	even, odd     []int // columns of shift and scale
	interleave    []int // takes shifts followed by scales to pairs of them
}

var (
	_ Flow        = (*AffineCouplingBlock)(nil)
	_ Conditional = (*AffineCouplingBlock)(nil)
)

// NewAffineCouplingBlock returns a coupling whose dimension follows from the widths of net: In components are kept and
// Out/2 transformed (Out with [ScaleNone]). A nil opts means the defaults. It panics when the split does not
// divide any dimension in that way; with [SplitChannel], dimension d wants net to map ⌈d/2⌉ to 2⌊d/2⌋ columns.
func NewAffineCouplingBlock(net Net, opts *AffineCouplingOptions) *AffineCouplingBlock {
	if net == nil {
		panic("nfkit: NewAffineCouplingBlock: got a nil network")
	}
	b := &AffineCouplingBlock{net: net}
	if opts != nil {
		b.opts = *opts
	}
	if b.opts.Split > SplitCheckerboardInv || b.opts.Scale > ScaleNone {
		panic(fmt.Sprintf("nfkit: NewAffineCouplingBlock: got split %d and scale map %d, want SplitChannel to SplitCheckerboardInv and ScaleExp to ScaleNone", b.opts.Split, b.opts.Scale))
	}
	per := 2
	if b.opts.Scale == ScaleNone {
		per = 1
	}
	in, out := net.In(), net.Out()
	dim := in + out/per
	b.kept, b.changed = b.opts.Split.parts(dim)
	switch {
	case dim < 2 || out < per:
		panic(fmt.Sprintf("nfkit: NewAffineCouplingBlock: got a network from %d to %d columns, that is dimension %d; a coupling splits a point in two and needs 2 or more", in, out, dim))
	case out%per != 0 || len(b.kept) != in:
		panic(fmt.Sprintf("nfkit: NewAffineCouplingBlock: got a network from %d to %d columns; dimension %d with this split wants %d to %d", in, out, dim, len(b.kept), per*len(b.changed)))
	}
	for j := range b.changed {
		b.even, b.odd = append(b.even, 2*j), append(b.odd, 2*j+1)
		b.interleave = append(b.interleave, j, len(b.changed)+j)
	}
	return b
}

// Dim returns the number of components, kept and transformed.
func (b *AffineCouplingBlock) Dim() int { return len(b.kept) + len(b.changed) }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (b *AffineCouplingBlock) ContextDim() int { return contextDim(b.net) }

// Forward returns x₁ = z₁, x₂ = z₂⊙e^a + t.
func (b *AffineCouplingBlock) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("AffineCouplingBlock.Forward", z, b.Dim())
	return z.AffinePairs(b.pairs(z, context), b.changed)
}

// Inverse returns z₁ = x₁, z₂ = (x₂ − t)⊙e^{−a}.
func (b *AffineCouplingBlock) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("AffineCouplingBlock.Inverse", x, b.Dim())
	return x.AffinePairsInverse(b.pairs(x, context), b.changed)
}

// pairs returns t₀ a₀ t₁ a₁ … for the points v.
func (b *AffineCouplingBlock) pairs(v, context *ad.Value) *ad.Value {
	p := b.net.Apply(v.Columns(b.kept), context)
	switch b.opts.Scale {
	case ScaleExp:
		return p
	case ScaleNone:
		return p.Scatter(2*len(b.changed), b.even)
	}
	a := p.Columns(b.odd).Shift(2).LogSigmoid()
	if b.opts.Scale == ScaleSigmoid {
		a = a.Neg()
	}
	return p.Columns(b.even).Concat(a).Columns(b.interleave)
}

// State lists the network's tensors under flows.1.param_map: in the reference, a block is a split, a
// coupling and a merge.
func (b *AffineCouplingBlock) State() State { return b.net.State().Under("flows.1.param_map") }
