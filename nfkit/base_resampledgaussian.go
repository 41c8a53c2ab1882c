package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ResampledGaussian is a normal distribution with independent components whose points a network accepts or rejects: it can have holes and several modes,
// which no flow can make of a normal distribution exactly. A point z = μ + e^s⊙ε, ε ~ Normal(0, I), is accepted with probability a(ε) = σ(net(ε)), and drawn
// anew otherwise, until it is accepted or the T-th, which is taken as it is:
//
//	ln p(z) = ln Normal(z; μ, e^s) + ln((1−α)·a(ε)/Z + α),  Z = E[a(ε)],  α = (1−Z)^{T−1}.
//
// Z is the mean of a over a fixed set of evenly spread points, and in training over points that are drawn anew in each step, so that the network
// cannot learn to avoid them. Densities therefore integrate to 1 but for the relative error of that mean, which [ResampledGaussian.Acceptance] measures: of the
// order of 1/√(Points·Z) in many dimensions, and much less in few. Nothing is stored that could lag behind the parameters: the moving average Z of the
// reference is no part of the State, and a file of its must be saved without it.
//
// Gradients of samples are those of a point that stays accepted. They leave out how the choice depends on the network: train it from data, or
// from weighted points as package montecarlo does, rather than by [NormalizingFlow.ReverseKL], where only loc and log_scale have the whole gradient.
//
// Cost: an evaluation of the network for each point and Points for each shard of a batch; for a sample some 1/Z evaluations, at most T.
//
// Bauer & Mnih 2019, arXiv:1810.11428; Stimper, Schölkopf & Hernández-Lobato 2022, arXiv:2110.15828, whose ResampledGaussian it is. That takes a network
// with a sigmoid at its end, and names its tensors a as well; here the network is without.
type ResampledGaussian struct {
	loc, logScale *ad.Param
	net           Net
	truncation    int
	points        *mat.Dense
}

var _ Base = (*ResampledGaussian)(nil)

// ResampledGaussianOptions are the options of [NewResampledGaussian].
type ResampledGaussianOptions struct {
	Truncation int  // T, the most points that are drawn for one; 2 or more, 0 means 100
	Points     int  // of the mean Z; 0 means 1024
	Fixed      bool // mean and standard deviation are not trained
}

// NewResampledGaussian returns a standard normal distribution whose points the network accepts: one of the dimension's columns of input and one of
// output, the logit of the probability. A nil opts means the defaults. It panics when the network is nil, has another number of outputs or wants a
// context, or an option is out of range.
func NewResampledGaussian(net Net, opts *ResampledGaussianOptions) *ResampledGaussian {
	if net == nil {
		panic("nfkit: NewResampledGaussian: got a nil network")
	}
	var o ResampledGaussianOptions
	if opts != nil {
		o = *opts
	}
	if o.Truncation == 0 {
		o.Truncation = 100
	}
	if o.Points == 0 {
		o.Points = 1024
	}
	d := net.In()
	if c := contextDim(net); d < 1 || net.Out() != 1 || c != 0 || o.Truncation < 2 || o.Points < 1 {
		panic(fmt.Sprintf("nfkit: NewResampledGaussian: got a network of %d columns to %d with a context of %d, truncation %d and %d points, want 1 or more to 1, no context, 2 or more, and 1 or more",
			d, net.Out(), c, o.Truncation, o.Points))
	}
	g := &ResampledGaussian{loc: ad.NewParam(1, d, make([]float64, d)), logScale: ad.NewParam(1, d, make([]float64, d)), net: net,
		truncation: o.Truncation, points: mat.NewDense(o.Points, d, nil)}
	g.loc.Frozen, g.logScale.Frozen = o.Fixed, o.Fixed
	var base Base = NewDiagGaussian(d, nil)
	if d <= mostQuasi {
		base = NewQuasiRandom(base)
	}
	base.Noise(g.points.RawMatrix().Data, rand.New(rand.NewPCG(1, 2)))
	return g
}

// Dim returns the number of components.
func (g *ResampledGaussian) Dim() int { return len(g.loc.Data) }

// NoiseDim returns 3: the seed of all that is drawn for one point.
func (g *ResampledGaussian) NoiseDim() int { return 3 }

const seedBits = 21 // of a number of noise, which float32 has without rounding

// Noise draws seeds, in three whole numbers below 2²¹.
func (g *ResampledGaussian) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = float64(r.Uint64() >> (64 - seedBits))
	}
}

// proposals returns the generator that a row of noise seeds.
func proposals(noise []float64) *rand.Rand {
	var seed uint64
	for _, part := range noise {
		seed = seed<<seedBits | uint64(part)
	}
	return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) // 2⁶⁴ over the golden ratio
}

// least is a ln Z below which ln((1−α)/Z) is ln(T−1), and computed as such.
const least = -69

