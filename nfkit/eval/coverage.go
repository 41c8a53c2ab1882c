package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// HighestDensityRank returns how many of L draws of a posterior have a higher density there than the true value, given the
// log-densities: of L+1 regions of highest density, the number of the one that the truth is in. Over simulations as those
// of [Ranks] it is uniform on 0 to L if the posterior is right, and [Coverage] of the ranks is the expected coverage of
// the credible regions of highest density. That is necessary, not sufficient: the prior itself passes. Hermans et al.
// 2022, arXiv:2110.06581. Cost O(L).
func HighestDensityRank(truth float64, draws []float64) int {
	rank := 0
	for _, l := range draws {
		if l > truth {
			rank++
		}
	}
	return rank
}

// TARPRank returns how many of L draws of a posterior, the rows of an L×d matrix, are nearer to a reference point than the
// true value is: tests of accuracy with random points. Over simulations as those of [Ranks], with a reference
// point each that is drawn without knowing the truth, it is uniform on 0 to L if the posterior is right. If the reference
// depends on the data, that is sufficient as well. Distances are Euclidean: parameters should be of one scale. Lemos,
// Coogan, Hezaveh & Perreault-Levasseur 2023, arXiv:2302.03026, algorithm 2. Cost O(Ld). It panics when the numbers of
// parameters differ.
func TARPRank(truth []float64, draws mat.Matrix, reference []float64) int {
	n, d := draws.Dims()
	if len(truth) != d || len(reference) != d {
		panic(fmt.Sprintf("eval: TARPRank: got %d true values, draws of %d and a reference of %d, want as many", len(truth), d, len(reference)))
	}
	radius := floats.Distance(truth, reference, 2)
	rank := 0
	row := make([]float64, d)
	for i := range n {
		if floats.Distance(mat.Row(row, i, draws), reference, 2) < radius {
			rank++
		}
	}
	return rank
}

// Coverage returns how often credible regions of the given level hold the truth, with the standard error √(c(1−c)/n), from
// the ranks among draws of n simulations: [HighestDensityRank] or [TARPRank]. A posterior that is right has coverage equal
// to the level; too little coverage means that it is overconfident. Levels between those of the draws are interpolated, so
// that this holds for any. It panics when there are no ranks, one is out of range, or the level is not in [0, 1].
func Coverage(ranks []int, draws int, level float64) Estimate {
	checkRanks("Coverage", ranks, draws)
	if !(level >= 0 && level <= 1) {
		panic(fmt.Sprintf("eval: Coverage: got the level %v, want one from 0 to 1", level))
	}
	edge := level * float64(draws+1)
	whole := int(edge)
	var inside float64
	for _, r := range ranks {
		switch {
		case r < whole:
			inside++
		case r == whole:
			inside += edge - float64(whole)
		}
	}
	n := float64(len(ranks))
	c := inside / n
	return Estimate{c, math.Sqrt(max(c*(1-c), 0) / n)}
}
