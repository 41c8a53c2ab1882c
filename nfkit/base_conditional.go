package nfkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ConditionalDiagGaussian is the normal distribution with independent components whose mean μ and logarithmic standard
// deviation s a network computes from the context,
//
//	(μ, s) = encoder(context),  ln p(z) = −d/2·ln 2π − Σⱼ (sⱼ + ½((zⱼ − μⱼ)/e^{sⱼ})²);
//
// the first d columns of the encoder's output are μ. Its twin in normflows is
// distributions.base.ConditionalDiagGaussian.
type ConditionalDiagGaussian struct {
	encoder Net
}

var (
	_ Base        = (*ConditionalDiagGaussian)(nil)
	_ Conditional = (*ConditionalDiagGaussian)(nil)
)

// NewConditionalDiagGaussian returns a distribution in d dimensions that depends on a context of encoder.In() columns,
// where 2d is encoder.Out(). It panics when that is not an even number, or the encoder itself wants a context.
func NewConditionalDiagGaussian(encoder Net) *ConditionalDiagGaussian {
	if encoder == nil {
		panic("nfkit: NewConditionalDiagGaussian: got a nil network")
	}
	if out := encoder.Out(); out < 2 || out%2 != 0 {
		panic(fmt.Sprintf("nfkit: NewConditionalDiagGaussian: got a network with %d columns of output, want two for each dimension", out))
	}
	if c := contextDim(encoder); c != 0 {
		panic(fmt.Sprintf("nfkit: NewConditionalDiagGaussian: got a network with a context of %d columns; its input is the context, so it wants none", c))
	}
	return &ConditionalDiagGaussian{encoder}
}

// Dim returns the number of components.
func (g *ConditionalDiagGaussian) Dim() int { return g.encoder.Out() / 2 }

// ContextDim returns the number of columns of the encoder's input.
func (g *ConditionalDiagGaussian) ContextDim() int { return g.encoder.In() }

// NoiseDim returns the number of components.
func (g *ConditionalDiagGaussian) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *ConditionalDiagGaussian) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

// encode returns mean and logarithmic standard deviation for each row of context.
func (g *ConditionalDiagGaussian) encode(call string, context *ad.Value) (mean, logScale *ad.Value) {
	checkContext(call, context, g.ContextDim())
	p, d := g.encoder.Apply(context, nil), g.Dim()
	return p.Slice(0, d), p.Slice(d, 2*d)
}

// LogProb returns the log-density of each row of z.
func (g *ConditionalDiagGaussian) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("ConditionalDiagGaussian.LogProb", z, g.Dim())
	mean, s := g.encode("ConditionalDiagGaussian.LogProb", context)
	return normalLogProb(z.Sub(mean).Mul(s.Neg().Exp()), s)
}

// Sample returns μ + e^s⊙noise.
func (g *ConditionalDiagGaussian) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	checkBatch("ConditionalDiagGaussian.Sample", noise, g.Dim())
	mean, s := g.encode("ConditionalDiagGaussian.Sample", context)
	return noise.Mul(s.Exp()).Add(mean), normalLogProb(noise, s)
}

// State lists the encoder's tensors under context_encoder.
func (g *ConditionalDiagGaussian) State() State {
	return g.encoder.State().Under("context_encoder").OwnedBy(g)
}
