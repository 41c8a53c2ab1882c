package montecarlo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
)

// AnnealingOptions are the options of [AnnealedImportanceSample] and [SequentialMonteCarlo].
type AnnealingOptions struct {
	// Betas are the inverse temperatures, rising to 1. nil means as few as keep the conditional effective sample size, what the points of one are
	// worth at the next, above ConditionalESS of their number; 0 means 0.9.
	Betas          []float64
	ConditionalESS float64

	Moves      int     // Hamiltonian trajectories at each temperature; 0 means 1
	Leapfrogs  int     // steps of a trajectory; 0 means 5
	StepSize   float64 // of the first ones, in standard deviations of the points; 0 means 0.2
	Acceptance float64 // which later ones aim at; 0 means 0.7

	Progress func(AnnealingStep) // called after each temperature; nil means nothing
}

// AnnealingStep is what was done at one temperature.
type AnnealingStep struct {
	Beta                float64
	EffectiveSampleSize float64 // of the weights at this temperature, before resampling
	Resampled           bool
	Acceptance          float64 // of the moves; NaN if there were none
	StepSize            float64 // of the moves, in standard deviations of the points
}

// Annealed are points with weights for a target: the mean weight estimates its normaliser Z, and E_p[f] ≈ Σ wᵢ·f(xᵢ)/Σ wᵢ. [Resample] makes points
// without weights of them.
type Annealed struct {
	X             *mat.Dense // n×d
	LogWeights    []float64
	LogNormalizer eval.Estimate // ln Z
	Steps         []AnnealingStep

	first []int     // the number of the point at the start that each comes from
	logP  []float64 // ln p̃ of each
}

// Expectation estimates the mean under the target of a function that has the given values at the points, as [eval.Expectation] does; its error knows
// that points which come from the same first one depend on each other. It panics when there is not one value for each point.
func (a *Annealed) Expectation(values []float64) eval.Estimate {
	mean := eval.Expectation(values, a.LogWeights).Value
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return eval.Estimate{Value: mean, Error: math.NaN()}
	}
	families := make([]float64, len(values))
	logSum := floats.LogSumExp(a.LogWeights)
	for i, l := range a.LogWeights {
		if w := math.Exp(l - logSum); w > 0 {
			families[a.first[i]] += w * (values[i] - mean)
		}
	}
	return eval.Estimate{Value: mean, Error: floats.Norm(families, 2)}
}

// String returns one line: ln Z with its error, what the points are worth, and k̂ of their weights.
func (a *Annealed) String() string {
	_, k := eval.ParetoSmooth(a.LogWeights)
	return fmt.Sprintf("ln Z = %.4f ± %.4f, %d points worth %.0f, k̂ = %.2f, %d temperatures",
		a.LogNormalizer.Value, a.LogNormalizer.Error, len(a.LogWeights), eval.EffectiveSampleSize(a.LogWeights), k, len(a.Steps))
}

// AnnealedImportanceSample draws n points from the base q and moves them to the target p̃ by Hamiltonian trajectories on a sequence of densities
// ln p_β = (1−β)·ln q + β·ln p̃ in between. The weight of a point is
//
//	ln w = Σ_k (β_k − β_{k−1})·(ln p̃(x_k) − ln q(x_k)),
//
// x_k being where it is before its move at β_k. Points are independent but for what they have in common: the sizes of steps, and the temperatures
// unless Betas are given, follow from all of them, which biases the mean weight by O(1/n). Neal 2001, arXiv:physics/9803008. Its twin in normflows
// is HAIS. [nf.NewModelBase] makes a base of a model.
//
// Steps are scaled by the standard deviation of each component of the points; after each move their size changes towards the acceptance aimed at.
// The error of ln Z is that of [eval.LogNormalizer].
//
// It ends early with an error when ctx is cancelled, and when the base or target is NaN or +Inf at a point, a gradient is NaN, all weights are 0, or no
// number of temperatures is enough, as for a target that has no normaliser. It panics when an argument is nil or out of range. A nil opts
// means the defaults.
//
// The same arguments give the same bytes, on any number of cores. Cost: n·Moves·(Leapfrogs+1) gradients of base and target for each temperature.
func AnnealedImportanceSample(ctx context.Context, base nf.Base, target nf.Target, n int, opts *AnnealingOptions, src rand.Source) (*Annealed, error) {
	return anneal(ctx, newAnnealing("AnnealedImportanceSample", base, target, n, opts, src), 0)
}

