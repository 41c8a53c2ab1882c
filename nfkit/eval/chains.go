package eval

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// RHat returns R̂ of a quantity along Markov chains of equal lengths: 1 when they agree with one another and with
// themselves, larger when they have not mixed. Trust them below 1.01. With each chain cut into halves of n draws,
//
//	R̂ = √((n−1)/n + B/(nW)),
//
// where B/n is the variance of the means of the halves and W the mean of their variances, of the normal scores of the
// draws; it is the larger one of that of the draws and that of their distances from the median, which finds chains that
// differ in scale. A finite variance is not needed.
//
// It is NaN when a draw is, and for a constant. Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, Bayesian Analysis
// 16(2), eq. 3, 4 and 14. Cost O(N·ln N) for N draws in all. It panics when there are no chains, their lengths differ, or
// are below 4.
func RHat(chains [][]float64) float64 {
	x := pool("RHat", chains)
	if floats.HasNaN(x) {
		return math.NaN()
	}
	halves := 2 * len(chains)
	return max(rHat(normalScores(x), halves), rHat(normalScores(fold(x)), halves))
}

// BulkEffectiveSampleSize returns the number of independent draws that Markov chains of equal lengths are worth for the
// centre of a quantity's distribution: for its mean, if that exists. It is
//
//	N/(1 + 2·Σ ρ(t))
//
// of the normal scores of the draws of the chains cut into halves, ρ being the autocorrelation in and between chains,
// summed by Geyer's initial monotone sequence, and at most N·log₁₀N, for antithetic chains. Trust R̂ and it above a
// hundred a chain.
//
// It is NaN when a draw is, and for a constant. Vehtari et al. 2021, section 3. Cost O(N·ln N) for N draws in all. It
// panics when there are no chains, their lengths differ, or are below 8.
func BulkEffectiveSampleSize(chains [][]float64) float64 {
	x := pool("BulkEffectiveSampleSize", chains)
	if floats.HasNaN(x) {
		return math.NaN()
	}
	return chainSampleSize(normalScores(x), 2*len(chains))
}

// TailEffectiveSampleSize is [BulkEffectiveSampleSize] for the tails: the lesser one of the effective sample sizes of the
// events that the quantity is at most its 5 % quantile, and at most its 95 % quantile. Vehtari et al. 2021, section 4.3.
func TailEffectiveSampleSize(chains [][]float64) float64 {
	x := pool("TailEffectiveSampleSize", chains)
	if floats.HasNaN(slices.Concat(chains...)) {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(chains...)))
	size := math.Inf(1)
	for _, p := range []float64{0.05, 0.95} {
		q := sortedQuantile(p, sorted)
		below := make([]float64, len(x))
		for i, v := range x {
			if v <= q {
				below[i] = 1
			}
		}
		size = min(size, chainSampleSize(below, 2*len(chains)))
	}
	return size
}

// pool returns the draws of the halves of chains, one half after the other. The middle draw of an odd number is left out.
func pool(caller string, chains [][]float64) []float64 {
	least := 8
	if caller == "RHat" {
		least = 4
	}
	n := checkChains(caller, chains, least)
	x := make([]float64, 0, n*len(chains))
	for _, c := range chains {
		x = append(append(x, c[:n/2]...), c[n-n/2:]...)
	}
	return x
}

// checkChains returns the length of chains. It panics unless it is one for all, and long enough.
func checkChains(caller string, chains [][]float64, least int) int {
	if len(chains) == 0 {
		panic(fmt.Sprintf("eval: %s: got no chains, want at least one", caller))
	}
	n := len(chains[0])
	for i, c := range chains {
		if len(c) != n || n < least {
			panic(fmt.Sprintf("eval: %s: got %d draws in chain 0 and %d in chain %d, want as many in each, and at least %d", caller, n, len(c), i, least))
		}
	}
	return n
}

// fold returns the distances from the median.
func fold(x []float64) []float64 {
	median := sortedQuantile(0.5, slices.Sorted(slices.Values(x)))
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v - median)
	}
	return y
}

// rHat returns R̂ of m chains, one after the other.
func rHat(x []float64, m int) float64 {
	n := len(x) / m
	means, variances := make([]float64, m), make([]float64, m)
	for i := range m {
		means[i], variances[i] = stat.MeanVariance(x[i*n:(i+1)*n], nil)
	}
	return math.Sqrt(float64(n-1)/float64(n) + stat.Variance(means, nil)/stat.Mean(variances, nil))
}

// chainSampleSize returns the effective sample size of m chains, one after the other: Vehtari et al. 2021, eq. 10 to 13,
// as Stan computes it.
func chainSampleSize(x []float64, m int) float64 {
	if slices.Min(x) == slices.Max(x) {
		return math.NaN()
	}
	n := len(x) / m
	means := make([]float64, m)
	covariance := make([]float64, n) // mean over the chains, by lag
	for i := range m {
		c := x[i*n : (i+1)*n]
		means[i] = stat.Mean(c, nil)
		floats.AddScaled(covariance, 1/float64(m), autocovariance(c, means[i]))
	}
	within := covariance[0] * float64(n) / float64(n-1)
	total := covariance[0]
	if m > 1 {
		total += stat.Variance(means, nil)
	}
	rho := func(t int) float64 {
		if t == 0 {
			return 1
		}
		return 1 - (within-covariance[t])/total
	}
	// Sums of pairs of neighbours are positive and fall for a reversible chain; from where they do not, there is noise only.
	var sum float64
	pair := math.Inf(1)
	t := 0
	for ; t == 0 || t < n-5; t += 2 {
		p := rho(t) + rho(t+1)
		if !(p > 0) {
			break
		}
		pair = min(pair, p)
		sum += pair
	}
	time := 2*sum - 1
	if t < n && rho(t) > 0 {
		time += rho(t) // the first half of the pair that is left out: less variance for antithetic chains
	}
	all := float64(n * m)
	return all / max(time, 1/math.Log10(all))
}
