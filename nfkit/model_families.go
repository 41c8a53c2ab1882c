package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// NewTransformerFlow returns a model of autoregressive layers with any transformer, one of the user's own as well: a [MADE] computes its parameters
// from the components before, and a [LULinearPermute] follows each layer. It starts at the transformer's Initial: at its base, or near it. A density
// costs one evaluation of the networks, a sample dim. opts is that of [NewRealNVP], but for Layers: 0 means 3. It panics when the transformer is nil,
// dim is not positive or an option is out of range.
func NewTransformerFlow(transformer Transformer, dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	return newTransformerFlow("NewTransformerFlow", transformer, dim, opts, src)
}

// NewNAF returns a neural autoregressive flow: the [NewTransformerFlow] of [DeepSigmoid]. Its twin with a vector between layers is that of
// [DeepDenseSigmoid]. Huang et al. 2018, arXiv:1804.00779.
func NewNAF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	return newTransformerFlow("NewNAF", DeepSigmoid{}, dim, opts, src)
}

// NewUNAF returns an unconstrained neural autoregressive flow: the [NewTransformerFlow] of [UnconstrainedMonotone]. Wehenkel & Louppe 2019,
// arXiv:1908.05164.
func NewUNAF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	return newTransformerFlow("NewUNAF", UnconstrainedMonotone{}, dim, opts, src)
}

// NewSOSPF returns a sum-of-squares polynomial flow: the [NewTransformerFlow] of [SumOfSquares]. Jaini et al. 2019, arXiv:1905.02325.
func NewSOSPF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	return newTransformerFlow("NewSOSPF", SumOfSquares{}, dim, opts, src)
}

// NewBPF returns a Bernstein polynomial flow: the [NewTransformerFlow] of [BernsteinPolynomial], whose polynomials bend space in [−5, 5] alone, so
// scale the data to lie there. Ramasinghe et al. 2021, arXiv:2102.03509.
func NewBPF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	return newTransformerFlow("NewBPF", BernsteinPolynomial{}, dim, opts, src)
}

// NewGF returns a Gaussianization flow: marginal distributions by [GaussianMixtureCDF], and a linear map, at first a random rotation, after each.
// Parameters are trained as they are, without networks; a context gives those of the marginals, by an [MLP] of the given Hidden and Depth. It starts
// near its base if that is a standard normal distribution. Densities cost one evaluation, samples some ten. opts is that of [NewTransformerFlow];
// it panics for Hidden or Depth without a context too. Meng et al. 2020, arXiv:2003.01941.
func NewGF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	return newMarginalFlow("NewGF", GaussianMixtureCDF{}, dim, opts, src, func() Flow { return NewInvertibleAffine(dim, nil, src) })
}

// NewTriangularSplineFlow returns a model of marginal distributions by a [RationalQuadraticSpline] on [−5, 5], and a [LULinearPermute] after each: the
// triangular maps let components depend on each other. It has no networks, like [NewGF], whose options it takes. It starts as its base. Both
// directions are equally fast. Its twin in FlowJAX is triangular_spline_flow.
func NewTriangularSplineFlow(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	const caller = "NewTriangularSplineFlow"
	opts.orDefaults(caller, dim, 1, src)
	spline := NewRationalQuadraticSpline(dim, nil, &SplineOptions{Bound: 5})
	return newMarginalFlow(caller, spline, dim, opts, src, func() Flow { return NewLULinearPermute(dim, nil, src) })
}

// NewBNAF returns a block neural autoregressive flow: layers of [BlockAutoregressive] with Hidden units, shared out among the components, and Depth
// hidden layers, the order of the components being reversed after each. It starts near its base. A density costs one evaluation, a sample some
// ten for each component. opts is that of [NewTransformerFlow], with 1 for a Depth of 0. De Cao et al. 2019, arXiv:1904.04676.
func NewBNAF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orFamilyDefaults("NewBNAF", dim, src)
	if opts == nil || opts.Depth == 0 {
		o.Depth = 1
	}
	block := &BlockAutoregressiveOptions{Units: max(1, (o.Hidden+dim-1)/dim), Depth: o.Depth, Context: o.Context}
	var flows []Flow
	for k := range o.Layers {
		if k > 0 && dim > 1 {
			flows = append(flows, NewPermute(dim, PermuteReverse, src))
		}
		flows = append(flows, NewBlockAutoregressive(dim, block, src))
	}
	return o.model(dim, flows)
}

