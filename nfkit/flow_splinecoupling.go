package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// CoupledSplineOptions are the options of [NewCoupledRationalQuadraticSpline].
type CoupledSplineOptions struct {
	SplineOptions
	Net ResidualNetOptions

	// ReverseMask transforms the components with even numbers, counted from 0; the default is those with odd numbers.
	ReverseMask bool
}

// NewCoupledRationalQuadraticSpline returns the [Coupling] that keeps every other component, x₁, and maps the rest, x₂, by a
// [RationalQuadraticSpline] that a [ResidualNet], with the given number of hidden units in each layer, computes from x₁:
//
//	z₂ = spline(x₂; net(x₁)),  z₁ = spline(x₁; w),  ln|det J| = Σ ln ∂z_j/∂x_j,
//
// where the splines of x₁ have weights of their own, as in a [NewElementwiseRationalQuadraticSpline]. The network's outputs for widths and
// heights are divided by the square root of its number of hidden units. Its State lists, under prqct, which components are kept and transformed,
// the network, the splines of the components kept, and tail_bound if each component has a bound of its own.
//
// A nil opts means the defaults. It panics when dim is less than 2, or a size or an option is out
// of range. Durkan et al. 2019, arXiv:1906.04032. Its twin in normflows is CoupledRationalQuadraticSpline.
func NewCoupledRationalQuadraticSpline(dim, hidden int, opts *CoupledSplineOptions, src rand.Source) *Coupling {
	return newCoupledSpline("NewCoupledRationalQuadraticSpline", dim, hidden, nil, opts, src)
}

// NewCircularCoupledRationalQuadraticSpline is [NewCoupledRationalQuadraticSpline] for points some of whose components,
// those in angles, are angles on [−Bound, Bound]: their splines have the same slope at either end, and the network sees
// them through [PeriodicFeaturesElementwise]. The others have linear tails; outside of their interval they stay what
// they are, unlike in the reference, where they become 0. It panics as well when there are no angles, or Net.Preprocess
// is set.
func NewCircularCoupledRationalQuadraticSpline(dim, hidden int, angles []int, opts *CoupledSplineOptions, src rand.Source) *Coupling {
	const caller = "NewCircularCoupledRationalQuadraticSpline"
	otherComponents(caller, "components on a circle", dim, angles)
	return newCoupledSpline(caller, dim, hidden, angles, opts, src)
}

func newCoupledSpline(caller string, dim, hidden int, angles []int, opts *CoupledSplineOptions, src rand.Source) *Coupling {
	var o CoupledSplineOptions
	if opts != nil {
		o = *opts
	}
	if dim < 2 {
		panic(fmt.Sprintf("nfkit: %s: got dimension %d; a coupling splits a point in two and needs 2 or more", caller, dim))
	}
	all := o.SplineOptions.spline(caller, dim, angles)
	split := SplitCheckerboardInv
	if o.ReverseMask {
		split = SplitCheckerboard
	}
	kept, changed := split.Parts(dim)
	ofKept, ofChanged := all.of(kept), all.of(changed)
	if angles != nil {
		if o.Net.Preprocess != nil {
			panic(fmt.Sprintf("nfkit: %s: got Net.Preprocess, in whose place are the features of the angles", caller))
		}
		o.Net.Preprocess = ofKept.periodicFeatures(len(kept), anglesTo(kept, angles))
	}
	ofChanged.Scale = 1 / math.Sqrt(float64(hidden))
	net := NewResidualNet(len(kept), len(changed)*ofChanged.Params(), hidden, &o.Net, src)
	if !o.RandomInit {
		net.startAt(slices.Repeat(ofChanged.Initial(), len(changed)))
	}
	c := newCoupling(caller, ofChanged, net, changed)
	c.own = newElementwiseSpline(len(kept), ofKept)
	c.state = func(c *Coupling) State {
		s := State{fixedTensor("identity_features", c.kept), fixedTensor("transform_features", c.changed)}
		s = append(s, c.transformer.(*RationalQuadraticSpline).state()...)
		s = append(s, c.net.State().Under("transform_net")...)
		s = append(s, c.own.State().Under("unconditional_transform")...)
		return s.Under("prqct")
	}
	return c
}
