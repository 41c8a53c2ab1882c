package main

import (
	"math"
	"math/rand/v2"
	"runtime"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
	"github.com/nfkit/nfkit-go/nfkit/targets/simulators"
)

// referencePosteriors returns draws of the true posterior of each of the first observations: exact ones where the task has them, else those of
// particles.
func referencePosteriors(task simulators.Task, observations int) []*mat.Dense {
	references := make([]*mat.Dense, observations)
	team.Do(runtime.GOMAXPROCS(0), observations, func(_, k int) {
		_, x := task.Observation(k + 1)
		src := rand.NewPCG(uint64(k), 7)
		if exact, ok := task.(simulators.Exact); ok {
			references[k] = exact.SamplePosterior(sbiDraws, x, src)
			return
		}
		references[k] = newParticles(task, x, sbiDraws, src).posterior()
	})
	return references
}

// particles sample a posterior by sequential Monte Carlo: from the prior to the posterior along p(θ)·p(x|θ)^β, with β from 0 to 1 such that the weights of
// each step have an effective sample size of half of the particles, which are resampled then and moved by Markov chains. In the end each is copied, and the
// copies are moved apart. Del Moral, Doucet & Jasra 2006; the moves
// are those of differential evolution, ter Braak 2006, in the normal numbers of the prior.
type particles struct {
	task          simulators.Task
	marginals     []simulators.Marginal
	x             *mat.Dense
	z             *mat.Dense // n×d normal numbers
	logLikelihood []float64
	r             *rand.Rand
}

// newParticles returns particles of the prior, for n of the posterior.
func newParticles(task simulators.Task, x []float64, n int, src rand.Source) *particles {
	p := &particles{task: task, marginals: task.Prior().Marginals(), x: mat.NewDense(1, len(x), x), r: rand.New(src)}
	p.z = mat.NewDense(n/copies, len(p.marginals), nil)
	p.z.Apply(func(_, _ int, _ float64) float64 { return p.r.NormFloat64() }, p.z)
	p.logLikelihood = task.LogLikelihood(p.parameters(p.z), p.x)
	return p
}

// parameters returns those of normal numbers.
func (p *particles) parameters(z *mat.Dense) *mat.Dense {
	var theta mat.Dense
	theta.Apply(func(_, j int, z float64) float64 { return p.marginals[j].Quantile(distuv.UnitNormal.CDF(z)) }, z)
	return &theta
}

func (p *particles) posterior() *mat.Dense {
	const moves, last = 6, 15
	for beta := 0.0; beta < 1; {
		step := p.step(1 - beta)
		p.take(p.n(), step)
		beta += step
		for range moves {
			p.move(beta)
		}
	}
	p.take(copies*p.n(), 0)
	for range last {
		p.move(1)
	}
	return p.parameters(p.z)
}

// step returns the largest step of β, at most the given one, that leaves half of the effective sample size.
func (p *particles) step(most float64) float64 {
	weights := make([]float64, len(p.logLikelihood))
	enough := func(step float64) bool {
		return eval.EffectiveSampleSize(floats.ScaleTo(weights, step, p.logLikelihood)) >= 0.5*float64(len(weights))
	}
	if enough(most) {
		return most
	}
	lo, hi := 0.0, most
	for range 40 {
		if middle := (lo + hi) / 2; enough(middle) {
			lo = middle
		} else {
			hi = middle
		}
	}
	return hi
}

// copies is how many particles there are in the end for each on the way.
const copies = 10

func (p *particles) n() int { return len(p.logLikelihood) }

// take replaces the particles by n of them, in proportion to their weights of a step, systematically.
func (p *particles) take(n int, step float64) {
	_, d := p.z.Dims()
	top := floats.Max(p.logLikelihood)
	weights := make([]float64, p.n())
	for i, l := range p.logLikelihood {
		weights[i] = math.Exp(step * (l - top))
	}
	floats.CumSum(weights, weights)
	last := len(weights) - 1
	z, logs := mat.NewDense(n, d, nil), make([]float64, n)
	offset, at := p.r.Float64(), 0
	for i := range n {
		for at < last && weights[at] <= (float64(i)+offset)/float64(n)*weights[last] {
			at++
		}
		z.SetRow(i, p.z.RawRowView(at))
		logs[i] = p.logLikelihood[at]
	}
	p.z, p.logLikelihood = z, logs
}

// move takes a Metropolis step of each particle: along the difference of two others, sometimes as long as that, from mode to mode; or to the mirror image
// in one parameter, for posteriors of modes that are alike.
func (p *particles) move(beta float64) {
	n, d := p.z.Dims()
	proposed := mat.NewDense(n, d, nil)
	for i := range n {
		a, b := p.z.RawRowView(p.r.IntN(n)), p.z.RawRowView(p.r.IntN(n))
		gamma := 2.38 / math.Sqrt(2*float64(d)) * (0.5 + p.r.Float64()/2)
		if p.r.Float64() < 0.1 {
			gamma = 1
		}
		for j := range d {
			proposed.Set(i, j, p.z.At(i, j)+gamma*(a[j]-b[j])+1e-4*p.r.NormFloat64())
		}
		if p.r.Float64() < 0.25 {
			j := p.r.IntN(d)
			proposed.SetRow(i, p.z.RawRowView(i))
			proposed.Set(i, j, -p.z.At(i, j))
		}
	}
	logs := p.task.LogLikelihood(p.parameters(proposed), p.x)
	next := mat.DenseCopyOf(p.z)
	for i := range n {
		from, to := p.z.RawRowView(i), proposed.RawRowView(i)
		ratio := beta*(logs[i]-p.logLikelihood[i]) - 0.5*(floats.Dot(to, to)-floats.Dot(from, from))
		if math.Log(p.r.Float64()) < ratio {
			next.SetRow(i, to)
			p.logLikelihood[i] = logs[i]
		}
	}
	p.z = next
}
