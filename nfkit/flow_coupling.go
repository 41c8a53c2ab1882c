package nfkit

import (
	"fmt"
	"slices"

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

// Parts returns the numbers of the components of a point in dim dimensions that are kept, and of those that are transformed.
func (s Split) Parts(dim int) (kept, changed []int) {
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

// Coupling keeps some components of a point, z₁, and maps the others, z₂, by a [Transformer] whose parameters a network computes from those
// kept:
//
//	x₁ = z₁,  x₂ = f(z₂; net(x₁)),  ln|det J| = ln|det ∂x₂/∂z₂|.
//
// With Kept, a flow of their own maps the components kept as well: x₁ = g(z₁). Either direction costs one evaluation of the network. Dinh et
// al. 2017, arXiv:1605.08803, eq. 4 to 8.
type Coupling struct {
	transformer   Transformer
	net           Net
	own           Flow // of the components kept; nil if they stay
	kept, changed []int
	merge         []int // column of (kept, changed) where each component is

	state func(c *Coupling) State
}

// CouplingOptions are the options of [NewCoupling].
type CouplingOptions struct {
	Kept       Flow // maps the components kept among themselves; nil leaves them as they are
	RandomInit bool // starts with the network as it is; the default is at the transformer's Initial
}

var (
	_ Flow        = (*Coupling)(nil)
	_ Conditional = (*Coupling)(nil)
)

// NewCoupling returns a coupling that transforms the components with the numbers in changed, and keeps the others, of which there are as many as
// net has inputs: [Split.Parts] has the usual ways to part them. net returns the parameters of each component in changed, side by
// side. A network of this package is set to start at the transformer's Initial. A nil opts means the defaults. It panics when an argument is nil,
// changed is empty, or names a component twice or one that does not exist, and when net has other widths.
func NewCoupling(transformer Transformer, net Net, changed []int, opts *CouplingOptions) *Coupling {
	if transformer == nil || net == nil {
		panic(fmt.Sprintf("nfkit: NewCoupling: got transformer %v and network %v, want none of them nil", transformer, net))
	}
	var o CouplingOptions
	if opts != nil {
		o = *opts
	}
	c := newCoupling("NewCoupling", transformer, net, changed)
	if o.Kept != nil && o.Kept.Dim() != len(c.kept) {
		panic(fmt.Sprintf("nfkit: NewCoupling: got a flow of %d components for the %d that are kept", o.Kept.Dim(), len(c.kept)))
	}
	c.own = o.Kept
	c.state = func(c *Coupling) State {
		s := State{fixedTensor("changed", c.changed)}
		s = append(s, c.net.State().Under("net")...)
		if c.own != nil {
			s = append(s, c.own.State().Under("kept")...)
		}
		return s
	}
	if !o.RandomInit {
		startAt(net, slices.Repeat(transformer.Initial(), len(changed)))
	}
	return c
}

// newCoupling is NewCoupling without State and start.
func newCoupling(caller string, transformer Transformer, net Net, changed []int) *Coupling {
	in, out, m := net.In(), net.Out(), transformer.Params()
	dim := in + len(changed)
	kept := otherComponents(caller, "transformed components", dim, changed)
	if out != m*len(changed) {
		panic(fmt.Sprintf("nfkit: %s: got a network from %d to %d columns for %d components of %d parameters each, want %d to %d", caller, in, out, len(changed), m, in, m*len(changed)))
	}
	return &Coupling{transformer: transformer, net: net, kept: kept, changed: slices.Clone(changed), merge: mergeOrder(kept, changed)}
}

// startAt makes a network return the given row whatever its input, if it can.
func startAt(net Net, row []float64) {
	if n, ok := net.(interface{ startAt(row []float64) }); ok {
		n.startAt(row)
	}
}

// Dim returns the number of components, kept and transformed.
func (c *Coupling) Dim() int { return len(c.merge) }

// ContextDim returns the number of columns of the context of the network, and of the flow of the components kept, 0 for none.
func (c *Coupling) ContextDim() int {
	if c.own == nil {
		return contextDim(c.net)
	}
	return commonContextDim[any]("Coupling", c.net, c.own)
}

// Forward returns x₂ = f(z₂; net(x₁)).
func (c *Coupling) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Coupling.Forward", z, c.Dim())
	kept := z.Columns(c.kept)
	if t, ok := c.transformer.(Affine); ok && c.own == nil && t.inPlace() {
		return t.forwardAt(z, c.net.Apply(kept, context), c.changed)
	}
	var own *ad.Value
	if c.own != nil {
		kept, own = c.own.Forward(kept, context)
	}
	x, logDet = c.transformer.Forward(z.Columns(c.changed), c.net.Apply(kept, context))
	return kept.Concat(x).Columns(c.merge), addLogDet(own, logDet)
}

// Inverse returns z₂ = f⁻¹(x₂; net(x₁)).
func (c *Coupling) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Coupling.Inverse", x, c.Dim())
	kept := x.Columns(c.kept)
	if t, ok := c.transformer.(Affine); ok && c.own == nil && t.inPlace() {
		return t.inverseAt(x, c.net.Apply(kept, context), c.changed)
	}
	var own *ad.Value
	z, logDet = c.transformer.Inverse(x.Columns(c.changed), c.net.Apply(kept, context))
	if c.own != nil {
		kept, own = c.own.Inverse(kept, context)
	}
	return kept.Concat(z).Columns(c.merge), addLogDet(own, logDet)
}

