package nfkit

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// modelPoints are points of a model that are still to be made from noise, and a target to hold them against.
type modelPoints struct {
	model  *NormalizingFlow
	target Target
	noise  *mat.Dense // a row for each point
	seed   [2]uint64  // of the randomness in layers
}

// pointsFor draws noise for n points. It panics when n is not positive or an argument is nil.
func (m *NormalizingFlow) pointsFor(call string, target Target, n int, src rand.Source) *modelPoints {
	checkTarget(call, target, n)
	checkSource("NormalizingFlow."+call, src)
	m.checkContext(call, n)
	noise := mat.NewDense(n, m.base.NoiseDim(), nil)
	m.base.Noise(noise.RawMatrix().Data, rand.New(src))
	return &modelPoints{m, target, noise, newSeed(src)}
}

func checkTarget(call string, target Target, n int) {
	if target == nil {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got a nil target", call))
	}
	if n < 1 {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got %d points, want 1 or more", call, n))
	}
}

// rows returns points lo to hi (excluded), with ln q and ln p̃ of each.
func (p *modelPoints) rows(t *ad.Tape, lo, hi int) (x, logQ, logP *ad.Value) {
	context := p.model.contextRows(t, lo, hi)
	z, logQ := p.model.base.Sample(t.Rows(p.noise, lo, hi), context)
	x, logDet := p.model.chain.Forward(z, context)
	return x, logQ.Sub(logDet), p.logDensity(x, p.model.givenRows(t, lo, hi))
}

// logDensity returns ln p̃ of each row of x. While layers observe the points, it is of no use, and the target is not asked.
func (p *modelPoints) logDensity(x, context *ad.Value) *ad.Value {
	if x.Tape().Observing() {
		return x.Tape().Full(x.Rows(), 1, 0)
	}
	var l *ad.Value
	if f, ok := p.target.(TargetFunc); ok {
		l = f(x, context)
	} else {
		l = p.target.LogDensity(x)
	}
	if r, c := l.Dims(); r != x.Rows() || c != 1 {
		panic(fmt.Sprintf("nfkit: %T.LogDensity: got a %d×%d value for %d points, want %d×1", p.target, r, c, x.Rows(), x.Rows()))
	}
	return l
}

// withoutScore returns logQ, whose gradient is the total one, with the gradient along the path of x alone: the total
// less that at fixed x. What is frozen or constant stays so, as the parameters are not touched.
func (p *modelPoints) withoutScore(x, logQ *ad.Value, lo, hi int) *ad.Value {
	score := p.model.logProb(x.Detach(), p.model.contextRows(x.Tape(), lo, hi))
	return logQ.Sub(score).Add(score.Detach())
}

// each runs f on all cores, without gradients.
func (p *modelPoints) each(f func(t *ad.Tape, lo, hi int)) {
	n, _ := p.noise.Dims()
	p.model.engine.eachNesting(p.model.precision, n, p.seed, f)
}

// weights returns the points and ln p̃ − ln q of each.
func (p *modelPoints) weights() (x *mat.Dense, logWeights []float64) {
	n, _ := p.noise.Dims()
	x, logWeights = mat.NewDense(n, p.model.Dim(), nil), make([]float64, n)
	p.each(func(t *ad.Tape, lo, hi int) {
		v, logQ, logP := p.rows(t, lo, hi)
		v.DataTo(rows(x, lo, hi))
		logP.Sub(logQ).DataTo(logWeights[lo:hi])
	})
	return x, logWeights
}

// check returns loss, with an error that says where it began if it is not finite.
func (p *modelPoints) check(loss float64) (float64, error) {
	if isFinite(loss) {
		return loss, nil
	}
	m := p.model
	if m.context != nil {
		if where, row := badInput("context", m.context); row >= 0 {
			return loss, &NonFiniteError{What: "loss", Value: loss, Where: where, Row: row}
		}
	}
	n, _ := p.noise.Dims()
	m.engine.guard.RLockNesting()
	defer m.engine.guard.RUnlockNesting()
	e := firstOrigin(loss, origins(m.precision, n, p.seed, p.path))
	if e.Row < 0 {
		e.Where += ", or the way back to latent space"
	}
	return loss, e
}

// path is the way of noise to points and their densities.
func (p *modelPoints) path(t *ad.Tape, lo, hi int, see func(v *ad.Value, where string)) {
	m := p.model
	context := m.contextRows(t, lo, hi)
	x, logQ := m.base.Sample(t.Rows(p.noise, lo, hi), context)
	see(x, fmt.Sprintf("the sample of the base (%T)", m.base))
	see(logQ, fmt.Sprintf("the log-density of the base (%T)", m.base))
	for k, f := range m.chain.flows {
		var logDet *ad.Value
		x, logDet = f.Forward(x, context)
		see(x, fmt.Sprintf("flow %d (%T)", k, f))
		see(logDet, fmt.Sprintf("the log-determinant of flow %d (%T)", k, f))
	}
	see(p.logDensity(x, m.givenRows(t, lo, hi)), fmt.Sprintf("the log-density of the target (%T)", p.target))
}

// ImportanceSample returns n points drawn from the model, n×d, and the logarithms of their weights w = p̃(x)/q(x): with
// them, they stand for the target,
//
//	E_p[f] ≈ Σ wᵢ·f(xᵢ) / Σ wᵢ.
//
// A point outside the support of the target has the weight −Inf. Package eval says how many points that is worth, and estimates ∫p̃. It panics
// when n is not positive, or an argument is nil.
func (m *NormalizingFlow) ImportanceSample(target Target, n int, src rand.Source) (x *mat.Dense, logWeights []float64) {
	return m.pointsFor("ImportanceSample", target, n, src).weights()
}
