package nfkit

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/gonum/stat/samplemv"
)

// QuasiRandom is a base whose points are spread more evenly than independent ones: the noise of one call is made of a Halton sequence whose digits are
// permuted at random. Each point has the distribution of the base, and means over the points of one call have no bias and, for smooth functions in few
// dimensions, a variance that falls nearly like 1/n² instead of 1/n: those of [NormalizingFlow.ReverseKL] and [NormalizingFlow.ImportanceSample]. They are not
// independent: what assumes that, as standard errors and tests do, is not to be had from them. Take the base itself then; states are the same.
//
// Densities are those of the base. Cost of noise: some 50 operations a number. Owen 2017, arXiv:1706.02808; Buchholz, Wenzel & Mandt 2018,
// arXiv:1807.01604.
type QuasiRandom struct {
	Base
	quantiles quantiles
}

var (
	_ Base        = (*QuasiRandom)(nil)
	_ Conditional = (*QuasiRandom)(nil)
)

// NewQuasiRandom returns the base with evenly spread noise. It is one whose noise has normal or uniform columns: [DiagGaussian], [Gaussian], [GaussianPCA],
// [ConditionalDiagGaussian], [Uniform], [UniformGaussian], [GaussianMixture], [ConditionalGaussianMixture], or a [ModelBase], [Joint] or [Mixture] of these. It
// panics for another one, and for one with more than 1000 columns of noise.
func NewQuasiRandom(base Base) *QuasiRandom {
	q := quantilesOf(base)
	switch {
	case q == nil:
		panic(fmt.Sprintf("nfkit: NewQuasiRandom: got a base (%T) whose noise is not made of normal or uniform numbers", base))
	case len(q) > mostQuasi:
		panic(fmt.Sprintf("nfkit: NewQuasiRandom: got a base with %d columns of noise, want at most %d; in many dimensions it spreads no better", len(q), mostQuasi))
	}
	return &QuasiRandom{base, q}
}

// mostQuasi is the number of columns for which gonum has primes.
const mostQuasi = 1000

// quantiles has the quantile function of each column of noise.
type quantiles []func(p float64) float64

// Quantile returns the noise whose columns have the given probabilities, as gonum wants it.
func (q quantiles) Quantile(x, p []float64) []float64 {
	for j, f := range q {
		x[j] = f(min(max(p[j], 0x1p-53), 1-0x1p-53))
	}
	return x
}

// quantilesOf returns those of a base, nil if they are not known.
func quantilesOf(base Base) quantiles {
	uniform := func(p float64) float64 { return p }
	normal := distuv.UnitNormal.Quantile
	var columns quantiles
	repeat := func(n int, f func(float64) float64) {
		for range n {
			columns = append(columns, f)
		}
	}
	switch b := base.(type) {
	case *DiagGaussian, *Gaussian, *GaussianPCA, *ConditionalDiagGaussian:
		repeat(b.NoiseDim(), normal)
	case *Uniform:
		repeat(b.NoiseDim(), uniform)
	case *UniformGaussian:
		for j := range b.Dim() {
			if b.position[j] < len(b.uniform) {
				repeat(1, func(p float64) float64 { return p - 0.5 })
			} else {
				repeat(1, normal)
			}
		}
	case *GaussianMixture, *ConditionalGaussianMixture:
		repeat(1, uniform)
		repeat(b.NoiseDim()-1, normal)
	case *ModelBase:
		return quantilesOf(b.model.base)
	case *Mixture:
		repeat(1, uniform)
		return columns.and(b.components)
	case *Joint:
		return columns.and(b.marginals)
	default:
		return nil
	}
	return columns
}

// and returns q followed by the quantile functions of bases, nil if one has none.
func (q quantiles) and(bases []Base) quantiles {
	for _, b := range bases {
		more := quantilesOf(b)
		if more == nil {
			return nil
		}
		q = append(q, more...)
	}
	return q
}

// ContextDim returns the number of columns of the context that the base takes, 0 for none.
func (q *QuasiRandom) ContextDim() int { return contextDim(q.Base) }

// Noise draws noise for all rows of dst at once.
func (q *QuasiRandom) Noise(dst []float64, r *rand.Rand) {
	if len(dst) == 0 {
		return
	}
	d := q.NoiseDim()
	halton := samplemv.Halton{Kind: samplemv.Owen, Q: q.quantiles, Src: r}
	halton.Sample(mat.NewDense(len(dst)/d, d, dst))
}

// String describes the base.
func (q *QuasiRandom) String() string { return "QuasiRandom(" + describe(q.Base) + ")" }