// SequentialMonteCarlo is [AnnealedImportanceSample] with resampling: where the points are worth less than half of their number they are drawn anew,
// systematically, so that those which matter are kept and none is carried along in vain. At β = 1 points are moved as well.
//
// The error of ln Z is from the sums of weights Gᵢ of points that come from the same first one, √((n·Σ Gᵢ²/(Σ Gᵢ)² − 1)/(n−1)): Chan & Lai 2013,
// arXiv:1309.5488; Lee & Whiteley 2018, arXiv:1509.00394. It is near 1 when few of the first points have descendants, and says then that n is
// too small. Del Moral, Doucet & Jasra 2006.
func SequentialMonteCarlo(ctx context.Context, base nf.Base, target nf.Target, n int, opts *AnnealingOptions, src rand.Source) (*Annealed, error) {
	a := newAnnealing("SequentialMonteCarlo", base, target, n, opts, src)
	a.moveLast = true
	return anneal(ctx, a, 0.5)
}

// annealing is a population on its way from base to target.
type annealing struct {
	AnnealingOptions
	call     string
	base     nf.Base
	target   nf.Target
	src      rand.Source
	end      float64   // the last β
	moveLast bool      // there too
	stepSize []float64 // of each temperature, which moves change; nil: one after the other

	shards     *ad.Shards
	guard      *ad.Guard
	x, old     *mat.Dense
	logQ, logP []float64
	logWeights []float64
	first      []int // the number of the point at the start that each comes from
	acceptance []float64
	logZ       float64 // of weights that resampling has made equal
}

func newAnnealing(call string, base nf.Base, target nf.Target, n int, opts *AnnealingOptions, src rand.Source) *annealing {
	if base == nil || target == nil || n < 2 || src == nil {
		panic(fmt.Sprintf("montecarlo: %s: got base %v, target %v, %d points and source %v, want 2 points or more and none of the others nil", call, base, target, n, src))
	}
	a := &annealing{call: call, base: base, target: target, src: src, end: 1}
	if opts != nil {
		a.AnnealingOptions = *opts
	}
	o := &a.AnnealingOptions
	for _, f := range []struct {
		name      string
		at        *float64
		otherwise float64
		most      float64
	}{{"ConditionalESS", &o.ConditionalESS, 0.9, 1}, {"StepSize", &o.StepSize, 0.2, math.Inf(1)}, {"Acceptance", &o.Acceptance, 0.7, 1}} {
		if *f.at == 0 {
			*f.at = f.otherwise
		}
		if !(*f.at > 0 && *f.at < f.most) {
			panic(fmt.Sprintf("montecarlo: %s: got %s %v, want a number between 0 and %v", call, f.name, *f.at, f.most))
		}
	}
	if min(o.Moves, o.Leapfrogs) < 0 {
		panic(fmt.Sprintf("montecarlo: %s: got %d moves and %d leapfrog steps, want none negative", call, o.Moves, o.Leapfrogs))
	}
	o.Moves, o.Leapfrogs = max(o.Moves, 1), orDefault(o.Leapfrogs, 5)
	if len(o.Betas) > 0 && o.Betas[0] == 0 {
		o.Betas = o.Betas[1:]
	}
	last := 0.0
	for _, b := range o.Betas {
		if !(b > last && b <= 1) {
			panic(fmt.Sprintf("montecarlo: %s: got β = %v after %v, want numbers that rise to 1", call, b, last))
		}
		last = b
	}
	if o.Betas != nil && last != 1 {
		panic(fmt.Sprintf("montecarlo: %s: got %v as the last β, want 1", call, last))
	}
	d := base.Dim()
	a.shards, a.guard = ad.NewShards(ad.Float64, max(d, base.NoiseDim())), ad.NewGuard(base.State().Params())
	a.x, a.old = mat.NewDense(n, d, nil), mat.NewDense(n, d, nil)
	a.logQ, a.logP, a.logWeights, a.acceptance = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	a.first = make([]int, n)
	return a
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// anneal takes the points from the base to the end, and resamples where they are worth less than the given share of their number.
func anneal(ctx context.Context, a *annealing, resample float64) (*Annealed, error) {
	if err := a.draw(); err != nil {
		return nil, err
	}
	const most = 10_000 // temperatures
	result := &Annealed{}
	size := a.StepSize
	r := rand.New(a.src)
	for k, beta := 0, 0.0; beta < a.end; k++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("montecarlo: %s: ended at β = %.4g: %w", a.call, beta, err)
		}
		step, err := a.increment(k, beta)
		if err != nil {
			return nil, err
		}
		if beta += step; k == most || a.Betas == nil && k > 0 && a.end-beta > 0 && a.end-beta < 1e-9 {
			return nil, fmt.Errorf("montecarlo: %s: after %d temperatures β is %.12g and does not reach %v: the target may have no normaliser", a.call, k, beta, a.end)
		}
		for i := range a.logWeights {
			a.logWeights[i] += step * (a.logP[i] - a.logQ[i])
		}
		if err := checkWeights(a.call, a.logWeights); err != nil {
			return nil, err
		}
		s := AnnealingStep{Beta: beta, EffectiveSampleSize: eval.EffectiveSampleSize(a.logWeights), Acceptance: math.NaN(), StepSize: math.NaN()}
		if s.EffectiveSampleSize < resample*float64(len(a.logWeights)) {
			s.Resampled = true
			a.resample(r.Float64())
		}
		if beta < a.end || a.moveLast {
			at := &size
			if a.stepSize != nil {
				at = &a.stepSize[k]
			}
			s.Acceptance = 0
			for range a.Moves {
				s.StepSize = *at
				if err := a.move(beta, *at); err != nil {
					return nil, err
				}
				accepted := stat.Mean(a.acceptance, nil)
				s.Acceptance += accepted / float64(a.Moves)
				*at *= math.Exp(accepted - a.Acceptance)
			}
		}
		result.Steps = append(result.Steps, s)
		if a.Progress != nil {
			a.Progress(s)
		}
	}
	floats.AddConst(a.logZ, a.logWeights)
	result.X, result.LogWeights, result.LogNormalizer, result.first, result.logP = a.x, a.logWeights, a.logNormalizer(), a.first, a.logP
	return result, nil
}

