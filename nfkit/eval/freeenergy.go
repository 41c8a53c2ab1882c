package eval

import (
	"fmt"
	"math"
	"sort"
)

// FreeEnergy returns the free energy of each bin of a coordinate, in units of kT: −ln of the density that the target has
// there on average,
//
//	F_b = −ln(S_b/h_b),  S_b = Σ_{i in b} wᵢ/Σ wᵢ,  error = √(Σ wᵢ²·(1[i in b] − S_b)²)/(S_b·Σ wᵢ),
//
// from the values of the coordinate at points and the logarithms of their weights, nil for points of the target itself. Bin b is
// from edges[b] up to edges[b+1], of width h_b; values outside of all bins count in Σ wᵢ. A bin without weight has +Inf, with
// the error NaN; the error of a bin with few points is too low. All are NaN when a weight is NaN or +Inf, or all are 0.
//
// The profile of a molecule, up to the constant that its author chose: shift it to 0 at its minimum. Cost O(n·ln b). It panics
// when the numbers of values and weights differ, and unless edges are two or more that rise.
func FreeEnergy(values, logWeights, edges []float64) []Estimate {
	if logWeights == nil {
		logWeights = make([]float64, len(values))
	}
	if len(values) != len(logWeights) || len(edges) < 2 {
		panic(fmt.Sprintf("eval: FreeEnergy: got %d values, %d weights and %d edges, want as many of the first two and 2 or more of the last", len(values), len(logWeights), len(edges)))
	}
	for b := 1; b < len(edges); b++ {
		if !(edges[b] > edges[b-1]) || math.IsInf(edges[b]-edges[b-1], 0) {
			panic(fmt.Sprintf("eval: FreeEnergy: got the edge %v after %v, want finite numbers that rise", edges[b], edges[b-1]))
		}
	}
	bins := len(edges) - 1
	profile, sums, squares := make([]Estimate, bins), make([]float64, bins), make([]float64, bins)
	top, sum, all := math.NaN(), math.NaN(), math.NaN()
	if len(values) > 0 {
		top, sum, all = sumWeights(logWeights)
	}
	for i, v := range values {
		if b := sort.Search(len(edges), func(k int) bool { return edges[k] > v }) - 1; b >= 0 && b < bins {
			w := math.Exp(logWeights[i] - top)
			sums[b] += w
			squares[b] += w * w
		}
	}
	for b := range profile {
		share := sums[b] / sum
		width := edges[b+1] - edges[b]
		in, out := squares[b]*(1-share)*(1-share), (all-squares[b])*share*share
		profile[b] = Estimate{-math.Log(share / width), math.Sqrt(max(in+out, 0)) / sums[b]}
	}
	return profile
}
