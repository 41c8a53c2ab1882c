package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// AutoregressiveSplineOptions are the options of [NewAutoregressiveRationalQuadraticSpline].
type AutoregressiveSplineOptions struct {
	SplineOptions
	Net MADEOptions
}

// AutoregressiveRationalQuadraticSpline maps each component by a spline that a [MADE] computes from those before it:
//
//	z_j = spline(x_j; net(x_{<j})),  ln|det J| = Σ ln ∂z_j/∂x_j.
//
// [ad.Value.Spline] has the formula of a spline. This is Inverse, and costs one evaluation of the network; Forward
// solves for one component after the other and costs d evaluations: densities are fast and samples slow, the other way
// round than in a [MaskedAffineAutoregressive]. [NewInvert] swaps them. Durkan et al. 2019, arXiv:1906.04032. Its twins
// in normflows are AutoregressiveRationalQuadraticSpline and CircularAutoregressiveRationalQuadraticSpline.
type AutoregressiveRationalQuadraticSpline struct {
	net     *MADE
	splines splines
	columns []ad.Spline // the spline of each component
}

var (
	_ Flow        = (*AutoregressiveRationalQuadraticSpline)(nil)
	_ Conditional = (*AutoregressiveRationalQuadraticSpline)(nil)
)

// NewAutoregressiveRationalQuadraticSpline returns a flow of dim components whose network has the given number of
// hidden units in each layer. A nil opts means the defaults. It panics when a size or an option is out of range.
func NewAutoregressiveRationalQuadraticSpline(dim, hidden int, opts *AutoregressiveSplineOptions, src rand.Source) *AutoregressiveRationalQuadraticSpline {
	return newAutoregressiveSpline("NewAutoregressiveRationalQuadraticSpline", dim, hidden, nil, opts, src)
}

// NewCircularAutoregressiveRationalQuadraticSpline is [NewAutoregressiveRationalQuadraticSpline] for points some of
// whose components, those in angles, are angles on [−Bound, Bound]: their splines have the same slope at either end,
// and the network sees them through [PeriodicFeaturesElementwise]. The others have linear tails; outside of their
// interval they stay what they are, unlike in the reference, where they become 0. The reference orders the components
// at random if not told otherwise; here that is Net.Order. It panics as well when there are no angles, or
// Net.Preprocess is set.
func NewCircularAutoregressiveRationalQuadraticSpline(dim, hidden int, angles []int, opts *AutoregressiveSplineOptions, src rand.Source) *AutoregressiveRationalQuadraticSpline {
	const caller = "NewCircularAutoregressiveRationalQuadraticSpline"
	otherComponents(caller, dim, angles)
	return newAutoregressiveSpline(caller, dim, hidden, angles, opts, src)
}

func newAutoregressiveSpline(caller string, dim, hidden int, angles []int, opts *AutoregressiveSplineOptions, src rand.Source) *AutoregressiveRationalQuadraticSpline {
	var o AutoregressiveSplineOptions
	if opts != nil {
		o = *opts
	}
	f := &AutoregressiveRationalQuadraticSpline{splines: o.SplineOptions.splines(caller, dim, angles)}
	if angles != nil {
		if o.Net.Preprocess != nil {
			panic(fmt.Sprintf("nfkit: %s: got Net.Preprocess, in whose place are the features of the angles", caller))
		}
		o.Net.Preprocess = f.splines.periodicFeatures(dim, angles)
	}
	f.net = NewMADE(dim, f.splines.logits(), hidden, &o.Net, src)
	if !o.RandomInit {
		f.net.final.setConstant(splineUnit)
	}
	for j := range dim {
		f.columns = append(f.columns, f.splines.column(j))
	}
	return f
}

// column returns the spline of one component, whose bound is that of s.
func (s *splines) column(j int) ad.Spline {
	c := s.Spline
	if len(s.Tails) > 1 {
		c.Tails = s.Tails[j : j+1]
	}
	if len(s.Upper) > 1 {
		c.Upper = s.Upper[j : j+1]
	}
	return c
}

// Dim returns the number of components.
func (f *AutoregressiveRationalQuadraticSpline) Dim() int { return f.net.dim }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (f *AutoregressiveRationalQuadraticSpline) ContextDim() int { return f.net.ContextDim() }

// Forward inverts the splines, from the first component of the order to the last. Cost: d evaluations of the network.
func (f *AutoregressiveRationalQuadraticSpline) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("AutoregressiveRationalQuadraticSpline.Forward", z, f.Dim())
	return f.net.solve(z, context, f)
}

func (f *AutoregressiveRationalQuadraticSpline) solveColumn(j int, z, params *ad.Value) (x, logDet *ad.Value) {
	return z.SplineInverse(params, &f.columns[j])
}

// Inverse evaluates the splines. Cost: one evaluation of the network.
func (f *AutoregressiveRationalQuadraticSpline) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("AutoregressiveRationalQuadraticSpline.Inverse", x, f.Dim())
	return x.Spline(f.net.Apply(x, context), &f.splines.Spline)
}

// State lists the network under mprqat.autoregressive_net, and mprqat.tail_bound if each component has a bound of its
// own.
func (f *AutoregressiveRationalQuadraticSpline) State() State {
	s := append(f.splines.state(), f.net.State().Under("autoregressive_net")...)
	return s.Under("mprqat")
}