// draw draws the points of the base.
func (a *annealing) draw() error {
	n, d := a.x.Dims()
	noise := mat.NewDense(n, a.base.NoiseDim(), nil)
	a.base.Noise(noise.RawMatrix().Data, rand.New(a.src))
	for i := range a.first {
		a.first[i] = i
	}
	a.each(func(t *ad.Tape, lo, hi int) {
		x, logQ := a.base.Sample(t.Rows(noise, lo, hi), nil)
		x.DataTo(a.x.RawMatrix().Data[lo*d : hi*d])
		logQ.DataTo(a.logQ[lo:hi])
		a.target.LogDensity(x).DataTo(a.logP[lo:hi])
	})
	return a.check()
}

// each runs f for all rows, on all cores.
func (a *annealing) each(f func(t *ad.Tape, lo, hi int)) {
	a.shards.Seed = [2]uint64{a.src.Uint64(), a.src.Uint64()}
	a.guard.RLockNesting()
	defer a.guard.RUnlockNesting()
	n, _ := a.x.Dims()
	a.shards.Each(n, f)
}

// check returns an error for the first number that a density cannot be.
func (a *annealing) check() error {
	for i := range a.logP {
		for _, of := range []struct {
			name string
			l    float64
		}{{"base", a.logQ[i]}, {"target", a.logP[i]}} {
			if math.IsNaN(of.l) || math.IsInf(of.l, 1) {
				return fmt.Errorf("montecarlo: %s: the log-density of the %s is %v at x = %.6g, point %d", a.call, of.name, of.l, a.x.RawRowView(i), i)
			}
		}
	}
	if math.IsInf(floats.Max(a.logP), -1) {
		return fmt.Errorf("montecarlo: %s: the density of the target is 0 at all %d points", a.call, len(a.logP))
	}
	return nil
}

