package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// GaussianMixture is a mixture of K normal distributions, by default with independent components,
//
//	p(z) = Σₖ wₖ·Πⱼ Normal(zⱼ; μₖⱼ, e^{sₖⱼ}),  w = softmax(weight_scores),
//
// with means μ (loc) and logarithmic standard deviations s (log_scale), both 1×K×d. With [CovarianceFull], each component depends on those before it,
//
//	p(z) = Σₖ wₖ·Πⱼ Normal(zⱼ; μₖⱼ − Σ_{i<j} mₖⱼᵢ·(zᵢ − μₖᵢ), e^{sₖⱼ}),
//
// which is the modified Cholesky decomposition of a covariance matrix, with m (lower_entries) 1×K×d(d−1)/2 by rows and 0 at first; with
// [CovarianceTied], m and s are the same for all K. Pourahmadi 1999, doi:10.1093/biomet/86.3.677. Cost O(nKd), or O(nKd²).
//
// A sample is a differentiable function of means and deviations, but not of the weights: those choose the distribution, and the choice
// has no gradient. Its density has gradients of all. Its twin in normflows is GaussianMixture, in zuko GMM. [ConditionalGaussianMixture] depends
// on a context.
type GaussianMixture struct {
	gaussianModes
	loc, logScale, lower, scores *ad.Param // lower is nil if components are independent
}

var _ Base = (*GaussianMixture)(nil)

// Covariance says how the components of the distributions of a [GaussianMixture] depend on each other.
type Covariance uint8

const (
	CovarianceDiag Covariance = iota // not at all
	CovarianceFull                   // in each distribution in its own way
	CovarianceTied                   // in all distributions in the same way, with the same deviations
)

// GaussianMixtureOptions are the options of [NewGaussianMixture].
type GaussianMixtureOptions struct {
	Covariance Covariance

	Loc     mat.Matrix // means, K×d; nil means to draw them from the standard normal distribution
	Scale   mat.Matrix // standard deviations, K×d, or 1×d with CovarianceTied; nil means ones
	Weights []float64  // K positive numbers, proportional to the weights; nil means equal weights

	// Data are rows to start at, instead of Loc, Scale and Weights: K clusters of them are found by k-means, and their means, covariances and
	// shares are those of the mixture. Arthur & Vassilvitskii 2007, k-means++.
	Data mat.Matrix

	Fixed bool // nothing is trained
}

// NewGaussianMixture returns a mixture of the given number of modes in dim dimensions. A nil opts means the defaults.
// src is used when there are no means in opts and may be nil otherwise. It panics when modes or dim is not positive, or
// an option has another size or numbers that are not positive, or Data fewer rows than modes or numbers that are not finite.
func NewGaussianMixture(modes, dim int, opts *GaussianMixtureOptions, src rand.Source) *GaussianMixture {
	const caller = "NewGaussianMixture"
	o := GaussianMixtureOptions{}
	if opts != nil {
		o = *opts
	}
	g := &GaussianMixture{gaussianModes: newGaussianModes(caller, modes, dim, o.Covariance)}
	means, scales, scores := make([]float64, modes*dim), make([]float64, g.shapes()*dim), make([]float64, modes)
	lower := make([]float64, g.shapes()*len(g.before))
	if o.Data != nil {
		if o.Loc != nil || o.Scale != nil || o.Weights != nil {
			panic("nfkit: NewGaussianMixture: got Data with Loc, Scale or Weights, which are taken from it")
		}
		g.startAt(o.Data, means, scales, lower, scores, newRand(caller, src))
	} else if o.Loc == nil {
		fillNormal(means, newRand(caller, src))
	} else {
		fillFrom(means, "means", o.Loc, modes, dim)
	}
	if o.Scale != nil {
		fillFrom(scales, "standard deviations", o.Scale, g.shapes(), dim)
		logPositive("NewGaussianMixture", scales, "standard deviations")
	}
	if o.Weights != nil {
		if len(o.Weights) != modes {
			panic(fmt.Sprintf("nfkit: NewGaussianMixture: got %d weights, want %d", len(o.Weights), modes))
		}
		copy(scores, o.Weights)
		logPositive("NewGaussianMixture", scores, "weights")
	}
	g.loc, g.logScale, g.scores = ad.NewParam(1, len(means), means), ad.NewParam(1, len(scales), scales), ad.NewParam(1, modes, scores)
	g.loc.Frozen, g.logScale.Frozen, g.scores.Frozen = o.Fixed, o.Fixed, o.Fixed
	if o.Covariance != CovarianceDiag {
		g.lower = ad.NewParam(1, len(lower), lower)
		g.lower.Frozen = o.Fixed
	}
	return g
}

// fillFrom copies the elements of m, which must be r×c.
func fillFrom(dst []float64, what string, m mat.Matrix, r, c int) {
	if n, k := m.Dims(); n != r || k != c {
		panic(fmt.Sprintf("nfkit: NewGaussianMixture: got %d×%d %s, want %d×%d", n, k, what, r, c))
	}
	for i := range dst {
		dst[i] = m.At(i/c, i%c)
	}
}

// logPositive replaces numbers with their logarithms. It panics unless they are positive.
func logPositive(caller string, s []float64, what string) {
	for i, x := range s {
		if !(x > 0) || !isFinite(x) {
			panic(fmt.Sprintf("nfkit: %s: got %v among the %s, want positive numbers", caller, x, what))
		}
		s[i] = math.Log(x)
	}
}

// on returns the parameters on a tape.
func (g *GaussianMixture) on(t *ad.Tape) normals {
	p := normals{scores: t.Param(g.scores), loc: t.Param(g.loc), scale: t.Param(g.logScale)}
	if g.lower != nil {
		p.lower = t.Param(g.lower)
	}
	return p
}

// LogProb returns the log-density of each row of z.
func (g *GaussianMixture) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("GaussianMixture.LogProb", z, g.dim)
	return g.logProb(z, g.on(z.Tape()))
}

// Sample returns a sample of the distribution k that the first column of noise chooses, the first for which w₁ + … + wₖ is greater: without
// covariances μₖ + e^{sₖ}⊙ε, where ε is the rest of the noise.
func (g *GaussianMixture) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("GaussianMixture.Sample", noise, g.NoiseDim())
	return g.sample(noise, g.on(noise.Tape()))
}

// State lists loc, log_scale and weight_scores, and lower_entries if there are covariances.
func (g *GaussianMixture) State() State {
	s := State{
		ParamTensor("loc", g.loc, 1, g.modes, g.dim), ParamTensor("log_scale", g.logScale, 1, g.shapes(), g.dim),
		ParamTensor("weight_scores", g.scores, 1, g.modes),
	}
	if g.lower != nil {
		s = append(s, ParamTensor("lower_entries", g.lower, 1, g.shapes(), len(g.before)))
	}
	return s
}
