package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Resample returns n rows of x, drawn with probabilities proportional to weights that are given by their logarithms: points without weights, some of
// them several times, in the order of x. It resamples systematically, with one random number u in [0, 1): as often as there are numbers (k + u)/n in
// the interval of a row's share of the sum of weights, so each row comes as often as it should, rounded up or down. The error is that of a
// weight which is NaN or +Inf, or of weights that are all 0. It panics when n is not positive, the numbers of rows and weights differ, or src is nil.
// Cost O(n + rows). Kitagawa 1996; Douc & Cappé 2005, arXiv:cs/0507025.
func Resample(x mat.Matrix, logWeights []float64, n int, src rand.Source) (*mat.Dense, error) {
	rows, columns := x.Dims()
	if n < 1 || rows != len(logWeights) || rows == 0 || src == nil {
		panic(fmt.Sprintf("montecarlo: Resample: got %d points of %d rows with %d weights and source %v, want 1 point or more, a weight for each row and a source", n, rows, len(logWeights), src))
	}
	if err := checkWeights("Resample", logWeights); err != nil {
		return nil, err
	}
	y := mat.NewDense(n, columns, nil)
	for k, i := range systematic(logWeights, n, rand.New(src).Float64()) {
		for j := range columns {
			y.Set(k, j, x.At(i, j))
		}
	}
	return y, nil
}

// checkWeights returns an error unless weights have a finite, positive sum.
func checkWeights(call string, logWeights []float64) error {
	for i, l := range logWeights {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return fmt.Errorf("montecarlo: %s: the logarithm of weight %d is %v, want a finite number, or −Inf", call, i, l)
		}
	}
	if math.IsInf(floats.Max(logWeights), -1) {
		return fmt.Errorf("montecarlo: %s: all %d weights are 0", call, len(logWeights))
	}
	return nil
}

// systematic returns the numbers of n rows, rising, that are drawn by the number u in [0, 1). The weights have a positive sum.
func systematic(logWeights []float64, n int, u float64) []int {
	rows := make([]int, 0, n)
	top := floats.Max(logWeights)
	var sum, total float64
	last := 0 // the last row whose weight is not 0
	for i, l := range logWeights {
		if w := math.Exp(l - top); w > 0 {
			total += w
			last = i
		}
	}
	for i, l := range logWeights {
		sum += math.Exp(l - top)
		for len(rows) < n && (float64(len(rows))+u)*total < sum*float64(n) {
			rows = append(rows, i)
		}
	}
	for len(rows) < n { // rounding
		rows = append(rows, last)
	}
	return rows
}
