package nfkit

import (
	"fmt"
	"math"
	"sync"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ScaleMap says how [Affine] turns a parameter s into the factor e^a of a component.
type ScaleMap uint8

const (
	ScaleExp        ScaleMap = iota // a = s
	ScaleSigmoid                    // a = −ln sigmoid(s+2): bounded in the direction of the density
	ScaleSigmoidInv                 // a = ln sigmoid(s+2): bounded when sampling
	ScaleNone                       // a = 0, and there is no s: shifts alone
	ScaleContract                   // a = ln(sigmoid(s+2) + 10⁻³), as in the autoregressive flow of the reference: below 1.001
	ScaleSoftplus                   // a = ln(softplus(s + ln(e^{0.999} − 1)) + 10⁻³): from 10⁻³ on, and 1 for s = 0
	ScaleBounded                    // a = s/(1 + |s|/ln 1000): from 10⁻³ to 10³, so that densities are finite far from all data
)

// affineMaxLogScale bounds a with ScaleBounded, as zuko does. A layer that needs more is one of several.
const affineMaxLogScale = 3 * math.Ln10

// affineMinScale keeps the scales that are no exponentials away from 0, as the reference does.
const affineMinScale = 1e-3

// Affine is the transformer that scales and shifts each component,
//
//	x = z·e^a + t,  ln|∂x/∂z| = a,
//
// with the parameters t and s, side by side, or t alone for [ScaleNone] (additive: NICE). The zero value is usable. Dinh et al. 2017,
// arXiv:1605.08803, eq. 7.
type Affine struct {
	Scale ScaleMap

	scaleFirst bool // the parameters are s and t, as in the autoregressive flow of the reference
}

var _ Transformer = Affine{}

// Params returns 2, or 1 without a scale.
func (f Affine) Params() int {
	if f.Scale == ScaleNone {
		return 1
	}
	return 2
}

// Initial returns zeros: the identity but for the sigmoids, which start at a factor of 1.135, 0.881 and 0.882.
func (f Affine) Initial() []float64 { return make([]float64, f.Params()) }

// Of returns f.
func (f Affine) Of([]int) Transformer { return f }

// Forward returns x = z·e^a + t.
func (f Affine) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	if !f.inPlace() {
		scale, t := f.scaleShift(z, params)
		return z.Mul(scale).Add(t), scale.Log().RowSum()
	}
	return f.forwardAt(z, params, nil)
}

// Inverse returns z = (x − t)·e^{−a}.
func (f Affine) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	if !f.inPlace() {
		scale, t := f.scaleShift(x, params)
		return x.Sub(t).Div(scale), scale.Log().RowSum().Neg()
	}
	return f.inverseAt(x, params, nil)
}

// forwardAt is Forward for the components of z with the given numbers, all for nil; it keeps the others.
func (f Affine) forwardAt(z, params *ad.Value, components []int) (x, logDet *ad.Value) {
	return z.AffinePairs(f.pairs(z, params), components)
}

func (f Affine) inverseAt(x, params *ad.Value, components []int) (z, logDet *ad.Value) {
	return x.AffinePairsInverse(f.pairs(x, params), components)
}

// inPlace reports whether forwardAt and inverseAt work.
func (f Affine) inPlace() bool { return f.Scale != ScaleContract && f.Scale != ScaleSoftplus }

// pairs returns t₀ a₀ t₁ a₁ … for the rows of v.
func (f Affine) pairs(v, params *ad.Value) *ad.Value {
	if params.Rows() != v.Rows() {
		params = params.Repeat(v.Rows())
	}
	switch f.Scale {
	case ScaleExp:
		return params
	case ScaleBounded:
		return params.SoftClipOdd(affineMaxLogScale)
	case ScaleNone:
		even, _, _ := pairColumns(params.Cols())
		return params.Scatter(2*params.Cols(), even)
	}
	if f.Scale > ScaleBounded {
		panic(fmt.Sprintf("nfkit: Affine: got scale map %d, want ScaleExp to ScaleBounded", f.Scale))
	}
	even, odd, interleave := pairColumns(params.Cols() / 2)
	a := params.Columns(odd).Shift(2).LogSigmoid()
	if f.Scale == ScaleSigmoid {
		a = a.Neg()
	}
	return params.Columns(even).Concat(a).Columns(interleave)
}

// scaleShift returns e^a, for the scales that are no exponentials, and t.
func (f Affine) scaleShift(v, params *ad.Value) (scale, t *ad.Value) {
	first, second, _ := pairColumns(params.Cols() / 2)
	s, t := params.Columns(second), params.Columns(first)
	if f.scaleFirst {
		s, t = t, s
	}
	if f.Scale == ScaleSoftplus {
		return s.Shift(softplusInverse(1 - affineMinScale)).Softplus().Shift(affineMinScale), t
	}
	return s.Shift(2).Sigmoid().Shift(affineMinScale), t
}

// pairOrder are the columns of the numbers of k pairs: the first and the second number of each, and the order that takes the first ones
// followed by the second ones to pairs.
type pairOrder struct{ first, second, interleave []int }

// pairOrders keeps them by k, so that a step does not make them anew.
var pairOrders sync.Map

func pairColumns(k int) (first, second, interleave []int) {
	o, ok := pairOrders.Load(k)
	if !ok {
		p := &pairOrder{}
		for j := range k {
			p.first, p.second = append(p.first, 2*j), append(p.second, 2*j+1)
			p.interleave = append(p.interleave, j, k+j)
		}
		o, _ = pairOrders.LoadOrStore(k, p)
	}
	p := o.(*pairOrder)
	return p.first, p.second, p.interleave
}
