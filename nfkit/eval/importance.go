package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// EffectiveSampleSize returns (Σw)²/Σw² for weights given by their logarithms: the number of independent points of the
// target that n weighted points are worth, from 1 to n. It is 0 when all weights are 0 or there are none, and NaN when one
// is NaN or infinite. Kong 1992. Cost O(n).
func EffectiveSampleSize(logWeights []float64) float64 {
	if len(logWeights) == 0 {
		return 0
	}
	_, sum, squares := sumWeights(logWeights)
	if sum == 0 {
		return 0
	}
	return sum * sum / squares
}

// LogNormalizer estimates ln Z = ln ∫p̃ as ln(1/n·Σ wᵢ), for weights w = p̃(x)/q(x) of points of q that are given by their
// logarithms. The standard error is the relative one of the mean weight, √((n/ESS − 1)/(n−1)), where ESS is the
// [EffectiveSampleSize]. Both tend to be too low while q misses a part of the target: see [ParetoSmooth]. Cost O(n).
func LogNormalizer(logWeights []float64) Estimate {
	n := float64(len(logWeights))
	if n == 0 {
		return Estimate{math.NaN(), math.NaN()}
	}
	top, sum, _ := sumWeights(logWeights)
	logZ := top
	if !math.IsInf(top, 0) {
		logZ += math.Log(sum / n)
	}
	return Estimate{logZ, math.Sqrt(max(n/EffectiveSampleSize(logWeights)-1, 0) / (n - 1))}
}

// Expectation estimates the mean under the target of a function with the given values at weighted points, the weights
// given by their logarithms, by self-normalised importance sampling:
//
//	μ = Σ wᵢfᵢ/Σ wᵢ,  error² = Σ wᵢ²(fᵢ − μ)²/(Σ wᵢ)².
//
// It is not looked at where the weight is 0. It is biased by O(1/n). When all weights are 0, or one is NaN or infinite, it
// is NaN. Owen 2013, Monte Carlo theory, methods and examples, eq. 9.8 and 9.9. Cost O(n). It panics when the numbers of
// values and weights differ.
func Expectation(values, logWeights []float64) Estimate {
	if len(values) != len(logWeights) {
		panic(fmt.Sprintf("eval: Expectation: got %d values and %d weights, want as many", len(values), len(logWeights)))
	}
	if len(values) == 0 {
		return Estimate{math.NaN(), math.NaN()}
	}
	top, sum, _ := sumWeights(logWeights)
	each := func(f func(w, value float64)) {
		for i, l := range logWeights {
			if w := math.Exp(l-top) / sum; w != 0 {
				f(w, values[i])
			}
		}
	}
	if !(sum > 0) {
		return Estimate{math.NaN(), math.NaN()}
	}
	var mean, variance float64
	each(func(w, v float64) { mean += w * v })
	each(func(w, v float64) { variance += w * w * (v - mean) * (v - mean) })
	return Estimate{mean, math.Sqrt(variance)}
}

// sumWeights returns the largest logarithm, and the sums of the weights and of their squares relative to it. The sums are
// 0 when all weights are, and NaN when one is NaN or infinite.
func sumWeights(logWeights []float64) (top, sum, squares float64) {
	if floats.HasNaN(logWeights) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	top = floats.Max(logWeights)
	if math.IsInf(top, -1) {
		return top, 0, 0
	}
	for _, l := range logWeights {
		w := math.Exp(l - top)
		sum += w
		squares += w * w
	}
	return top, sum, squares
}
