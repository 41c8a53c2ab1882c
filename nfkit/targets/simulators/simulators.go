// Package simulators has tasks of simulation-based inference: parameters θ with a prior, a simulator of data x given θ, and
// observed data whose posterior is to be found. They are six tasks of the benchmark sbibm, with its ten observations each:
// Lueckmann et al. 2021, arXiv:2101.04653.
//
//	task                     θ    x   prior               posterior
//	TwoMoons                 2    2   box [−1, 1]         exact draws
//	SLCP                     5    8   box [−3, 3]         density, up to a factor
//	GaussianLinear          10   10   normal              exact draws
//	GaussianLinearUniform   10   10   box [−1, 1]         exact draws
//	GaussianMixture          2    2   box [−10, 10]       exact draws
//	SIR                      2   10   log-normal          density, up to a factor
//
// Pairs to train on are a prior's draws and what the simulator makes of them:
//
//	task := simulators.TwoMoons{}
//	theta := task.Prior().Sample(10_000, src) // n×2
//	x := task.Simulate(theta, src)            // n×2
//
// and a posterior to compare with is that of an observation:
//
//	_, x0 := task.Observation(1)
//	exact := task.SamplePosterior(10_000, x0, src) // n×2
//
// Every likelihood is known, so that the unnormalised posterior of any task is the sum of Prior().LogProb and
// LogLikelihood.
package simulators

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Task is a problem of simulation-based inference. Batches have one parameter vector, or one data vector, a row.
type Task interface {
	// Name returns the name of the task in sbibm.
	Name() string
	// Prior returns the distribution of θ.
	Prior() Prior
	// DataDim returns the number of columns of x.
	DataDim() int
	// Simulate returns one draw of x given each row of theta. It panics when src is nil, or theta has no rows or other
	// columns than the prior.
	Simulate(theta mat.Matrix, src rand.Source) *mat.Dense
	// LogLikelihood returns ln p(x | θ) for each row of theta and the same row of x; NaN where one of them is NaN, −Inf
	// where one is infinite or above 1e50. An x of one row goes with every row of theta.
	LogLikelihood(theta, x mat.Matrix) []float64
	// Observation returns the observation k, from 1 to 10, and the parameters that made it. Other numbers panic.
	Observation(k int) (theta, x []float64)
}

// Exact is a task whose posterior can be sampled exactly.
type Exact interface {
	Task
	// SamplePosterior returns n independent draws of θ from p(θ | x), n×d. It panics when n is not positive, src is nil,
	// x is of another length than the data, or x is so far from all that the prior allows that nothing can be drawn.
	SamplePosterior(n int, x []float64, src rand.Source) *mat.Dense
}

// All returns the tasks, in the order of the table above.
func All() []Task {
	return []Task{TwoMoons{}, SLCP{}, GaussianLinear{}, GaussianLinearUniform{}, GaussianMixture{}, SIR{}}
}

// Prior is a distribution of independent parameters.
type Prior struct{ marginals []Marginal }

// Marginal is a continuous distribution on the line, as gonum has it.
type Marginal = interface {
	CDF(x float64) float64
	LogProb(x float64) float64
	Quantile(p float64) float64
}

// box returns the uniform prior on [−c, c]ᵈ.
func box(d int, c float64) Prior {
	p := Prior{make([]Marginal, d)}
	for i := range p.marginals {
		p.marginals[i] = distuv.Uniform{Min: -c, Max: c}
	}
	return p
}

// Dim returns the number of parameters d.
func (p Prior) Dim() int { return len(p.marginals) }

// Marginals returns the distribution of each parameter.
func (p Prior) Marginals() []Marginal { return slices.Clone(p.marginals) }

// Bounds returns the least and the greatest value of each parameter: infinite ones where there is none.
func (p Prior) Bounds() (lo, hi []float64) {
	for _, m := range p.marginals {
		lo, hi = append(lo, m.Quantile(0)), append(hi, m.Quantile(1))
	}
	return lo, hi
}

// Sample returns n independent draws, n×d. It panics when n is not positive or src is nil.
func (p Prior) Sample(n int, src rand.Source) *mat.Dense {
	check("Prior.Sample", n, src)
	r, θ := rand.New(src), mat.NewDense(n, p.Dim(), nil)
	for i := range n {
		for j, m := range p.marginals {
			θ.Set(i, j, m.Quantile(open(r)))
		}
	}
	return θ
}

// open draws from the uniform distribution on (0, 1), without its ends.
func open(r *rand.Rand) float64 { return (float64(r.Uint64()>>12) + 0.5) / (1 << 52) }

// LogProb returns ln p(θ) of each row of theta: −Inf outside the support, NaN where theta is NaN.
func (p Prior) LogProb(theta mat.Matrix) []float64 {
	n, c := theta.Dims()
	if n == 0 {
		return []float64{}
	}
	if c != p.Dim() {
		panic(fmt.Sprintf("simulators: Prior.LogProb: got a %d×%d batch, want %d columns", n, c, p.Dim()))
	}
	logs := make([]float64, n)
	lo, hi := p.Bounds()
	for i := range logs {
		for j, m := range p.marginals {
			switch θ := theta.At(i, j); {
			case math.IsNaN(θ):
				logs[i] = θ
			case θ < lo[j] || θ > hi[j] || θ == 0 && lo[j] == 0 || math.IsInf(θ, 0):
				logs[i] += math.Inf(-1)
			default:
				logs[i] += m.LogProb(θ)
			}
		}
	}
	return logs
}