// NewNCSF returns a neural circular spline flow, for points all of whose components are angles on [−π, π]: autoregressive circular splines of 8 bins,
// with half a turn after each, and the uniform distribution as base unless opts has another. It starts as its base. opts is that of
// [NewTransformerFlow]. Rezende et al. 2020, arXiv:2002.02428. [NewCircularAutoregressiveRationalQuadraticSpline] makes layers for points some of
// whose components are angles.
func NewNCSF(dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	o := opts.orFamilyDefaults("NewNCSF", dim, src)
	angles := make([]int, dim)
	for j := range angles {
		angles[j] = j
	}
	if o.Base == nil {
		o.Base = NewUniform(dim, &UniformOptions{Low: -math.Pi, High: math.Pi})
	}
	var flows []Flow
	for k := range o.Layers {
		spline := &AutoregressiveSplineOptions{SplineOptions: SplineOptions{Bound: math.Pi}, Net: MADEOptions{Blocks: o.Depth, Context: o.Context}}
		if k%2 == 1 {
			spline.Net.Order = reversed(dim)
		}
		flows = append(flows, NewCircularAutoregressiveRationalQuadraticSpline(dim, o.Hidden, angles, spline, src), NewPeriodicShift(dim, angles, math.Pi, math.Pi))
	}
	return o.model(dim, flows)
}

// orFamilyDefaults is orDefaults for layers that can do more than those of the other ready-made models, so that 3 are enough.
func (o *ModelOptions) orFamilyDefaults(caller string, dim int, src rand.Source) ModelOptions {
	c := o.orDefaults(caller, dim, 1, src)
	if o == nil || o.Layers == 0 {
		c.Layers = 3
	}
	return c
}

func newTransformerFlow(caller string, transformer Transformer, dim int, opts *ModelOptions, src rand.Source) *NormalizingFlow {
	if transformer == nil {
		panic(fmt.Sprintf("nfkit: %s: got a nil transformer", caller))
	}
	o := opts.orFamilyDefaults(caller, dim, src)
	var flows []Flow
	for range o.Layers {
		net := NewMADE(dim, transformer.Params(), o.Hidden, &MADEOptions{Blocks: o.Depth, Context: o.Context}, src)
		flows = append(flows, NewAutoregressive(transformer, net, nil), NewLULinearPermute(dim, nil, src))
	}
	return o.model(dim, flows)
}

// newMarginalFlow returns a model of marginal distributions with a linear map after each.
func newMarginalFlow(caller string, transformer Transformer, dim int, opts *ModelOptions, src rand.Source, linear func() Flow) *NormalizingFlow {
	o := opts.orFamilyDefaults(caller, dim, src)
	if o.Context == 0 && opts != nil && (opts.Hidden != 0 || opts.Depth != 0) {
		panic(fmt.Sprintf("nfkit: %s: got Hidden %d and Depth %d without a context; its layers have no network then", caller, opts.Hidden, opts.Depth))
	}
	var flows []Flow
	for range o.Layers {
		var marginals Flow = NewElementwise(transformer, dim)
		if o.Context > 0 {
			marginals = NewConditionalElementwise(transformer, NewMLP(o.widths(o.Context, dim*transformer.Params()), nil, src), dim)
		}
		flows = append(flows, marginals, linear())
	}
	return o.model(dim, flows)
}

// reversed returns dim−1, …, 0.
func reversed(dim int) []int {
	order := make([]int, dim)
	for j := range order {
		order[j] = dim - 1 - j
	}
	return order
}
