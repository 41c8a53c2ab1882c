package nfkit

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// AffineConstOptions are the options of [NewAffineConstFlow].
type AffineConstOptions struct {
	NoScale bool // the scale stays 1
	NoShift bool // the shift stays 0
}

// AffineConstFlow scales and shifts each component by numbers that do not depend on the point:
//
//	x = z⊙eˢ + t,  ln|det J| = Σ s,
//
// with s and t, both 1×d, 0 at first. Cost O(nd). Its twin in normflows is AffineConstFlow.
type AffineConstFlow struct {
	s, t *ad.Param
}

var _ Flow = (*AffineConstFlow)(nil)

// NewAffineConstFlow returns the flow for dim components. A nil opts means the defaults. It panics when dim is not
// positive.
func NewAffineConstFlow(dim int, opts *AffineConstOptions) *AffineConstFlow {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewAffineConstFlow: got dimension %d, want 1 or more", dim))
	}
	f := &AffineConstFlow{ad.NewParam(1, dim, make([]float64, dim)), ad.NewParam(1, dim, make([]float64, dim))}
	if opts != nil {
		f.s.Frozen, f.t.Frozen = opts.NoScale, opts.NoShift
	}
	return f
}

// Dim returns the number of components.
func (f *AffineConstFlow) Dim() int { return len(f.s.Data) }

// Forward returns x = z⊙eˢ + t.
func (f *AffineConstFlow) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("AffineConstFlow.Forward", z, f.Dim())
	s := f.s.On(z)
	return z.Mul(s.Exp()).Add(f.t), s.RowSum().Repeat(z.Rows())
}

// Inverse returns z = (x − t)⊙e⁻ˢ.
func (f *AffineConstFlow) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("AffineConstFlow.Inverse", x, f.Dim())
	s := f.s.On(x).Neg()
	return x.Sub(f.t).Mul(s.Exp()), s.RowSum().Repeat(x.Rows())
}

// State lists s and t.
func (f *AffineConstFlow) State() State {
	return State{ParamTensor("s", f.s, 1, f.Dim()), ParamTensor("t", f.t, 1, f.Dim())}
}

// ActNorm is an [AffineConstFlow] that starts from the data: the first training batch sets s and t so that what leaves
// it, in the direction of that batch, has mean 0 and standard deviation 1 in each component. Before that it is the
// identity, and evaluation does not set anything. Kingma & Dhariwal 2018, arXiv:1807.03039, section 3.1.
// Its twin in normflows is ActNorm, which sets itself by the first batch of any kind, after a load as well.
//
// As the last flow of a model that is trained on data, it scales them to mean 0 and standard deviation 1, as [NewStandardization] does, but by the
// first batch in place of all data, and with numbers that are trained on.
type ActNorm struct {
	*AffineConstFlow
	done []float64 // 1 after the first batch
}

var _ Observer = (*ActNorm)(nil)
var _ Flow = (*ActNorm)(nil)

// NewActNorm returns the flow for dim components. It panics when dim is not positive.
func NewActNorm(dim int) *ActNorm {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewActNorm: got dimension %d, want 1 or more", dim))
	}
	return &ActNorm{NewAffineConstFlow(dim, nil), []float64{0}}
}

// Observing reports whether the first training batch is still to come.
func (a *ActNorm) Observing() bool { return a.done[0] == 0 }

// actNormFloor is added to standard deviations, as the reference does.
const actNormFloor = 1e-6

// Forward returns x = z⊙eˢ + t.
func (a *ActNorm) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	return a.on(z, false).Forward(z, context)
}

// Inverse returns z = (x − t)⊙e⁻ˢ.
func (a *ActNorm) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	return a.on(x, true).Inverse(x, context)
}

// on returns the flow for v, which the first training batch sets: from the mean and the (n−1) standard deviation σ of each component, for Inverse
// s = ln σ and t = mean, for Forward s = −ln σ and t = −mean/σ. It fails for fewer than two rows, and for a component that is constant or not
// finite.
func (a *ActNorm) on(v *ad.Value, inverse bool) *AffineConstFlow {
	t := v.Tape()
	if !t.Observing() || !a.Observing() {
		return a.AffineConstFlow
	}
	if f, ok := t.Observed(a).(*AffineConstFlow); ok { // it stands in two places
		return f
	}
	checkBatch("ActNorm", v, a.Dim())
	mean, variance, err := columnMoments("ActNorm", v)
	if err != nil {
		t.Fail(err)
		return a.AffineConstFlow
	}
	f := NewAffineConstFlow(a.Dim(), nil)
	for j := range mean {
		sigma := math.Sqrt(variance[j]) + actNormFloor
		if inverse {
			f.s.Data[j], f.t.Data[j] = math.Log(sigma), mean[j]
		} else {
			f.s.Data[j], f.t.Data[j] = -math.Log(sigma), -mean[j]/sigma
		}
	}
	t.Observe(a, f, func() {
		copy(a.s.Data, f.s.Data)
		copy(a.t.Data, f.t.Data)
		a.done[0] = 1
	})
	return f
}

// State lists s, t, and data_dep_init_done, which is 1 after the first batch.
func (a *ActNorm) State() State {
	return append(a.AffineConstFlow.State(), Tensor{Name: "data_dep_init_done", Floats: a.done}).OwnedBy(a)
}
