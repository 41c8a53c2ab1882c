package nfkit

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// ModelOptions are the options of the ready-made models.
type ModelOptions struct {
	Layers  int  // 0 means 8, −1 none
	Hidden  int  // units in each hidden layer of a network; 0 means 64
	Depth   int  // hidden layers of a network, or residual blocks of one that has those; 0 means 2, −1 none: networks are linear
	Context int  // columns of a context, see [NormalizingFlow.Given]; 0 means none
	Base    Base // nil means the standard normal distribution, not trained

	// Standardize is data by whose columns the model is scaled: it ends in their [NewStandardization], which its parameters and its state
	// include. nil means none. A matrix without rows makes the same model without data, to load a saved one into.
	Standardize mat.Matrix

	scaling *AffineConstFlow // what Standardize makes
}

// NSFOptions are the options of [NewNSF].
type NSFOptions struct {
	ModelOptions

	Coupling bool    // layers are couplings, for which densities and samples are equally fast; the default is autoregressive ones
	Bins     int     // of each spline; 0 means 8
	Bound    float64 // splines run on [−Bound, Bound]; 0 means 5
}

// NewRealNVP returns a model of affine couplings, each of which scales and shifts half of the components by what an
// [MLP] computes from the other half. It starts as its base, but for permutations. Densities and samples are equally fast. Dinh et al. 2017,
// arXiv:1605.08803.
//
// Scales are [ScaleBounded], so that densities are finite far from all data, and networks see x/(1 + |x|/20) in place of x, so that with heavy tails
// an outlier costs about what it costs the base. That costs nothing where the data are: on targets.Moons, held-out losses are the same or lower than
// without, by TestBoundsCostNothing.
//
// A nil opts means the defaults, here and below; all these constructors panic when dim or an option is out of range.
// This one wants dim to be at least 2.
func NewRealNVP(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orDefaults("NewRealNVP", dim, 2, src)
	return o.model(dim, o.couplings(dim, ScaleBounded, src))
}

// NewNICE returns a model of additive couplings, which keep volumes, and a last layer that scales each component. It is
// a [NewRealNVP] that is simpler and can do less. dim is at least 2. Dinh et al. 2015, arXiv:1410.8516.
func NewNICE(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orDefaults("NewNICE", dim, 2, src)
	return o.model(dim, append(o.couplings(dim, ScaleNone, src), NewAffineConstFlow(dim, &AffineConstOptions{NoShift: true})))
}

// NewMAF returns a masked autoregressive flow: each component is scaled and shifted by what a [MADE] computes from
// those before it, in another order in each layer. It starts as its base, but for permutations; scales and the input of networks are bounded as in
// [NewRealNVP]. A density costs one evaluation of the networks, a sample dim: it is for learning from data. Papamakarios et al. 2017,
// arXiv:1705.07057.
func NewMAF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orDefaults("NewMAF", dim, 1, src)
	return o.model(dim, o.autoregressive(dim, false, src))
}

// NewIAF returns an inverse autoregressive flow, the [NewMAF] with directions swapped: a sample costs one evaluation of
// the networks, the density of a point that it did not draw dim: it is for learning a density, see
// [NormalizingFlow.ReverseKL]. Kingma et al. 2016, arXiv:1606.04934.
func NewIAF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orDefaults("NewIAF", dim, 1, src)
	return o.model(dim, o.autoregressive(dim, true, src))
}

// NewNSF returns a neural spline flow: each component is mapped by a rational-quadratic spline whose knots a network
// computes from other components, with a linear map after each layer. It starts as its base. With autoregressive
// layers, a density costs one evaluation of the networks, a sample dim; dim is at least 2 with Coupling. Splines bend
// space in [−Bound, Bound] alone, so scale the data to lie there. Durkan et al. 2019, arXiv:1906.04032.
func NewNSF(dim int, opts *NSFOptions, src rand.Source) *NormalizingFlow {
	n := NSFOptions{}
	if opts != nil {
		n = *opts
	}
	least := 1
	if n.Coupling {
		least = 2
	}
	o := n.ModelOptions.orDefaults("NewNSF", dim, least, src)
	spline := SplineOptions{Bins: n.Bins, Bound: n.Bound}
	if spline.Bound == 0 {
		spline.Bound = 5
	}
	var flows []Flow
	for k := range o.Layers {
		if n.Coupling {
			net := ResidualNetOptions{Blocks: o.Depth, Context: o.Context}
			flows = append(flows, NewCoupledRationalQuadraticSpline(dim, o.Hidden, &CoupledSplineOptions{SplineOptions: spline, Net: net, ReverseMask: k%2 == 1}, src))
		} else {
			net := MADEOptions{Blocks: o.Depth, Context: o.Context}
			flows = append(flows, NewAutoregressiveRationalQuadraticSpline(dim, o.Hidden, &AutoregressiveSplineOptions{SplineOptions: spline, Net: net}, src))
		}
		flows = append(flows, NewLULinearPermute(dim, nil, src))
	}
	return o.model(dim, flows)
}

