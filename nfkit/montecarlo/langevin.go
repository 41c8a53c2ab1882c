package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Langevin is a layer that makes steps of overdamped Langevin dynamics, all of which it takes:
//
//	x = z + τ·∇ln p̃(z) + √(2τ)·ε,  ε ~ Normal(0, I).
//
// Its weight is that of the same move back, from x to z, over that of the move:
//
//	ln w = ½|ε|² − ½|ε̃|²,  ε̃ = (z − x − τ·∇ln p̃(x))/√(2τ),
//
// so it is exact for any step size; for a small one it is near ln p̃(z) − ln p̃(x). For moves that the target accepts or rejects, see
// [HamiltonianMonteCarlo] with one step. The step size τ is a parameter of each component, trained as its logarithm; gradients go through the
// forces. A gradient that is not finite makes the weight NaN. Cost: steps+1 gradients of the target.
//
// Wu, Köhler & Noé 2020, arXiv:2002.06707, section 2.3.
type Langevin struct {
	target      nf.Target
	steps       int
	logStepSize *ad.Param
}

var _ Reversible = (*Langevin)(nil)

// NewLangevin returns a layer of dim components that makes the given number of steps of size stepSize. It panics when the target is nil or a number
// is not positive.
func NewLangevin(target nf.Target, dim int, stepSize float64, steps int) *Langevin {
	if target == nil || dim < 1 || steps < 1 || !(stepSize > 0) || math.IsInf(stepSize, 1) {
		panic(fmt.Sprintf("montecarlo: NewLangevin: got target %v, dimension %d, step size %v and %d steps, want a target and positive numbers", target, dim, stepSize, steps))
	}
	return &Langevin{target, steps, logarithm(dim, stepSize)}
}

// Dim returns the number of components.
func (l *Langevin) Dim() int { return len(l.logStepSize.Data) }

// NoiseDim returns the numbers of all steps.
func (l *Langevin) NoiseDim() int { return l.steps * l.Dim() }

// Noise draws standard normal numbers.
func (l *Langevin) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}

// Forward makes the steps.
func (l *Langevin) Forward(z, noise, _ *ad.Value) (x, logWeight *ad.Value) {
	d := l.Dim()
	size := l.logStepSize.On(z).Exp()
	spread := size.Scale(2).Sqrt()
	_, g := ad.RowGradient(l.target.LogDensity, z)
	for k := range l.steps {
		e := noise.Slice(k*d, (k+1)*d)
		drift := g.Mul(size)
		x = z.Add(drift).Add(e.Mul(spread))
		_, g = ad.RowGradient(l.target.LogDensity, x)
		back := drift.Add(g.Mul(size)).Div(spread).Add(e) // −ε̃
		w := e.Square().Sub(back.Square()).RowSum().Scale(0.5)
		if k > 0 {
			w = w.Add(logWeight)
		}
		z, logWeight = x, w
	}
	return x, logWeight
}

// Backward makes the same steps: it is the kernel that Forward has its weights for.
func (l *Langevin) Backward(x, noise, context *ad.Value) (z, logWeight *ad.Value) {
	return l.Forward(x, noise, context)
}

// State lists log_step_size.
func (l *Langevin) State() nf.State {
	return nf.State{nf.ParamTensor("log_step_size", l.logStepSize, l.Dim())}
}
