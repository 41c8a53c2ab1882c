package nfplot

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// binomialQuantile returns the smallest k for which at most k of n independent events of probability p happen with
// probability q.
func binomialQuantile(n int, p, q float64) int {
	b := distuv.Binomial{N: float64(n), P: p}
	return sort.Search(n, func(k int) bool { return b.CDF(float64(k)) >= q })
}

// binomialInterval returns the central interval of a number of n independent events of probability p: fewer than the one
// end, or more than the other, happen with probability tail/2 each at most.
func binomialInterval(n int, p, tail float64) (lo, hi int) {
	return binomialQuantile(n, p, tail/2), binomialQuantile(n, p, 1-tail/2)
}

// ecdfBand returns places z between 0 and 1, the ends included, and for each an interval of the share of n independent
// uniform numbers that are at most z: all shares at these places are within their intervals with the given probability, or
// a little more. The pointwise intervals are binomial; their tail is the largest that does, found by bisection over the
// exact probability (Säilynoja, Bürkner & Vehtari 2022, Statistics and Computing 32:32, arXiv:2103.10522). It is found
// for at most 1000 numbers, above which it no longer changes.
func ecdfBand(n int, probability float64) (z, lower, upper []float64) {
	const places = 100
	if n == 0 {
		return nil, nil, nil
	}
	least, most := 0.0, 1-probability
	for range 12 {
		tail := (least + most) / 2
		if allWithin(min(n, 1000), places, tail) >= probability {
			least = tail
		} else {
			most = tail
		}
	}
	for k := range places + 1 {
		p := float64(k) / places
		lo, hi := k/places*n, k/places*n
		if k > 0 && k < places {
			lo, hi = binomialInterval(n, p, least)
		}
		z, lower, upper = append(z, p), append(lower, float64(lo)/float64(n)), append(upper, float64(hi)/float64(n))
	}
	return z, lower, upper
}

// allWithin returns the probability that at each of k/places the number of n uniform numbers below is in its interval.
// They arrive as a Markov chain: of those not below one place, a binomial number is below the next.
func allWithin(n, places int, tail float64) float64 {
	logFactorial := make([]float64, n+1)
	for i := 1; i <= n; i++ {
		logFactorial[i] = logFactorial[i-1] + math.Log(float64(i))
	}
	from, chances := 0, []float64{1} // of from, from+1, … numbers below the last place
	for k := 1; k < places; k++ {
		lo, hi := binomialInterval(n, float64(k)/float64(places), tail)
		p := 1 / float64(places-k+1)
		logP, logQ := math.Log(p), math.Log1p(-p)
		next := make([]float64, hi-lo+1)
		for i, chance := range chances {
			before := from + i
			for now := max(lo, before); now <= hi; now++ {
				left, come := n-before, now-before
				next[now-lo] += chance * math.Exp(logFactorial[left]-logFactorial[come]-logFactorial[left-come]+float64(come)*logP+float64(left-come)*logQ)
			}
		}
		from, chances = lo, next
	}
	total := 0.0
	for _, chance := range chances {
		total += chance
	}
	return total
}