// increment returns by how much β grows.
func (a *annealing) increment(k int, beta float64) (float64, error) {
	if a.Betas != nil {
		return a.Betas[k]*a.end - beta, nil
	}
	n := float64(len(a.logWeights))
	trial := make([]float64, len(a.logWeights))
	worth := func(step float64) float64 { // (Σ W·u)²/Σ W·u², the W of sum 1
		var sum, squares float64
		for i := range trial {
			trial[i] = step * (a.logP[i] - a.logQ[i])
		}
		top, most := floats.Max(trial), floats.Max(a.logWeights)
		var total float64
		for i, l := range trial {
			w, u := math.Exp(a.logWeights[i]-most), math.Exp(l-top)
			total += w
			sum += w * u
			squares += w * u * u
		}
		return sum * sum / (total * squares)
	}
	rest := a.end - beta
	if worth(rest) >= a.ConditionalESS {
		return rest, nil
	}
	lo, hi := 0.0, rest
	for range 60 {
		if mid := lo + (hi-lo)/2; worth(mid) >= a.ConditionalESS {
			lo = mid
		} else {
			hi = mid
		}
	}
	if lo == 0 || beta+lo == beta {
		return 0, fmt.Errorf("montecarlo: %s: at β = %.4g the %.0f points are worth less than %v of their number after the least step: base and target are too far apart, or the target has no normaliser",
			a.call, beta, n, a.ConditionalESS)
	}
	return lo, nil
}

// resample draws the points anew, all with the same weight.
func (a *annealing) resample(u float64) {
	n := len(a.logWeights)
	a.logZ += floats.LogSumExp(a.logWeights) - math.Log(float64(n))
	logQ, logP, first := slices.Clone(a.logQ), slices.Clone(a.logP), slices.Clone(a.first)
	for k, i := range systematic(a.logWeights, n, u) {
		copy(a.old.RawRowView(k), a.x.RawRowView(i))
		a.logQ[k], a.logP[k], a.first[k] = logQ[i], logP[i], first[i]
	}
	a.x, a.old = a.old, a.x
	clear(a.logWeights)
}

// move makes a trajectory from each point at the inverse temperature beta.
func (a *annealing) move(beta, size float64) error {
	n, d := a.x.Dims()
	sizes := make([]float64, d)
	column := make([]float64, n)
	for j := range sizes {
		mat.Col(column, j, a.x)
		if sizes[j] = size * stat.StdDev(column, nil); sizes[j] == 0 {
			sizes[j] = size
		}
	}
	a.x, a.old = a.old, a.x
	density := func(x *ad.Value) *ad.Value {
		if beta == 1 {
			return a.target.LogDensity(x)
		}
		return bridge(a.base.LogProb(x, nil), a.target.LogDensity(x), beta)
	}
	a.each(func(t *ad.Tape, lo, hi int) {
		from := t.Rows(a.old, lo, hi)
		m := leapfrog(density, from, t.Normal(hi-lo, d), t.Const(1, d, sizes), a.Leapfrogs)
		x, _ := m.decide(from, t.Uniform(hi-lo, 1).Log())
		x.DataTo(a.x.RawMatrix().Data[lo*d : hi*d])
		m.logRatio.DataTo(a.acceptance[lo:hi])
		a.base.LogProb(x, nil).DataTo(a.logQ[lo:hi])
		a.target.LogDensity(x).DataTo(a.logP[lo:hi])
	})
	for i, l := range a.acceptance {
		if floats.HasNaN(a.x.RawRowView(i)) {
			return fmt.Errorf("montecarlo: %s: the log-density, or its gradient, is NaN on a trajectory from x = %.6g at β = %.4g, point %d", a.call, a.old.RawRowView(i), beta, i)
		}
		a.acceptance[i] = math.Exp(min(0, l))
	}
	return a.check()
}

// logNormalizer returns the logarithm of the mean weight, and its error from the sums of the weights of points that have one origin.
func (a *annealing) logNormalizer() eval.Estimate {
	n := float64(len(a.logWeights))
	logZ := floats.LogSumExp(a.logWeights) - math.Log(n)
	families := make([]float64, len(a.first))
	for i, l := range a.logWeights {
		families[a.first[i]] += math.Exp(l-logZ) / n
	}
	return eval.Estimate{Value: logZ, Error: math.Sqrt(max(n*floats.Dot(families, families)-1, 0) / (n - 1))}
}
