package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Elementwise maps each component by a [Transformer] with parameters of its own, which no other component influences: the marginal
// distributions of a model. Cost as that of the transformer.
type Elementwise struct {
	transformer Transformer
	dim         int
	params      []*ad.Param // side by side, they have a row of parameters for each component
	names       []string    // of params
}

var _ Flow = (*Elementwise)(nil)

// NewElementwise returns the flow of dim components that starts at the transformer's Initial. Its State has the parameters as params, a row
// for each component. It panics when the transformer is nil or dim is not positive.
func NewElementwise(transformer Transformer, dim int) *Elementwise {
	if transformer == nil || dim < 1 {
		panic(fmt.Sprintf("nfkit: NewElementwise: got transformer %v and dimension %d, want one that is not nil, and 1 or more", transformer, dim))
	}
	var data []float64
	for range dim {
		data = append(data, transformer.Initial()...)
	}
	return &Elementwise{transformer: transformer, dim: dim, params: []*ad.Param{ad.NewParam(dim, transformer.Params(), data)}, names: []string{"params"}}
}

// NewElementwiseRationalQuadraticSpline returns the [Elementwise] flow with a [RationalQuadraticSpline] as transformer. Its State has the logits
// as unnormalized_widths, unnormalized_heights and unnormalized_derivatives, and tail_bound if each component has a bound of its own. A nil opts
// means the defaults; src is used
// for RandomInit alone, which draws all logits from [0, 1), and may be nil otherwise. It panics when dim or an option
// is out of range. Its twin in normflows is PiecewiseRationalQuadraticCDF, with directions swapped.
func NewElementwiseRationalQuadraticSpline(dim int, opts *SplineOptions, src rand.Source) *Elementwise {
	const caller = "NewElementwiseRationalQuadraticSpline"
	var o SplineOptions
	if opts != nil {
		o = *opts
	}
	e := newElementwiseSpline(dim, o.spline(caller, dim, nil))
	if o.RandomInit {
		checkSource(caller, src)
		r := rand.New(src)
		for _, p := range e.params {
			for i := range p.Data {
				p.Data[i] = r.Float64()
			}
		}
	}
	return e
}

// newElementwiseSpline returns splines that are the identity.
func newElementwiseSpline(dim int, s *RationalQuadraticSpline) *Elementwise {
	zeros := func(n int) *ad.Param { return ad.NewParam(dim, n, make([]float64, dim*n)) }
	e := &Elementwise{transformer: s, dim: dim, params: []*ad.Param{zeros(s.Bins), zeros(s.Bins), zeros(s.slopes)},
		names: []string{"unnormalized_widths", "unnormalized_heights", "unnormalized_derivatives"}}
	for i := range e.params[2].Data {
		e.params[2].Data[i] = splineUnit
	}
	return e
}

// Dim returns the number of components.
func (e *Elementwise) Dim() int { return e.dim }

// row returns the parameters of all components, 1×d·m.
func (e *Elementwise) row(t *ad.Tape) *ad.Value {
	row := t.Param(e.params[0])
	for _, p := range e.params[1:] {
		row = row.Concat(p)
	}
	return row.Reshape(1, e.dim*e.transformer.Params())
}

// Forward maps latent points to data.
func (e *Elementwise) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Elementwise.Forward", z, e.dim)
	return e.transformer.Forward(z, e.row(z.Tape()))
}

// Inverse maps data to latent points.
func (e *Elementwise) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Elementwise.Inverse", x, e.dim)
	return e.transformer.Inverse(x, e.row(x.Tape()))
}

// State lists the parameters.
func (e *Elementwise) State() State {
	var s State
	for i, p := range e.params {
		rows, columns := p.Dims()
		s = append(s, ParamTensor(e.names[i], p, rows, columns))
	}
	if spline, ok := e.transformer.(*RationalQuadraticSpline); ok {
		s = append(s, spline.state()...)
	}
	return s
}