// check panics unless n rows can be drawn from src.
func check(method string, n int, src rand.Source) {
	if n < 1 {
		panic(fmt.Sprintf("simulators: %s: got %d rows, want 1 or more", method, n))
	}
	if src == nil {
		panic(fmt.Sprintf("simulators: %s: got a nil source", method))
	}
}

// simulate returns one row of data for each row of theta, filled by draw.
func simulate(t Task, theta mat.Matrix, src rand.Source, draw func(x, θ []float64, r *rand.Rand)) *mat.Dense {
	n, c := theta.Dims()
	check(fmt.Sprintf("%T.Simulate", t), n, src)
	if d := t.Prior().Dim(); c != d {
		panic(fmt.Sprintf("simulators: %T.Simulate: got a %d×%d batch, want %d columns", t, n, c, d))
	}
	r, x, θ := rand.New(src), mat.NewDense(n, t.DataDim(), nil), make([]float64, c)
	for i := range n {
		draw(x.RawRowView(i), mat.Row(θ, i, theta), r)
	}
	return x
}

// likelihood returns f of each row of theta and the same, or the only, row of x; NaN where there is NaN.
func likelihood(t Task, theta, x mat.Matrix, f func(θ, x []float64) float64) []float64 {
	n, c := theta.Dims()
	rows, cols := x.Dims()
	if n == 0 {
		return []float64{}
	}
	if d := t.Prior().Dim(); c != d || cols != t.DataDim() || rows != n && rows != 1 {
		panic(fmt.Sprintf("simulators: %T.LogLikelihood: got %d×%d parameters and %d×%d data, want %d and %d columns and as many rows, or one row of data", t, n, c, rows, cols, d, t.DataDim()))
	}
	logs, θ, data := make([]float64, n), make([]float64, c), make([]float64, cols)
	for i := range logs {
		mat.Row(θ, i, theta)
		mat.Row(data, min(i, rows-1), x)
		switch most := max(largest(θ), largest(data)); {
		case math.IsNaN(most):
			logs[i] = most
		case most > 1e50: // which the normal distributions do not reach, and whose fourth power is finite
			logs[i] = math.Inf(-1)
		default:
			logs[i] = f(θ, data)
		}
	}
	return logs
}

// largest returns the largest absolute value, or NaN if there is one.
func largest(v []float64) float64 {
	var most float64
	for _, v := range v {
		most = max(most, math.Abs(v))
	}
	return most
}

// posterior returns n rows of parameters, filled by draw given the observation x. A draw that returns false is repeated, up
// to a million times in a row.
func posterior(t Task, n int, x []float64, src rand.Source, draw func(θ []float64, r *rand.Rand) bool) *mat.Dense {
	check(fmt.Sprintf("%T.SamplePosterior", t), n, src)
	if len(x) != t.DataDim() {
		panic(fmt.Sprintf("simulators: %T.SamplePosterior: got %d numbers of data, want %d", t, len(x), t.DataDim()))
	}
	if math.IsNaN(largest(x)) {
		panic(fmt.Sprintf("simulators: %T.SamplePosterior: got the data %v, want numbers", t, x))
	}
	r, θ := rand.New(src), mat.NewDense(n, t.Prior().Dim(), nil)
	for i := range n {
		tries := 0
		for !draw(θ.RawRowView(i), r) {
			if tries++; tries == 1e6 {
				panic(fmt.Sprintf("simulators: %T.SamplePosterior: got the data %v, which next to no parameters of the prior can make", t, x))
			}
		}
	}
	return θ
}

const log2Pi = 1.8378770664093454836 // ln 2π

// logNormal returns the logarithm of the normal density with the given mean and standard deviation.
func logNormal(x, mean, sd float64) float64 {
	u := (x - mean) / sd
	return -0.5*(u*u+log2Pi) - math.Log(sd)
}

// truncated is the normal distribution with the given mean and deviation on [lo, hi].
type truncated struct{ mean, sd, lo, hi float64 }

// tails returns the masses below lo and below hi of the normal distribution, or of its mirror image if the interval lies
// above the mean, where masses are near 0 and not near 1.
func (t truncated) tails() (sign, a, b float64) {
	sign = 1
	if t.lo > t.mean {
		sign = -1
	}
	a, b = distuv.UnitNormal.CDF(sign*(t.lo-t.mean)/t.sd), distuv.UnitNormal.CDF(sign*(t.hi-t.mean)/t.sd)
	return sign, min(a, b), max(a, b)
}

// mass returns that of the interval, before truncation.
func (t truncated) mass() float64 {
	_, a, b := t.tails()
	return b - a
}

// draw returns a number by the inverse of the distribution function, and false where the interval has no mass.
func (t truncated) draw(r *rand.Rand) (float64, bool) {
	sign, a, b := t.tails()
	if !(b > a) {
		return 0, false
	}
	z := distuv.UnitNormal.Quantile(a + (b-a)*open(r))
	return min(max(t.mean+sign*t.sd*z, t.lo), t.hi), true
}
