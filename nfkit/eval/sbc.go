package eval

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Ranks returns, for each parameter, how many draws of a posterior, the rows of an L×d matrix, are less than the true
// value. For simulation-based calibration, draw many times
//
//	θ̃ ~ p(θ),  x ~ p(x|θ̃),  θ₁ … θ_L ~ q(θ|x):
//
// if q is the posterior, each parameter's ranks are uniform on 0 to L, which [RankKolmogorovSmirnov] and [RankChiSquare]
// test. A posterior that is too narrow has too many ranks at both ends, one that is too wide in the middle, one that is
// biased at one end. Draws of a chain are to be thinned to independent ones. Talts et al. 2018, arXiv:1804.06788, theorem
// 1. Cost O(Ld). It panics when the numbers of parameters differ.
func Ranks(truth []float64, draws mat.Matrix) []int {
	n, d := draws.Dims()
	if len(truth) != d {
		panic(fmt.Sprintf("eval: Ranks: got %d true values and draws of %d, want as many", len(truth), d))
	}
	ranks := make([]int, d)
	for i := range n {
		for j, v := range truth {
			if draws.At(i, j) < v {
				ranks[j]++
			}
		}
	}
	return ranks
}
