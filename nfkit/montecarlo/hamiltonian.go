package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// HamiltonianMonteCarlo is a layer that moves points along a trajectory of Hamiltonian dynamics, of steps leapfrog steps, and accepts its end as the
// target wants. With momenta p ~ Normal(0, m), one step of size ε is
//
//	p ← p + ½ε·∇ln p̃(z),  z ← z + ε·p/m,  p ← p + ½ε·∇ln p̃(z),
//
// and the end is accepted with probability min(1, e^{−ΔH}), H = −ln p̃(z) + ½Σ p²/m. Step size and mass are parameters of each component, trained as
// their logarithms; with one step it is the Metropolis-adjusted Langevin algorithm. As the target is invariant, the log-weight is
// ln p̃(z) − ln p̃(x).
//
// A trajectory that meets a point where the density is 0, or overflows, is not accepted. A target that is NaN on it, or whose gradient is, makes
// the point NaN. Cost: steps+1 gradients of the target.
//
// Gradients of x are those along the path of the trajectory for a fixed decision, through the forces too. They leave out how the
// probability of acceptance depends on parameters, as all training through such layers does.
//
// Duane et al. 1987; Neal 2011, arXiv:1206.1901; Wu, Köhler & Noé 2020, arXiv:2002.06707. Its twin in normflows is HamiltonianMonteCarlo.
type HamiltonianMonteCarlo struct {
	target               nf.Target
	steps                int
	logStepSize, logMass *ad.Param
}

var _ Reversible = (*HamiltonianMonteCarlo)(nil)

// NewHamiltonianMonteCarlo returns a layer of dim components that makes the given number of leapfrog steps of size stepSize, with the mass 1. It
// panics when the target is nil or a number is not positive.
func NewHamiltonianMonteCarlo(target nf.Target, dim int, stepSize float64, steps int) *HamiltonianMonteCarlo {
	if target == nil || dim < 1 || steps < 1 || !(stepSize > 0) || math.IsInf(stepSize, 1) {
		panic(fmt.Sprintf("montecarlo: NewHamiltonianMonteCarlo: got target %v, dimension %d, step size %v and %d steps, want a target and positive numbers", target, dim, stepSize, steps))
	}
	return &HamiltonianMonteCarlo{target, steps, logarithm(dim, stepSize), ad.NewParam(1, dim, make([]float64, dim))}
}

// logarithm returns a parameter of dim components with the value ln x.
func logarithm(dim int, x float64) *ad.Param {
	p := ad.NewParam(1, dim, make([]float64, dim))
	for j := range p.Data {
		p.Data[j] = math.Log(x)
	}
	return p
}

// Dim returns the number of components.
func (h *HamiltonianMonteCarlo) Dim() int { return len(h.logMass.Data) }

// NoiseDim returns the numbers of a momentum, and one that decides.
func (h *HamiltonianMonteCarlo) NoiseDim() int { return h.Dim() + 1 }

// Noise draws normal numbers, and the logarithm of a uniform one.
func (h *HamiltonianMonteCarlo) Noise(dst []float64, r *rand.Rand) { moveNoise(dst, h.Dim(), r) }

// moveNoise draws, for each row of dst, d normal numbers and the logarithm of a uniform one.
func moveNoise(dst []float64, d int, r *rand.Rand) {
	for i := range dst {
		if i%(d+1) == d {
			dst[i] = -r.ExpFloat64()
		} else {
			dst[i] = r.NormFloat64()
		}
	}
}

// Forward moves each row of z.
func (h *HamiltonianMonteCarlo) Forward(z, noise, _ *ad.Value) (x, logWeight *ad.Value) {
	d := h.Dim()
	m := leapfrog(h.target.LogDensity, z, noise.Slice(0, d), h.logStepSize.On(z).Sub(h.logMass.On(z).Scale(0.5)).Exp(), h.steps)
	x, logP := m.decide(z, noise.Slice(d, d+1))
	return x, m.start.Sub(logP)
}

// Backward moves points back by the same kernel, which is in balance with the target.
func (h *HamiltonianMonteCarlo) Backward(x, noise, context *ad.Value) (z, logWeight *ad.Value) {
	return h.Forward(x, noise, context)
}

// State lists log_step_size and log_mass.
func (h *HamiltonianMonteCarlo) State() nf.State {
	return nf.State{nf.ParamTensor("log_step_size", h.logStepSize, h.Dim()), nf.ParamTensor("log_mass", h.logMass, h.Dim())}
}

// move is a proposal of where to go from each of n points.
type move struct {
	start    *ad.Value // ln p̃ there, n×1
	x, logP  *ad.Value // the proposal, n×d, and ln p̃ of it
	logRatio *ad.Value // the logarithm of what is to be held against a uniform number, n×1; −Inf for what cannot be accepted
}

// leapfrog makes trajectories from the points x with velocities v of unit variance, n×d, and steps of the sizes a, 1×d. With step size ε and mass
// m, a is ε/√m and v is p/√m.
func leapfrog(logP logDensity, x, v, a *ad.Value, steps int) move {
	kinetic := v.Square().RowSum()
	start, g := ad.RowGradient(logP, x)
	end := start
	var alive *ad.Value // positive for trajectories that have not met a density of 0 yet, −Inf for others, n×1; nil: all are
	if !start.Finite() {
		alive = positive(start)
	}
	kick := a.Square()
	next, w := x.KickDrift(v.Mul(a), g, kick.Scale(0.5)) // w is a⊙v, what a step adds to x
	for k := range steps {
		end, g = ad.RowGradient(logP, next)
		if !end.Finite() { // which is rare: rows that end here stay where they were, so that what they meet does no harm
			if alive == nil {
				alive = x.Tape().Full(1, 1, 1)
			}
			near := within(next)
			alive = alive.Where(near.Where(positive(end), near), alive)
			next = alive.Where(next, x)
			end, g = ad.RowGradient(logP, next)
		}
		if x = next; k < steps-1 {
			next, w = x.KickDrift(w, g, kick)
		}
	}
	w = w.Add(g.Mul(kick.Scale(0.5)))
	ratio := end.Sub(start).Add(kinetic.Sub(w.Div(a).Square().RowSum()).Scale(0.5))
	if alive != nil {
		ratio = alive.Where(ratio, x.Tape().Full(1, 1, math.Inf(-1)))
	}
	return move{start, x, end, ratio}
}

// decide returns where the points z are after their move, and ln p̃ there. logU is the logarithm of a uniform number, n×1.
func (m move) decide(z, logU *ad.Value) (x, logP *ad.Value) {
	accepted := m.logRatio.Sub(logU)
	return accepted.Where(m.x, z), accepted.Where(m.logP, m.start)
}
