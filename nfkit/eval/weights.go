package eval

import "fmt"

// Weights is what importance weights w = p̃/q are worth, with n of them: what they estimate, and whether to trust that.
type Weights struct {
	N                   int
	LogNormalizer       Estimate // see [LogNormalizer]
	EffectiveSampleSize float64  // see [EffectiveSampleSize]
	ParetoShape         float64  // k̂, see [ParetoSmooth]
}

// JudgeWeights returns what weights that are given by their logarithms are worth.
//
//	x, logWeights := model.ImportanceSample(target, 10_000, src)
//	fmt.Println(eval.JudgeWeights(logWeights))
//
// Weights know the target only where there are points: they look good for a model that has lost a mode. Cost O(n·ln n).
func JudgeWeights(logWeights []float64) Weights {
	_, k := ParetoSmooth(logWeights)
	return Weights{len(logWeights), LogNormalizer(logWeights), EffectiveSampleSize(logWeights), k}
}

// Reliable reports whether k̂ is below [ParetoThreshold].
func (w Weights) Reliable() bool { return w.ParetoShape < ParetoThreshold(w.N) }

// String returns one line. It says so where weights are not reliable.
func (w Weights) String() string {
	s := fmt.Sprintf("ln Z = %.4f ± %.4f, %d points worth %.0f, k̂ = %.2f", w.LogNormalizer.Value, w.LogNormalizer.Error, w.N, w.EffectiveSampleSize, w.ParetoShape)
	if !w.Reliable() {
		s += fmt.Sprintf(", not reliable above %.2f", ParetoThreshold(w.N))
	}
	return s
}