// NewPlanarFlow returns a model of planar layers, whose samples are fast: it is for learning a density, see
// [NormalizingFlow.ReverseKL]. Its layers have no network; a context moves and scales the base, by an [MLP] of the
// given Hidden and Depth. Rezende & Mohamed 2015, arXiv:1505.05770.
func NewPlanarFlow(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orDefaults("NewPlanarFlow", dim, 1, src)
	switch {
	case o.Context == 0 && opts != nil && (opts.Hidden != 0 || opts.Depth != 0):
		panic(fmt.Sprintf("nfkit: NewPlanarFlow: got Hidden %d and Depth %d without a context; planar layers have no network", opts.Hidden, opts.Depth))
	case o.Context > 0 && o.Base != nil:
		panic(fmt.Sprintf("nfkit: NewPlanarFlow: got a base and a context of %d columns, which planar layers do not take; give one of the two", o.Context))
	case o.Context > 0:
		o.Base = NewConditionalDiagGaussian(NewMLP(o.widths(o.Context, 2*dim), &MLPOptions{InitZeros: true}, src))
	}
	var flows []Flow
	for range o.Layers {
		flows = append(flows, NewPlanar(dim, nil, src))
	}
	return o.model(dim, flows)
}

// NewResidualFlow returns a model of residual layers z = x + g(x), with a contraction g, and an [ActNorm] after each.
// Densities are explicit, samples are found by iteration. See [Residual] for what its training loss is above 8
// dimensions. Chen et al. 2019, arXiv:1906.02735.
func NewResidualFlow(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orDefaults("NewResidualFlow", dim, 1, src)
	var flows []Flow
	for range o.Layers {
		net := NewLipschitzMLP(o.widths(dim, dim), &LipschitzMLPOptions{Context: o.Context}, src)
		flows = append(flows, NewResidual(net, nil), NewActNorm(dim))
	}
	return o.model(dim, flows)
}

// orDefaults returns the options with defaults filled in. It panics when dim or an option is out of range.
func (o *ModelOptions) orDefaults(caller string, dim, least int, src rand.Source) ModelOptions {
	var c ModelOptions
	if o != nil {
		c = *o
	}
	switch {
	case dim < least && least == 2 && dim == 1:
		panic(fmt.Sprintf("nfkit: %s: got dimension 1; a coupling splits a point in two and needs 2 or more", caller))
	case dim < least:
		panic(fmt.Sprintf("nfkit: %s: got dimension %d, want %d or more", caller, dim, least))
	case min(c.Layers, c.Depth) < -1 || min(c.Hidden, c.Context) < 0:
		panic(fmt.Sprintf("nfkit: %s: got %d layers, %d hidden units, depth %d and a context of %d columns, want none negative but −1 for no layers or no depth", caller, c.Layers, c.Hidden, c.Depth, c.Context))
	}
	checkSource(caller, src)
	if c.Standardize != nil {
		c.scaling = newStandardization(caller, dim, c.Standardize)
	}
	c.Layers, c.Hidden, c.Depth = orDefault(c.Layers, 8), orDefault(c.Hidden, 64), orDefault(c.Depth, 2)
	return c
}

// model returns the model of the given flows.
func (o *ModelOptions) model(dim int, flows []Flow) *NormalizingFlow {
	base := o.Base
	if base == nil {
		base = NewDiagGaussian(dim, &DiagGaussianOptions{Fixed: true})
	}
	if o.scaling != nil {
		flows = append(flows, o.scaling)
	}
	return NewNormalizingFlow(base, flows)
}

// widths returns the layers of an MLP.
func (o *ModelOptions) widths(in, out int) []int {
	w := []int{in}
	for range o.Depth {
		w = append(w, o.Hidden)
	}
	return append(w, out)
}

// couplings returns affine couplings that transform the two halves in turn, with a random permutation after each pair
// if there are more than two components.
func (o *ModelOptions) couplings(dim int, scale ScaleMap, src rand.Source) []Flow {
	var flows []Flow
	for k := range o.Layers {
		split, kept := SplitChannel, (dim+1)/2
		if k%2 == 1 {
			split, kept = SplitChannelInv, dim/2
		}
		out := dim - kept
		if scale != ScaleNone {
			out *= 2
		}
		if k > 0 && k%2 == 0 && dim > 2 {
			flows = append(flows, NewPermute(dim, PermuteShuffle, src))
		}
		net := NewMLP(o.widths(kept, out), &MLPOptions{Context: o.Context, InitZeros: true}, src)
		flows = append(flows, NewAffineCouplingBlock(clippedMLP{net}, &AffineCouplingOptions{Split: split, Scale: scale}))
	}
	return flows
}

// autoregressive returns affine autoregressive flows, whose parameters come from latent components or from the data's, with permutations between
// them: a swap of two components, a random one of more.
func (o *ModelOptions) autoregressive(dim int, latent bool, src rand.Source) []Flow {
	mode := PermuteShuffle
	if dim == 2 {
		mode = PermuteSwap
	}
	var flows []Flow
	for k := range o.Layers {
		if k > 0 && dim > 1 {
			flows = append(flows, NewPermute(dim, mode, src))
		}
		net := NewMADE(dim, 2, o.Hidden, &MADEOptions{Blocks: o.Depth, Context: o.Context, Preprocess: clippedInput{dim}}, src)
		flows = append(flows, NewAutoregressive(Affine{Scale: ScaleBounded}, net, &AutoregressiveOptions{Latent: latent}))
	}
	return flows
}
