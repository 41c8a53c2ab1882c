package eval

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"
)

// KolmogorovSmirnovUniform tests whether numbers are independent and uniform on [0, 1]: the statistic is the largest
// distance D between their empirical distribution function and u. The p-value is the asymptotic one at (√n + 0.12 +
// 0.11/√n)·D, Stephens 1970, J. R. Stat. Soc. B 32: off by 0.02 at most from n = 20 on, and by a few percent of itself
// near 0.01. NaN gives NaN. Cost O(n·ln n). It panics when there are no numbers.
func KolmogorovSmirnovUniform(u []float64) Test {
	if len(u) == 0 {
		panic("eval: KolmogorovSmirnovUniform: got no numbers, want at least one")
	}
	if floats.HasNaN(u) {
		return Test{math.NaN(), math.NaN()}
	}
	n := float64(len(u))
	var d float64
	for i, v := range slices.Sorted(slices.Values(u)) {
		v = min(max(v, 0), 1) // what lies outside is as far off as it can be
		d = max(d, v-float64(i)/n, float64(i+1)/n-v)
	}
	return Test{d, kolmogorov(d, n)}
}

// RankKolmogorovSmirnov tests whether ranks among draws are independent and uniform on 0 to draws, as those of [Ranks],
// [HighestDensityRank] and [TARPRank] are for the right posterior. The statistic is the largest distance between the
// empirical distribution function and the uniform one at the ranks. It is the test for shifts: few draws make it
// conservative, but not wrong. Cost O(n + draws). It panics when there are no ranks or one is out of range.
func RankKolmogorovSmirnov(ranks []int, draws int) Test {
	counts := checkRanks("RankKolmogorovSmirnov", ranks, draws)
	n := float64(len(ranks))
	var d float64
	below := 0
	for k, c := range counts {
		below += c
		d = max(d, math.Abs(float64(below)/n-float64(k+1)/float64(draws+1)))
	}
	return Test{d, kolmogorov(d, n)}
}

// RankChiSquare tests the same by Pearson's χ² = Σ (observed − expected)²/expected over bins of neighbouring ranks: it
// sees any deviation that is wider than a bin. There are n/10 bins, from 2 to 20 and at most one for each rank. Talts et
// al. 2018, section 4. Cost O(n + draws). It panics when there are no ranks or one is out of range, or draws is 0.
func RankChiSquare(ranks []int, draws int) Test {
	counts := checkRanks("RankChiSquare", ranks, draws)
	if draws == 0 {
		panic("eval: RankChiSquare: got ranks among 0 draws, want at least one draw")
	}
	bins := min(max(len(ranks)/10, 2), 20, draws+1)
	var chi2 float64
	for b := range bins {
		lo, hi := b*(draws+1)/bins, (b+1)*(draws+1)/bins
		expected := float64(len(ranks)) * float64(hi-lo) / float64(draws+1)
		observed := 0
		for _, c := range counts[lo:hi] {
			observed += c
		}
		chi2 += (float64(observed) - expected) * (float64(observed) - expected) / expected
	}
	return Test{chi2, distuv.ChiSquared{K: float64(bins - 1)}.Survival(chi2)}
}

// checkRanks returns how often each rank occurs. It panics when there are none or one is not from 0 to draws.
func checkRanks(caller string, ranks []int, draws int) []int {
	if len(ranks) == 0 || draws < 0 {
		panic(fmt.Sprintf("eval: %s: got %d ranks among %d draws, want at least one rank", caller, len(ranks), draws))
	}
	counts := make([]int, draws+1)
	for i, r := range ranks {
		if r < 0 || r > draws {
			panic(fmt.Sprintf("eval: %s: rank %d is %d, want one from 0 to the number of draws, %d", caller, i, r, draws))
		}
		counts[r]++
	}
	return counts
}

// kolmogorov returns the probability that the distance of n uniform numbers from their distribution exceeds d.
func kolmogorov(d, n float64) float64 {
	x := (math.Sqrt(n) + 0.12 + 0.11/math.Sqrt(n)) * d
	if x < 0.3 { // the series converges slowly, to 1 − 1e-5 or more
		return 1
	}
	var sum float64
	for k, sign := 1.0, 2.0; ; k, sign = k+1, -sign {
		term := math.Exp(-2 * k * k * x * x)
		sum += sign * term
		if term < 1e-17 {
			return min(max(sum, 0), 1)
		}
	}
}
