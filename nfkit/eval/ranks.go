package eval

import (
	"cmp"
	"math"
	"slices"
)

// midranks returns the rank of each number of x, from 1 to n; equal numbers share the mean of their ranks.
func midranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	ranks := make([]float64, len(x))
	for lo := 0; lo < len(x); {
		hi := lo + 1
		for hi < len(x) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			ranks[i] = float64(lo+hi+1) / 2
		}
		lo = hi
	}
	return ranks
}

// normalScores returns Φ⁻¹((r − 3/8)/(n + 1/4)) for the rank r of each number of x, as Blom 1958.
func normalScores(x []float64) []float64 {
	z := midranks(x)
	for i, r := range z {
		z[i] = math.Sqrt2 * math.Erfinv(2*(r-0.375)/(float64(len(x))+0.25)-1)
	}
	return z
}

// sortedQuantile returns the p-quantile of sorted numbers, linear between them, the first being at 0 and the last at 1:
// type 7 of Hyndman & Fan 1996, the default of numpy and R.
func sortedQuantile(p float64, sorted []float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	if i < 0 { // there is but one
		return sorted[0]
	}
	a, b := sorted[i], sorted[i+1]
	if t := at - float64(i); t > 0 {
		return a + t*(b-a)
	}
	return a
}
