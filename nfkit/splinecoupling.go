package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// CoupledSplineOptions are the options of [NewCoupledRationalQuadraticSpline].
type CoupledSplineOptions struct {
	SplineOptions
	Net ResidualNetOptions

	// ReverseMask transforms the components with even numbers, counted from 0; the default is those with odd numbers.
	ReverseMask bool
}

// CoupledRationalQuadraticSpline splits a point into every other component, x₁, and the rest, x₂, which it maps by
// splines that a [ResidualNet] computes from x₁:
//
//	z₂ = spline(x₂; net(x₁)),  z₁ = spline(x₁; w),  ln|det J| = Σ ln ∂z_j/∂x_j,
//
// where the splines of x₁ have weights of their own, as in an [ElementwiseRationalQuadraticSpline]. [ad.Value.Spline]
// has the formula of a spline; the network's outputs for widths and heights are divided by the square root of its
// number of hidden units. This is Inverse; Forward inverts it in closed form. Either costs one evaluation of the
// network. Durkan et al. 2019, arXiv:1906.04032. Its twins in normflows are CoupledRationalQuadraticSpline and
// CircularCoupledRationalQuadraticSpline.
type CoupledRationalQuadraticSpline struct {
	net           *ResidualNet
	splines       splines // of the changed components
	elementwise   *ElementwiseRationalQuadraticSpline
	kept, changed []int
	merge         []int // column of (kept, changed) where each component is
}

var (
	_ Flow        = (*CoupledRationalQuadraticSpline)(nil)
	_ Conditional = (*CoupledRationalQuadraticSpline)(nil)
)

// NewCoupledRationalQuadraticSpline returns a coupling of dim components whose network has the given number of hidden
// units in each layer. A nil opts means the defaults. It panics when dim is less than 2, or a size or an option is out
// of range.
func NewCoupledRationalQuadraticSpline(dim, hidden int, opts *CoupledSplineOptions, src rand.Source) *CoupledRationalQuadraticSpline {
	return newCoupledSpline("NewCoupledRationalQuadraticSpline", dim, hidden, nil, opts, src)
}

// NewCircularCoupledRationalQuadraticSpline is [NewCoupledRationalQuadraticSpline] for points some of whose components,
// those in angles, are angles on [−Bound, Bound]: their splines have the same slope at either end, and the network sees
// them through [PeriodicFeaturesElementwise]. The others have linear tails; outside of their interval they stay what
// they are, unlike in the reference, where they become 0. It panics as well when there are no angles, or Net.Preprocess
// is set.
func NewCircularCoupledRationalQuadraticSpline(dim, hidden int, angles []int, opts *CoupledSplineOptions, src rand.Source) *CoupledRationalQuadraticSpline {
	const caller = "NewCircularCoupledRationalQuadraticSpline"
	otherComponents(caller, dim, angles)
	return newCoupledSpline(caller, dim, hidden, angles, opts, src)
}

func newCoupledSpline(caller string, dim, hidden int, angles []int, opts *CoupledSplineOptions, src rand.Source) *CoupledRationalQuadraticSpline {
	var o CoupledSplineOptions
	if opts != nil {
		o = *opts
	}
	if dim < 2 {
		panic(fmt.Sprintf("nfkit: %s: got dimension %d; a coupling splits a point in two and needs 2 or more", caller, dim))
	}
	all := o.SplineOptions.splines(caller, dim, angles)
	split := SplitCheckerboardInv
	if o.ReverseMask {
		split = SplitCheckerboard
	}
	c := &CoupledRationalQuadraticSpline{}
	c.kept, c.changed = split.parts(dim)
	c.merge = mergeOrder(c.kept, c.changed)
	if angles != nil {
		if o.Net.Preprocess != nil {
			panic(fmt.Sprintf("nfkit: %s: got Net.Preprocess, in whose place are the features of the angles", caller))
		}
		kept := all.of(c.kept)
		o.Net.Preprocess = kept.periodicFeatures(len(c.kept), anglesTo(c.kept, angles))
	}
	c.elementwise = newElementwiseSpline(len(c.kept), all.of(c.kept))
	c.splines = all.of(c.changed)
	c.splines.Scale = 1 / math.Sqrt(float64(hidden))
	c.net = NewResidualNet(len(c.kept), len(c.changed)*c.splines.logits(), hidden, &o.Net, src)
	if !o.RandomInit {
		c.net.final.setConstant(splineUnit)
	}
	return c
}

// Dim returns the number of components.
func (c *CoupledRationalQuadraticSpline) Dim() int { return len(c.merge) }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (c *CoupledRationalQuadraticSpline) ContextDim() int { return c.net.ContextDim() }

// Forward inverts the splines.
func (c *CoupledRationalQuadraticSpline) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("CoupledRationalQuadraticSpline.Forward", z, c.Dim())
	x1, l1 := c.elementwise.Forward(z.Columns(c.kept), nil)
	x2, l2 := z.Columns(c.changed).SplineInverse(c.net.Apply(x1, context), &c.splines.Spline)
	return x1.Concat(x2).Columns(c.merge), l1.Add(l2)
}

// Inverse evaluates the splines.
func (c *CoupledRationalQuadraticSpline) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("CoupledRationalQuadraticSpline.Inverse", x, c.Dim())
	x1 := x.Columns(c.kept)
	z1, l1 := c.elementwise.Inverse(x1, nil)
	z2, l2 := x.Columns(c.changed).Spline(c.net.Apply(x1, context), &c.splines.Spline)
	return z1.Concat(z2).Columns(c.merge), l1.Add(l2)
}

// State lists, under prqct, which components are kept and transformed, the network, the splines of the kept
// components, and tail_bound if each component has a bound of its own.
func (c *CoupledRationalQuadraticSpline) State() State {
	s := State{fixedTensor("identity_features", c.kept), fixedTensor("transform_features", c.changed)}
	s = append(s, c.splines.state()...)
	s = append(s, c.net.State().Under("transform_net")...)
	s = append(s, c.elementwise.State().Under("unconditional_transform")...)
	return s.Under("prqct")
}

// setConstant makes the map return c in every column.
func (l linear) setConstant(c float64) {
	clear(l.weight.Data)
	for i := range l.bias.Data {
		l.bias.Data[i] = c
	}
}