// State lists changed, the network under net and the flow of the components kept under kept; a coupling that has a twin in normflows has the
// names that its constructor says.
func (c *Coupling) State() State { return c.state(c) }

// AffineCouplingOptions are the options of [NewAffineCouplingBlock].
type AffineCouplingOptions struct {
	Split Split
	Scale ScaleMap
}

// NewAffineCouplingBlock returns the [Coupling] with an [Affine] transformer whose dimension follows from the widths of net: In components
// are kept and
// Out/2 transformed (Out with [ScaleNone]). The network's columns are t₀ s₀ t₁ s₁ …, or t₀ t₁ …. It starts with the network as it is. Its State
// has the network under flows.1.param_map: in the reference, a block is a split, a coupling and a merge. A nil opts means the defaults.
//
// It panics when the split does not
// divide any dimension in that way; with [SplitChannel], dimension d wants net to map ⌈d/2⌉ to 2⌊d/2⌋ columns. Dinh et al. 2017,
// arXiv:1605.08803, eq. 4 to 8; Kingma & Dhariwal 2018, arXiv:1807.03039. Its twin in normflows is AffineCouplingBlock.
func NewAffineCouplingBlock(net Net, opts *AffineCouplingOptions) *Coupling {
	const caller = "NewAffineCouplingBlock"
	if net == nil {
		panic("nfkit: NewAffineCouplingBlock: got a nil network")
	}
	var o AffineCouplingOptions
	if opts != nil {
		o = *opts
	}
	if o.Split > SplitCheckerboardInv || o.Scale > ScaleBounded {
		panic(fmt.Sprintf("nfkit: %s: got split %d and scale map %d, want SplitChannel to SplitCheckerboardInv and ScaleExp to ScaleBounded", caller, o.Split, o.Scale))
	}
	transformer := Affine{Scale: o.Scale}
	per := transformer.Params()
	in, out := net.In(), net.Out()
	dim := in + out/per
	kept, changed := o.Split.Parts(dim)
	switch {
	case dim < 2 || out < per:
		panic(fmt.Sprintf("nfkit: %s: got a network from %d to %d columns, that is dimension %d; a coupling splits a point in two and needs 2 or more", caller, in, out, dim))
	case out%per != 0 || len(kept) != in:
		panic(fmt.Sprintf("nfkit: %s: got a network from %d to %d columns; dimension %d with this split wants %d to %d", caller, in, out, dim, len(kept), per*len(changed)))
	}
	c := newCoupling(caller, transformer, net, changed)
	c.state = func(c *Coupling) State { return c.net.State().Under("flows.1.param_map") }
	return c
}
