package eval

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// KolmogorovSmirnov returns, for each column, the largest distance between the empirical distribution functions of two
// samples, the rows of x, n×d, and of y, m×d: from 0 to 1. For samples of the same distribution it exceeds 1.95·√(1/n +
// 1/m) in one of a thousand cases. It is NaN for a column with a NaN. Cost O(d(n+m)·ln(n+m)). It panics when a sample is
// empty or the numbers of columns differ.
func KolmogorovSmirnov(x, y mat.Matrix) []float64 {
	d := checkSamples("KolmogorovSmirnov", x, y)
	distances := make([]float64, d)
	for j := range distances {
		a, b := mat.Col(nil, j, x), mat.Col(nil, j, y)
		if floats.HasNaN(a) || floats.HasNaN(b) {
			distances[j] = math.NaN()
			continue
		}
		slices.Sort(a)
		slices.Sort(b)
		distances[j] = stat.KolmogorovSmirnov(a, nil, b, nil)
	}
	return distances
}
