package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// MetropolisHastings is a layer that makes steps of a random walk, each of which it accepts as the target wants:
//
//	z′ = z + σ·ε,  ε ~ Normal(0, I),  accepted with probability min(1, p̃(z′)/p̃(z)).
//
// As the target is invariant, its log-weight is ln p̃(z) − ln p̃(x). A target that is NaN or +Inf at z′ makes the point there NaN. Cost: an evaluation
// of the target for each step, and one more. Metropolis et al. 1953; Wu, Köhler & Noé 2020, arXiv:2002.06707, section 2.3. Its twin in normflows is
// MetropolisHastings with DiagGaussianProposal.
type MetropolisHastings struct {
	target nf.Target
	dim    int
	scale  float64
	steps  int
}

var _ Reversible = (*MetropolisHastings)(nil)

// NewMetropolisHastings returns a layer of dim components that makes the given number of steps, whose components have standard deviation scale.
// It panics when the target is nil or a number is not positive.
func NewMetropolisHastings(target nf.Target, dim int, scale float64, steps int) *MetropolisHastings {
	if target == nil || dim < 1 || steps < 1 || !(scale > 0) || math.IsInf(scale, 1) {
		panic(fmt.Sprintf("montecarlo: NewMetropolisHastings: got target %v, dimension %d, scale %v and %d steps, want a target and positive numbers", target, dim, scale, steps))
	}
	return &MetropolisHastings{target, dim, scale, steps}
}

// Dim returns the number of components.
func (m *MetropolisHastings) Dim() int { return m.dim }

// NoiseDim returns the numbers of all steps: a direction and a number that decides.
func (m *MetropolisHastings) NoiseDim() int { return m.steps * (m.dim + 1) }

// Noise draws normal directions, and logarithms of uniform numbers.
func (m *MetropolisHastings) Noise(dst []float64, r *rand.Rand) { moveNoise(dst, m.dim, r) }

// Forward makes the steps.
func (m *MetropolisHastings) Forward(z, noise, _ *ad.Value) (x, logWeight *ad.Value) {
	first := m.target.LogDensity(z)
	logP := first
	for k := range m.steps {
		at := k * (m.dim + 1)
		next := z.Add(noise.Slice(at, at+m.dim).Scale(m.scale))
		logNext := m.target.LogDensity(next)
		accepted := logNext.Sub(logP).Sub(noise.Slice(at+m.dim, at+m.dim+1))
		z, logP = accepted.Where(next, z), accepted.Where(logNext, logP)
	}
	return z, first.Sub(logP)
}

// Backward moves points back by the same steps, which are in balance with the target.
func (m *MetropolisHastings) Backward(x, noise, context *ad.Value) (z, logWeight *ad.Value) {
	return m.Forward(x, noise, context)
}

// State returns nil: nothing is trained.
func (m *MetropolisHastings) State() nf.State { return nil }
