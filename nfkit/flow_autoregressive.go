package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// AutoregressiveOptions are the options of [NewAutoregressive].
type AutoregressiveOptions struct {
	// Latent computes the parameters of a component from the latent components before it, so that samples are fast and densities slow: the
	// inverse autoregressive flow (IAF) of Kingma et al. 2016, arXiv:1606.04934.
	Latent bool

	RandomInit bool // starts with the network as it is; the default is at the transformer's Initial
}

// Autoregressive maps each component by a [Transformer] whose parameters a [MADE] computes from those before it:
//
//	z_j = f⁻¹(x_j; net(x_{<j})),  ln|det J| = Σ ln|∂z_j/∂x_j|.
//
// This is Inverse, and costs one evaluation of the network; Forward solves for one component after the other and costs d evaluations: densities
// are fast and samples slow, as in the masked autoregressive flow (MAF) of Papamakarios et al. 2017, arXiv:1705.07057. With Latent, it is
// x_j = f(z_j; net(z_{<j})), and Forward is the fast direction. [NewInvert] swaps Forward and Inverse.
type Autoregressive struct {
	transformer Transformer
	columns     []Transformer // that of each component
	net         *MADE
	latent      bool

	state func(a *Autoregressive) State
}

var (
	_ Flow        = (*Autoregressive)(nil)
	_ Conditional = (*Autoregressive)(nil)
)

// NewAutoregressive returns a flow of as many components as net has, which returns the parameters of each. It starts at the transformer's Initial
// unless RandomInit. A nil opts means the defaults. It panics when an argument is nil or net has another number of outputs.
func NewAutoregressive(transformer Transformer, net *MADE, opts *AutoregressiveOptions) *Autoregressive {
	if transformer == nil || net == nil {
		panic(fmt.Sprintf("nfkit: NewAutoregressive: got transformer %v and network %v, want none of them nil", transformer, net))
	}
	var o AutoregressiveOptions
	if opts != nil {
		o = *opts
	}
	a := newAutoregressive("NewAutoregressive", transformer, net, o.Latent)
	a.state = func(a *Autoregressive) State { return a.net.State().Under("net") }
	if !o.RandomInit {
		net.startAt(slices.Repeat(transformer.Initial(), net.dim))
	}
	return a
}

// newAutoregressive is NewAutoregressive without State and start.
func newAutoregressive(caller string, transformer Transformer, net *MADE, latent bool) *Autoregressive {
	if m := transformer.Params(); net.outputs != m {
		panic(fmt.Sprintf("nfkit: %s: got a network with %d outputs for each component, want %d", caller, net.outputs, m))
	}
	a := &Autoregressive{transformer: transformer, net: net, latent: latent}
	for j := range net.dim {
		a.columns = append(a.columns, transformer.Of([]int{j}))
	}
	return a
}

// Dim returns the number of components.
func (a *Autoregressive) Dim() int { return a.net.dim }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (a *Autoregressive) ContextDim() int { return a.net.ContextDim() }

// Forward solves for the components in the order of the network. Cost: d evaluations of the network, one with Latent.
func (a *Autoregressive) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Autoregressive.Forward", z, a.Dim())
	if a.latent {
		return a.transformer.Forward(z, a.net.Apply(z, context))
	}
	return a.net.solve(z, context, func(j int, z, params *ad.Value) (x, logDet *ad.Value) { return a.columns[j].Forward(z, params) })
}

// Inverse computes all components at once. Cost: one evaluation of the network, d with Latent.
func (a *Autoregressive) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Autoregressive.Inverse", x, a.Dim())
	if a.latent {
		return a.net.solve(x, context, func(j int, x, params *ad.Value) (z, logDet *ad.Value) { return a.columns[j].Inverse(x, params) })
	}
	return a.transformer.Inverse(x, a.net.Apply(x, context))
}

// State lists the network under net; a flow that has a twin in normflows has the names that its constructor says.
func (a *Autoregressive) State() State { return a.state(a) }

// MaskedAffineAutoregressiveOptions are the options of [NewMaskedAffineAutoregressive].
type MaskedAffineAutoregressiveOptions struct {
	// Softplus takes the scale from (10⁻³, ∞), and 1 where the network returns 0. The scale of the default, that of the
	// reference, is below 1.001: it can contract but not expand.
	Softplus bool
}

// NewMaskedAffineAutoregressive returns the [Autoregressive] flow, with Latent, that scales and shifts each component by what a [MADE] computes
// from those before it:
//
//	x_j = s_j·z_j + t_j,  (a_j, t_j) = net(z_{<j}),  ln|det J| = Σ ln s_j,
//
// with s_j = sigmoid(a_j + 2) + 10⁻³, or softplus(a_j + ln(e^{0.999} − 1)) + 10⁻³ with Softplus: the [Affine] transformer with
// [ScaleContract] or [ScaleSoftplus], its parameters swapped. It starts with the network as it is.
//
// Samples are fast and densities slow.
// [NewInvert] makes it the masked autoregressive flow, whose
// densities are fast: the one to train on data. Its State has the network under autoregressive_net. net must return 2 outputs for each component.
// A nil opts means the defaults. It panics for another network. Its twin in normflows is MaskedAffineAutoregressive.
func NewMaskedAffineAutoregressive(net *MADE, opts *MaskedAffineAutoregressiveOptions) *Autoregressive {
	if net == nil {
		panic("nfkit: NewMaskedAffineAutoregressive: got a nil network")
	}
	affine := Affine{Scale: ScaleContract, scaleFirst: true}
	if opts != nil && opts.Softplus {
		affine.Scale = ScaleSoftplus
	}
	a := newAutoregressive("NewMaskedAffineAutoregressive", affine, net, true)
	a.state = func(a *Autoregressive) State { return a.net.State().Under("autoregressive_net") }
	return a
}