// logAcceptance returns ln Z and ln(1 − Z), 1×1, on a tape that has the given number of rows.
func (g *ResampledGaussian) logAcceptance(t *ad.Tape, rows int) (logZ, logRest *ad.Value) {
	m, d := g.points.Dims()
	var e *ad.Value
	if t.Training() && rows > 0 {
		m = (m + rows - 1) / rows * rows
		e = t.Normal(m, d)
	} else {
		e = t.Matrix(g.points)
	}
	logit := g.net.Apply(e, nil).Reshape(1, m)
	logM := math.Log(float64(m))
	logZ = logit.LogSigmoid().LogSumExp().Shift(-logM).Max(t.Full(1, 1, least))
	// ln(1 − Z) by the lesser of both.
	half := t.Full(1, 1, 0.5)
	z := logZ.Exp()
	few, many := z.Min(half).Neg().Log1p(), logit.Neg().LogSigmoid().LogSumExp().Shift(-logM)
	return logZ, half.Sub(z).Where(few, many)
}

// density returns the log-density of the points μ + e^s⊙ε, n×1.
func (g *ResampledGaussian) density(e *ad.Value) *ad.Value {
	logZ, logRest := g.logAcceptance(e.Tape(), e.Rows())
	logAlpha := logRest.Scale(float64(g.truncation - 1))
	logFactor := logAlpha.Expm1().Neg().Log().Sub(logZ) // ln((1−α)/Z)
	accepted := g.net.Apply(e, nil).LogSigmoid().Add(logFactor)
	return normalLogProb(e, g.logScale.On(e)).Add(logAddExp(accepted, logAlpha))
}

// LogProb returns the log-density of each row of z.
func (g *ResampledGaussian) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("ResampledGaussian.LogProb", z, g.Dim())
	return g.density(z.Sub(g.loc).Mul(g.logScale.On(z).Neg().Exp()))
}

// Sample returns the first points that are accepted.
func (g *ResampledGaussian) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("ResampledGaussian.Sample", noise, g.NoiseDim())
	t, n, d := noise.Tape(), noise.Rows(), g.Dim()
	seeds, chosen := noise.Data(), make([]float64, n*d)
	random, left := make([]*rand.Rand, n), make([]int, n) // the rows that nothing has been accepted for
	for i := range n {
		random[i], left[i] = proposals(seeds[3*i:3*i+3]), i
	}
	proposed := make([]float64, n*d)
	training := t.Training()
	t.SetTraining(false) // a network that drops units has noise for the rows of a batch alone
	for k := 1; len(left) > 0; k++ {
		proposed = proposed[:len(left)*d]
		for at, i := range left {
			fillNormal(proposed[at*d:(at+1)*d], random[i])
		}
		var logit []float64 // none for the last
		if k < g.truncation {
			logit = t.Scratch(func() *ad.Value { return g.net.Apply(t.Const(len(left), d, proposed), nil) }).Data()
		}
		still := left[:0]
		for at, i := range left {
			u := random[i].Float64()
			if logit == nil || math.Log(u)-math.Log1p(-u) < logit[at] {
				copy(chosen[i*d:(i+1)*d], proposed[at*d:])
			} else {
				still = append(still, i)
			}
		}
		left = still
	}
	t.SetTraining(training)
	e := t.Const(n, d, chosen)
	return e.Mul(g.logScale.On(e).Exp()).Add(g.loc), g.density(e)
}

// Acceptance estimates Z, the share of points that are accepted, from n new ones, and returns its standard error. It is what the densities' integral is
// measured by: theirs is off by the relative difference of this Z and their own. It panics unless n is 2 or more and src is not nil.
func (g *ResampledGaussian) Acceptance(n int, src rand.Source) (z, standardError float64) {
	if n < 2 || src == nil {
		panic(fmt.Sprintf("nfkit: ResampledGaussian.Acceptance: got %d points and source %v, want 2 or more and a source as rand.NewPCG(1, 2)", n, src))
	}
	e := mat.NewDense(n, g.Dim(), nil)
	fillNormal(e.RawMatrix().Data, rand.New(src))
	a := make([]float64, n)
	ad.NewShards(ad.Float64, g.Dim()).Each(n, func(t *ad.Tape, lo, hi int) {
		g.net.Apply(t.Rows(e, lo, hi), nil).Sigmoid().DataTo(a[lo:hi])
	})
	mean, sd := stat.MeanStdDev(a, nil)
	return mean, sd / math.Sqrt(float64(n))
}

// State lists loc, log_scale and the network's tensors under a.
func (g *ResampledGaussian) State() State {
	d := g.Dim()
	return append(State{ParamTensor("loc", g.loc, 1, d), ParamTensor("log_scale", g.logScale, 1, d)}, g.net.State().Under("a").OwnedBy(g)...)
}
