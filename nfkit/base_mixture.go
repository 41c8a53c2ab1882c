package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// GaussianMixture is a mixture of K normal distributions with independent components,
//
//	p(z) = Σₖ wₖ·Πⱼ Normal(zⱼ; μₖⱼ, e^{sₖⱼ}),  w = softmax(weight_scores),
//
// with means μ (loc) and logarithmic standard deviations s (log_scale), both 1×K×d. Cost O(nKd). A sample is a
// differentiable function of means and deviations, but not of the weights: those choose the component, and the choice
// has no gradient. Its density has gradients of all. Its twin in normflows is GaussianMixture.
type GaussianMixture struct {
	modes, dim            int
	loc, logScale, scores *ad.Param
	tile                  []int     // the numbers of the components of a point, K times
	upTo                  []float64 // K×K, ones on and above the diagonal
}

var _ Base = (*GaussianMixture)(nil)

// GaussianMixtureOptions are the options of [NewGaussianMixture].
type GaussianMixtureOptions struct {
	Loc     mat.Matrix // means, K×d; nil means to draw them from the standard normal distribution
	Scale   mat.Matrix // standard deviations, K×d; nil means ones
	Weights []float64  // K positive numbers, proportional to the weights; nil means equal weights
	Fixed   bool       // nothing is trained
}

// NewGaussianMixture returns a mixture of the given number of modes in dim dimensions. A nil opts means the defaults.
// src is used when there are no means in opts and may be nil otherwise. It panics when modes or dim is not positive, or
// an option has another size or numbers that are not positive.
func NewGaussianMixture(modes, dim int, opts *GaussianMixtureOptions, src rand.Source) *GaussianMixture {
	if modes < 1 || dim < 1 {
		panic(fmt.Sprintf("nfkit: NewGaussianMixture: got %d modes in dimension %d, want 1 or more of both", modes, dim))
	}
	o := GaussianMixtureOptions{}
	if opts != nil {
		o = *opts
	}
	g := &GaussianMixture{modes: modes, dim: dim}
	means := make([]float64, modes*dim)
	if o.Loc == nil {
		fillNormal(means, newRand("NewGaussianMixture", src))
	} else {
		g.fill(means, "means", o.Loc)
	}
	scales, scores := make([]float64, modes*dim), make([]float64, modes)
	if o.Scale != nil {
		g.fill(scales, "standard deviations", o.Scale)
		logPositive("NewGaussianMixture", scales, "standard deviations")
	}
	if o.Weights != nil {
		if len(o.Weights) != modes {
			panic(fmt.Sprintf("nfkit: NewGaussianMixture: got %d weights, want %d", len(o.Weights), modes))
		}
		copy(scores, o.Weights)
		logPositive("NewGaussianMixture", scores, "weights")
	}
	g.loc, g.logScale, g.scores = ad.NewParam(1, modes*dim, means), ad.NewParam(1, modes*dim, scales), ad.NewParam(1, modes, scores)
	g.loc.Frozen, g.logScale.Frozen, g.scores.Frozen = o.Fixed, o.Fixed, o.Fixed
	for k := range modes {
		for j := range dim {
			g.tile = append(g.tile, j)
		}
		for l := range modes {
			one := 0.0
			if l >= k {
				one = 1
			}
			g.upTo = append(g.upTo, one)
		}
	}
	return g
}

// fill copies the elements of m, which must be K×d.
func (g *GaussianMixture) fill(dst []float64, what string, m mat.Matrix) {
	if r, c := m.Dims(); r != g.modes || c != g.dim {
		panic(fmt.Sprintf("nfkit: NewGaussianMixture: got %d×%d %s, want %d×%d", r, c, what, g.modes, g.dim))
	}
	for i := range dst {
		dst[i] = m.At(i/g.dim, i%g.dim)
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

// Dim returns the number of components of a point.
func (g *GaussianMixture) Dim() int { return g.dim }

// NoiseDim returns 1 more than the number of components: the first number chooses the mode.
func (g *GaussianMixture) NoiseDim() int { return 1 + g.dim }

// Noise draws, for each row, a uniform number from [0, 1) and then standard normal ones.
func (g *GaussianMixture) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		if i%g.NoiseDim() == 0 {
			dst[i] = r.Float64()
		} else {
			dst[i] = r.NormFloat64()
		}
	}
}

// LogProb returns the log-density of each row of z.
func (g *GaussianMixture) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("GaussianMixture.LogProb", z, g.dim)
	t, n := z.Tape(), z.Rows()
	scale := t.Param(g.logScale)
	e := z.Columns(g.tile).Sub(g.loc).Mul(scale.Neg().Exp())              // n×Kd
	distance := e.Square().Reshape(n*g.modes, g.dim).RowSum().Scale(-0.5) // nK×1
	volume := scale.Reshape(g.modes, g.dim).RowSum().Reshape(1, g.modes)  // 1×K
	weight := t.Param(g.scores).LogSoftmax().Sub(volume)                  // 1×K
	return distance.Reshape(n, g.modes).Add(weight).LogSumExp().Shift(-0.5 * log2Pi * float64(g.dim))
}

// Sample returns μₖ + e^{sₖ}⊙ε, where ε is all of the noise but its first column, and k the mode that this chooses: the
// first for which w₁ + … + wₖ is greater.
func (g *GaussianMixture) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("GaussianMixture.Sample", noise, g.NoiseDim())
	t := noise.Tape()
	choice := g.choose(noise.Slice(0, 1)) // n×K
	loc := choice.MatMul(t.Param(g.loc).Reshape(g.modes, g.dim))
	scale := choice.MatMul(t.Param(g.logScale).Reshape(g.modes, g.dim))
	z = noise.Slice(1, 1+g.dim).Mul(scale.Exp()).Add(loc)
	return z, g.LogProb(z, nil)
}

// choose returns, for each row of u, 1 in the column of the mode that it chooses and 0 in the others. Of the K−1 sums
// w₁ + … + wₖ that leave out the last weight, u has passed as many as there are modes before its own.
func (g *GaussianMixture) choose(u *ad.Value) *ad.Value {
	t := u.Tape()
	sums := t.Param(g.scores).LogSoftmax().Exp().MatMul(t.Const(g.modes, g.modes, g.upTo)) // 1×K
	passed := u.Sub(sums.Slice(0, g.modes-1)).LogIndicator(0, math.Inf(1)).Exp()           // n×(K−1)
	ones, zeros := t.Full(u.Rows(), 1, 1), t.Full(u.Rows(), 1, 0)
	return ones.Concat(passed).Sub(passed.Concat(zeros))
}

// State lists loc, log_scale and weight_scores.
func (g *GaussianMixture) State() State {
	return State{
		ParamTensor("loc", g.loc, 1, g.modes, g.dim), ParamTensor("log_scale", g.logScale, 1, g.modes, g.dim),
		ParamTensor("weight_scores", g.scores, 1, g.modes),
	}
}
