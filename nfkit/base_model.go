package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ModelBase is a model as the base of another one: a trained flow that further layers refine, or one for part of the
// components of a larger model. Its parameters are trained with those of the new model; freeze them to keep them.
// Running statistics, as those of [BatchNorm], follow the batches of the new model in any case.
type ModelBase struct{ model *NormalizingFlow }

var (
	_ Base        = (*ModelBase)(nil)
	_ Conditional = (*ModelBase)(nil)
)

// NewModelBase returns the distribution of m as a base. Parameters are shared with m. It panics when m has been given a
// context: the context of the new model reaches m as well.
func NewModelBase(m *NormalizingFlow) *ModelBase {
	if m == nil {
		panic("nfkit: NewModelBase: got a nil model")
	}
	if m.context != nil {
		r, c := m.context.Dims()
		panic(fmt.Sprintf("nfkit: NewModelBase: got a model with a %d×%d context; give the context to the new model", r, c))
	}
	return &ModelBase{m}
}

// Dim returns the dimension of the model.
func (b *ModelBase) Dim() int { return b.model.Dim() }

// ContextDim returns the number of columns of the context that the model takes, 0 for none.
func (b *ModelBase) ContextDim() int { return b.model.ContextDim() }

// NoiseDim returns that of the model's base.
func (b *ModelBase) NoiseDim() int { return b.model.base.NoiseDim() }

// Noise draws the noise of the model's base.
func (b *ModelBase) Noise(dst []float64, r *rand.Rand) { b.model.base.Noise(dst, r) }

// LogProb returns the log-density of each row of z.
func (b *ModelBase) LogProb(z, context *ad.Value) *ad.Value {
	return b.model.logProb(z, b.model.embed(context))
}

// Sample maps a sample of the model's base through its flows.
func (b *ModelBase) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	context = b.model.embed(context)
	z, logProb = b.model.base.Sample(noise, context)
	x, logDet := b.model.chain.Forward(z, context)
	return x, logProb.Sub(logDet)
}

// State lists the model's tensors.
func (b *ModelBase) State() State { return b.model.State() }
