package nfkit

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ConditionalGaussianMixture is the [GaussianMixture] whose parameters a network computes from the context: a mixture density network.
// The columns of its output are the scores of the weights, K, the means, K·d, the logarithms of deviations, K·d, and with covariances the elements m,
// K·d(d−1)/2; with [CovarianceTied] there is one set of the last two. [GaussianMixtureParams] counts them. Cost: that of the network and of the
// mixture; a sample takes d steps with covariances. Bishop 1994. Its twin in zuko is GMM with a context.
type ConditionalGaussianMixture struct {
	gaussianModes
	encoder Net
}

var (
	_ Base        = (*ConditionalGaussianMixture)(nil)
	_ Conditional = (*ConditionalGaussianMixture)(nil)
)

// GaussianMixtureParams returns the number of parameters of a mixture: what a [ConditionalGaussianMixture] wants as output of its network. It panics
// when modes or dim is not positive.
func GaussianMixtureParams(modes, dim int, covariance Covariance) int {
	m := newGaussianModes("GaussianMixtureParams", modes, dim, covariance)
	return m.columns()
}

// NewConditionalGaussianMixture returns a mixture of the given number of modes in dim dimensions that depends on a context of encoder.In() columns. The
// distributions differ at first as much as the outputs of the network. It panics when modes or dim is not positive, or the encoder has another number of
// outputs or wants a context itself.
func NewConditionalGaussianMixture(encoder Net, modes, dim int, covariance Covariance) *ConditionalGaussianMixture {
	const caller = "NewConditionalGaussianMixture"
	if encoder == nil {
		panic("nfkit: " + caller + ": got a nil network")
	}
	m := newGaussianModes(caller, modes, dim, covariance)
	if out := encoder.Out(); out != m.columns() {
		panic(fmt.Sprintf("nfkit: %s: got a network with %d columns of output, want %d", caller, out, m.columns()))
	}
	if c := contextDim(encoder); c != 0 {
		panic(fmt.Sprintf("nfkit: %s: got a network with a context of %d columns; its input is the context, so it wants none", caller, c))
	}
	return &ConditionalGaussianMixture{m, encoder}
}

// ContextDim returns the number of columns of the encoder's input.
func (g *ConditionalGaussianMixture) ContextDim() int { return g.encoder.In() }

// encode returns the parameters for each row of context.
func (g *ConditionalGaussianMixture) encode(call string, context *ad.Value) normals {
	checkContext(call, context, g.ContextDim())
	return g.of(g.encoder.Apply(context, nil))
}

// LogProb returns the log-density of each row of z.
func (g *ConditionalGaussianMixture) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("ConditionalGaussianMixture.LogProb", z, g.dim)
	return g.logProb(z, g.encode("ConditionalGaussianMixture.LogProb", context))
}

// Sample returns a sample of the distribution that the first column of noise chooses, as that of [GaussianMixture].
func (g *ConditionalGaussianMixture) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	checkBatch("ConditionalGaussianMixture.Sample", noise, g.NoiseDim())
	return g.sample(noise, g.encode("ConditionalGaussianMixture.Sample", context))
}

// State lists the encoder's tensors under context_encoder.
func (g *ConditionalGaussianMixture) State() State {
	return g.encoder.State().Under("context_encoder").OwnedBy(g)
}
