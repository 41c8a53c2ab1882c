package nfkit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Mixture is a mixture of K distributions of any kind,
//
//	p(z) = Σₖ wₖ·pₖ(z),  w = softmax(weight_scores).
//
// Cost: that of all K, of a sample as well, since the one that is chosen differs from row to row. As for [GaussianMixture], a sample is a
// differentiable function of what its distribution has, but not of the weights; its density has gradients of all.
type Mixture struct {
	components []Base
	scores     *ad.Param
	contextDim int
}

var (
	_ Base        = (*Mixture)(nil)
	_ Conditional = (*Mixture)(nil)
)

// NewMixture returns the mixture of the given distributions. weights are proportional to theirs; nil means equal ones. It panics when there
// are no distributions, when they differ in dimension or in the columns of their context, or when there are not as many weights, all positive.
func NewMixture(components []Base, weights []float64) *Mixture {
	if len(components) == 0 {
		panic("nfkit: NewMixture: got no distributions")
	}
	scores := make([]float64, len(components))
	if weights != nil {
		if len(weights) != len(components) {
			panic(fmt.Sprintf("nfkit: NewMixture: got %d weights, want %d", len(weights), len(components)))
		}
		copy(scores, weights)
		logPositive("NewMixture", scores, "weights")
	}
	for k, c := range components {
		switch {
		case c == nil:
			panic(fmt.Sprintf("nfkit: NewMixture: distribution %d is nil", k))
		case c.Dim() != components[0].Dim():
			panic(fmt.Sprintf("nfkit: NewMixture: distribution %d is in %d dimensions, distribution 0 in %d", k, c.Dim(), components[0].Dim()))
		}
	}
	return &Mixture{slices.Clone(components), ad.NewParam(1, len(scores), scores), commonContextDim("NewMixture", components...)}
}

// NewEnsemble returns the mixture of models as one model, with equal weights: of the same model trained with several seeds, say. It is at
// least as good as they are in the mean: by Jensen's inequality, its −ln q(x) is at most the mean of theirs, at every point. Parameters are
// shared with the models. It panics when there are no models, or they differ in dimension or context.
//
// [Save] writes all of it to one file. The command
//
//	go run ./notebooks gather FOLDER
//
// makes the same file from those of single models; see package sweep.
func NewEnsemble(models []*NormalizingFlow) *NormalizingFlow {
	var components []Base
	for _, m := range models {
		components = append(components, NewModelBase(m))
	}
	return NewNormalizingFlow(NewMixture(components, nil), nil)
}

// Dim returns the number of components of a point.
func (m *Mixture) Dim() int { return m.components[0].Dim() }

// ContextDim returns the number of columns of the context that the distributions take, 0 for none.
func (m *Mixture) ContextDim() int { return m.contextDim }

// NoiseDim returns 1 more than the sum of those of the distributions: the first number chooses one.
func (m *Mixture) NoiseDim() int {
	n := 1
	for _, c := range m.components {
		n += c.NoiseDim()
	}
	return n
}

// Noise draws, for each row, a uniform number from [0, 1) and then the noise of each distribution.
func (m *Mixture) Noise(dst []float64, r *rand.Rand) {
	for len(dst) > 0 {
		dst[0], dst = r.Float64(), dst[1:]
		for _, c := range m.components {
			c.Noise(dst[:c.NoiseDim()], r)
			dst = dst[c.NoiseDim():]
		}
	}
}

// LogProb returns the log-density of each row of z.
func (m *Mixture) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("Mixture.LogProb", z, m.Dim())
	var all []ad.Operand // n×1 each
	for _, c := range m.components {
		all = append(all, c.LogProb(z, context))
	}
	return all[0].(*ad.Value).Concat(all[1:]...).Add(z.Tape().Param(m.scores).LogSoftmax()).LogSumExp()
}

// Sample returns a sample of the distribution that the first column of noise chooses: the first one, k, for which w₁ + … + wₖ is greater.
func (m *Mixture) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Mixture.Sample", noise, m.NoiseDim())
	choice, weights := noise.Slice(0, 1), noise.Tape().Param(m.scores).LogSoftmax().Exp()
	end := noise.Cols()
	for k, c := range slices.Backward(m.components) {
		own, _ := c.Sample(noise.Slice(end-c.NoiseDim(), end), context)
		end -= c.NoiseDim()
		if z == nil {
			z = own
		} else {
			z = weights.Slice(0, k+1).RowSum().Sub(choice).Where(own, z)
		}
	}
	return z, m.LogProb(z, context)
}

// State lists weight_scores, and the tensors of the distributions under components.0, components.1, …
func (m *Mixture) State() State {
	s := State{ParamTensor("weight_scores", m.scores, 1, len(m.components))}
	for k, c := range m.components {
		s = append(s, c.State().Under("components."+strconv.Itoa(k))...)
	}
	return s
}

// String describes the distributions.
func (m *Mixture) String() string { return "Mixture(" + describeAll(m.components...) + ")" }
