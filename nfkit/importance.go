package nfkit

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// EffectiveSampleSize returns (Σw)²/Σw² for weights given by their logarithms: the number of independent points of the
// target that n weighted points are worth, from 1 to n. It is 0 when all weights are 0 or there are none, and NaN when
// one is NaN or infinite. Kong 1992.
func EffectiveSampleSize(logWeights []float64) float64 {
	if len(logWeights) == 0 {
		return 0
	}
	top := floats.Max(logWeights)
	if math.IsInf(top, -1) && !floats.HasNaN(logWeights) {
		return 0
	}
	var sum, squares float64
	for _, l := range logWeights {
		w := math.Exp(l - top)
		sum += w
		squares += w * w
	}
	return sum * sum / squares
}

// LogNormalizer estimates ln Z = ln ∫p̃ as ln(1/n·Σ wᵢ), for weights given by their logarithms, with a standard error:
// the relative one of the mean weight, √((n/ESS − 1)/(n−1)), where ESS is the [EffectiveSampleSize]. Both tend to be
// too low while the model misses a part of the target.
func LogNormalizer(logWeights []float64) (logZ, stdErr float64) {
	n := float64(len(logWeights))
	logZ = logSumExp(logWeights) - math.Log(n)
	return logZ, math.Sqrt(max(n/EffectiveSampleSize(logWeights)-1, 0) / (n - 1))
}

// logSumExp is that of gonum, but NaN if there is a NaN beside an infinite number, and −Inf for no numbers.
func logSumExp(s []float64) float64 {
	switch {
	case len(s) == 0:
		return math.Inf(-1)
	case floats.HasNaN(s):
		return math.NaN()
	}
	return floats.LogSumExp(s)
}
