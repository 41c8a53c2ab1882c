package nfkit

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// AutoregressiveSplineOptions are the options of [NewAutoregressiveRationalQuadraticSpline].
type AutoregressiveSplineOptions struct {
	SplineOptions
	Net MADEOptions
}

// NewAutoregressiveRationalQuadraticSpline returns the [Autoregressive] flow with a [RationalQuadraticSpline] as transformer, for dim components
// and a network with the given number of
// hidden units in each layer. Its State has the network under mprqat.autoregressive_net, and mprqat.tail_bound if each component has a bound of
// its own. A nil opts means the defaults. It panics when a size or an option is out of range.
//
// Densities are fast and samples slow, the other way round than in a [NewMaskedAffineAutoregressive]. Durkan et al. 2019, arXiv:1906.04032. Its
// twin in normflows is AutoregressiveRationalQuadraticSpline.
func NewAutoregressiveRationalQuadraticSpline(dim, hidden int, opts *AutoregressiveSplineOptions, src rand.Source) *Autoregressive {
	return newAutoregressiveSpline("NewAutoregressiveRationalQuadraticSpline", dim, hidden, nil, opts, src)
}

// NewCircularAutoregressiveRationalQuadraticSpline is [NewAutoregressiveRationalQuadraticSpline] for points some of
// whose components, those in angles, are angles on [−Bound, Bound]: their splines have the same slope at either end,
// and the network sees them through [PeriodicFeaturesElementwise]. The others have linear tails; outside of their
// interval they stay what they are, unlike in the reference, where they become 0. The reference orders the components
// at random if not told otherwise; here that is Net.Order. It panics as well when there are no angles, or
// Net.Preprocess is set.
func NewCircularAutoregressiveRationalQuadraticSpline(dim, hidden int, angles []int, opts *AutoregressiveSplineOptions, src rand.Source) *Autoregressive {
	const caller = "NewCircularAutoregressiveRationalQuadraticSpline"
	otherComponents(caller, "components on a circle", dim, angles)
	return newAutoregressiveSpline(caller, dim, hidden, angles, opts, src)
}

func newAutoregressiveSpline(caller string, dim, hidden int, angles []int, opts *AutoregressiveSplineOptions, src rand.Source) *Autoregressive {
	var o AutoregressiveSplineOptions
	if opts != nil {
		o = *opts
	}
	spline := o.SplineOptions.spline(caller, dim, angles)
	if angles != nil {
		if o.Net.Preprocess != nil {
			panic(fmt.Sprintf("nfkit: %s: got Net.Preprocess, in whose place are the features of the angles", caller))
		}
		o.Net.Preprocess = spline.periodicFeatures(dim, angles)
	}
	net := NewMADE(dim, spline.Params(), hidden, &o.Net, src)
	if !o.RandomInit {
		net.startAt(slices.Repeat(spline.Initial(), dim))
	}
	a := newAutoregressive(caller, spline, net, false)
	a.state = func(a *Autoregressive) State {
		return append(a.transformer.(*RationalQuadraticSpline).state(), a.net.State().Under("autoregressive_net")...).Under("mprqat")
	}
	return a
}
