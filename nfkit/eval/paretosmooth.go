package eval

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// ParetoSmooth returns log-weights whose largest are replaced by the expected order statistics of a generalised Pareto
// distribution that is fitted to them, none of them larger than the largest was, and the shape k̂ of that distribution.
// Smoothed weights have less variance and a small bias; the others stay as they are, and so does the order.
//
// k̂ tells whether the weights can be trusted: their moments below 1/k̂ exist. Estimates from n of them are reliable below
// [ParetoThreshold] of n, and no number of points is enough when k̂ ≥ 1.
//
// The tail has the min(n/5, 3√n) largest weights. When fewer than five stand out above the rest there is nothing to fit:
// the weights are returned as they are, with k̂ = −Inf if the largest are all equal, and +Inf otherwise. When a weight is
// NaN or infinite, k̂ is NaN and nothing is smoothed.
//
// Vehtari, Simpson, Gelman, Yao & Gabry 2024, JMLR 25(72), algorithm 1. Cost O(n·ln n).
func ParetoSmooth(logWeights []float64) (smoothed []float64, k float64) {
	smoothed = slices.Clone(logWeights)
	n := len(logWeights)
	if floats.HasNaN(logWeights) || slices.Contains(logWeights, math.Inf(1)) {
		return smoothed, math.NaN()
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(logWeights[i], logWeights[j]), cmp.Compare(i, j))
	})
	tail := int(math.Ceil(min(0.2*float64(n), 3*math.Sqrt(float64(n)))))
	if tail >= n {
		return smoothed, math.Inf(1)
	}
	top, cutoff := logWeights[order[n-1]], logWeights[order[n-tail-1]]
	if top == cutoff {
		return smoothed, math.Inf(-1)
	}
	// Weights are relative to the largest, so that they do not overflow. A cutoff below the range of float64 counts as 0.
	base := math.Exp(cutoff - top)
	order = order[n-tail:]
	var excess []float64
	for len(order) > 0 && !(math.Exp(logWeights[order[0]]-top) > base) {
		order = order[1:] // ties with the cutoff
	}
	for _, i := range order {
		excess = append(excess, math.Exp(logWeights[i]-top)-base)
	}
	if len(excess) < 5 {
		return smoothed, math.Inf(1)
	}
	k, sigma := fitGeneralizedPareto(excess)
	for j, i := range order {
		p := (float64(j) + 0.5) / float64(len(order))
		smoothed[i] = min(top, top+math.Log(base+generalizedParetoQuantile(p, k, sigma)))
	}
	return smoothed, k
}

// ParetoThreshold returns min(1 − 1/log₁₀n, 0.7): below it, k̂ of [ParetoSmooth] says that estimates from n weights, and
// their errors, are reliable. Vehtari et al. 2024, section 3.2.4.
func ParetoThreshold(n int) float64 { return min(1-1/math.Log10(float64(n)), 0.7) }

// fitGeneralizedPareto fits the distribution with survival function (1 + kx/σ)^(−1/k) to sorted positive numbers: the
// posterior mean under a prior that depends on the data, Zhang & Stephens 2009, Technometrics 51, with k drawn towards ½
// by the weight of ten numbers, as Vehtari et al. 2024, appendix C.
func fitGeneralizedPareto(x []float64) (k, sigma float64) {
	n := float64(len(x))
	m := 30 + int(math.Sqrt(n))
	quartile, largest := x[int(n/4+0.5)-1], x[len(x)-1]
	shape := func(theta float64) float64 { // k for which σ = −k/θ is most likely
		var sum float64
		for _, x := range x {
			sum += math.Log1p(-theta * x)
		}
		return sum / n
	}
	thetas, profile := make([]float64, m), make([]float64, m)
	for j := range thetas {
		theta := 1/largest + (1-math.Sqrt(float64(m)/(float64(j)+0.5)))/(3*quartile)
		k := shape(theta)
		thetas[j], profile[j] = theta, n*(math.Log(-theta/k)-k-1)
	}
	norm := floats.LogSumExp(profile)
	var theta float64
	for j, l := range profile {
		theta += thetas[j] * math.Exp(l-norm)
	}
	k = shape(theta)
	sigma = -k / theta
	return (n*k + 10*0.5) / (n + 10), sigma
}

// generalizedParetoQuantile returns the p-quantile: σ((1−p)^(−k) − 1)/k.
func generalizedParetoQuantile(p, k, sigma float64) float64 {
	if k == 0 {
		return -sigma * math.Log1p(-p)
	}
	return sigma * math.Expm1(-k*math.Log1p(-p)) / k
}
