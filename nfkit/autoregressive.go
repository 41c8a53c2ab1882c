package nfkit

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// autoregressiveMinScale keeps the scale of a [MaskedAffineAutoregressive] away from 0, as the reference does.
const autoregressiveMinScale = 1e-3

// MaskedAffineAutoregressiveOptions are the options of [NewMaskedAffineAutoregressive].
type MaskedAffineAutoregressiveOptions struct {
	// Softplus takes the scale from (10⁻³, ∞), and 1 where the network returns 0. The scale of the default, that of the
	// reference, is below 1.001: it can contract but not expand.
	Softplus bool
}

// MaskedAffineAutoregressive scales and shifts each component by what a [MADE] computes from those before it:
//
//	x_j = s_j·z_j + t_j,  (a_j, t_j) = net(z_{<j}),  ln|det J| = Σ ln s_j,
//
// with s_j = sigmoid(a_j + 2) + 10⁻³, or softplus(a_j + ln(e^{0.999} − 1)) + 10⁻³ with Softplus.
//
// Forward costs one evaluation of the network, Inverse d of them, one after the other: samples are fast and
// densities slow, which is the inverse autoregressive flow (IAF) of Kingma et al. 2016, arXiv:1606.04934.
// [NewInvert] makes it the masked autoregressive flow (MAF) of Papamakarios et al. 2017, arXiv:1705.07057, whose
// densities are fast: the one to train on data. Its twin in normflows is MaskedAffineAutoregressive.
type MaskedAffineAutoregressive struct {
	net           *MADE
	opts          MaskedAffineAutoregressiveOptions
	scales, shift []int // columns of a and t
}

var (
	_ Flow        = (*MaskedAffineAutoregressive)(nil)
	_ Conditional = (*MaskedAffineAutoregressive)(nil)
)

// NewMaskedAffineAutoregressive returns a flow of as many components as net has, which must return 2 outputs for each.
// A nil opts means the defaults. It panics for another network.
func NewMaskedAffineAutoregressive(net *MADE, opts *MaskedAffineAutoregressiveOptions) *MaskedAffineAutoregressive {
	if net == nil {
		panic("nfkit: NewMaskedAffineAutoregressive: got a nil network")
	}
	if net.outputs != 2 {
		panic(fmt.Sprintf("nfkit: NewMaskedAffineAutoregressive: got a network with %d outputs for each component, want 2", net.outputs))
	}
	f := &MaskedAffineAutoregressive{net: net}
	if opts != nil {
		f.opts = *opts
	}
	for j := range net.dim {
		f.scales, f.shift = append(f.scales, 2*j), append(f.shift, 2*j+1)
	}
	return f
}

// Dim returns the number of components.
func (f *MaskedAffineAutoregressive) Dim() int { return f.net.dim }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (f *MaskedAffineAutoregressive) ContextDim() int { return f.net.ContextDim() }

// Forward returns x_j = s_j·z_j + t_j. Cost: one evaluation of the network.
func (f *MaskedAffineAutoregressive) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("MaskedAffineAutoregressive.Forward", z, f.Dim())
	params := f.net.Apply(z, context)
	scale := f.scale(params.Columns(f.scales))
	return z.Mul(scale).Add(params.Columns(f.shift)), scale.Log().RowSum()
}

// Inverse returns z_j = (x_j − t_j)/s_j, from the first component of the order to the last.
// Cost: d evaluations of the network.
func (f *MaskedAffineAutoregressive) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("MaskedAffineAutoregressive.Inverse", x, f.Dim())
	return f.net.solve(x, context, f)
}

func (f *MaskedAffineAutoregressive) solveColumn(_ int, x, params *ad.Value) (z, logDet *ad.Value) {
	scale := f.scale(params.Slice(0, 1))
	return x.Sub(params.Slice(1, 2)).Div(scale), scale.Log().Neg()
}

// scale returns s, which is positive, from a.
func (f *MaskedAffineAutoregressive) scale(a *ad.Value) *ad.Value {
	if f.opts.Softplus {
		return a.Shift(softplusInverse(1 - autoregressiveMinScale)).Softplus().Shift(autoregressiveMinScale)
	}
	return a.Shift(2).Sigmoid().Shift(autoregressiveMinScale)
}

// State lists the network's tensors under autoregressive_net.
func (f *MaskedAffineAutoregressive) State() State { return f.net.State().Under("autoregressive_net") }
