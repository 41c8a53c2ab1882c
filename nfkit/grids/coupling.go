package grids

import (
	"fmt"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// AffineCouplingBlock is an affine [nf.Coupling] of a grid: it keeps one part of it, see [Parts], and scales and shifts the other by what a
// network of grids computes from the part kept. Its twin in normflows is AffineCouplingBlock on images.
type AffineCouplingBlock struct {
	*nf.Coupling
	net nf.Net
}

var (
	_ nf.Flow        = (*AffineCouplingBlock)(nil)
	_ nf.Conditional = (*AffineCouplingBlock)(nil)
)

// NewAffineCouplingBlock returns the coupling of grids of the given shape. net maps the part kept to a grid of the shape of the part changed with
// twice its channels, shift and scale of each side by side, or as many with [nf.ScaleNone]. The coupling starts with the network as it
// is. A nil opts means the defaults. It panics when net is nil or has other sizes, and as [Parts] does.
func NewAffineCouplingBlock(shape Shape, net nf.Net, opts *nf.AffineCouplingOptions) *AffineCouplingBlock {
	const caller = "NewAffineCouplingBlock"
	var o nf.AffineCouplingOptions
	if opts != nil {
		o = *opts
	}
	return &AffineCouplingBlock{newCoupling(caller, shape, nf.Affine{Scale: o.Scale}, net, o.Split), net}
}

// NewCoupling returns an [nf.Coupling] of grids of the given shape, which keeps one part of them, see [Parts], and maps each component of the other by
// a transformer with parameters that net computes from the part kept: a grid of the shape of the part changed, with as many channels for each of its
// channels as there are parameters, side by side. The coupling starts with the network as it is. It panics when net is nil or has other
// sizes, and as [Parts] does.
func NewCoupling(shape Shape, transformer nf.Transformer, net nf.Net, split nf.Split) *nf.Coupling {
	return newCoupling("NewCoupling", shape, transformer, net, split)
}

func newCoupling(caller string, shape Shape, transformer nf.Transformer, net nf.Net, split nf.Split) *nf.Coupling {
	kept, changed := parts(caller, shape, split)
	if net == nil || net.In() != len(kept) || net.Out() != transformer.Params()*len(changed) {
		got := "a nil network"
		if net != nil {
			got = fmt.Sprintf("a network from %d to %d columns", net.In(), net.Out())
		}
		panic(fmt.Sprintf("grids: %s: got %s for a %v grid with this split, want %d to %d", caller, got, shape, len(kept), transformer.Params()*len(changed)))
	}
	return nf.NewCoupling(transformer, inOrder(net, kept), changed, &nf.CouplingOptions{RandomInit: true})
}

// State has the network under flows.1.param_map: in the reference, a block is a split, a coupling and a merge.
func (c *AffineCouplingBlock) State() nf.State { return c.net.State().Under("flows.1.param_map") }
