package eval

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// MMD returns the unbiased estimate of the squared maximum mean discrepancy of two samples, the rows of x, n×d, and of y,
// m×d,
//
//	Σ_{i≠j} k(xᵢ,xⱼ)/n(n−1) + Σ_{i≠j} k(yᵢ,yⱼ)/m(m−1) − 2·Σ k(xᵢ,yⱼ)/nm,  k(a,b) = exp(−‖a−b‖²/2σ²),
//
// with σ the median distance between different points of the two samples together, of which a thousand spread evenly are
// looked at. Its mean is 0 for samples of the same distribution, so that it may be negative. Cost O((n+m)²·d). Gretton et
// al. 2012, JMLR 13, lemma 6. It panics when a sample has fewer than two rows or the numbers of columns differ.
func MMD(x, y mat.Matrix) float64 {
	checkSamples("MMD", x, y)
	a, b := dense(x), dense(y)
	n, _ := a.Dims()
	m, _ := b.Dims()
	if n < 2 || m < 2 {
		panic(fmt.Sprintf("eval: MMD: got samples of %d and %d rows, want 2 or more", n, m))
	}
	sigma := medianDistance(a, b)
	if sigma == 0 || math.IsNaN(sigma) {
		return sigma // there is but one point, or a NaN
	}
	kernel := func(s, t *mat.Dense, i, j int) float64 {
		return math.Exp(-0.5 * squaredDistance(s, t, i, j) / (sigma * sigma))
	}
	within := func(s *mat.Dense, n int) float64 {
		var sum float64
		for i := range n {
			for j := range i {
				sum += kernel(s, s, i, j)
			}
		}
		return 2 * sum / (float64(n) * float64(n-1))
	}
	var across float64
	for i := range n {
		for j := range m {
			across += kernel(a, b, i, j)
		}
	}
	return within(a, n) + within(b, m) - 2*across/(float64(n)*float64(m))
}

// medianDistance returns the median distance between rows of a and b together that are different; 0 if none are.
func medianDistance(a, b *mat.Dense) float64 {
	n, _ := a.Dims()
	m, _ := b.Dims()
	var pool mat.Dense
	pool.Stack(a, b)
	some := min(n+m, 1000)
	distances := make([]float64, 0, some*(some-1)/2)
	for k := range some {
		for l := range k {
			if d := squaredDistance(&pool, &pool, k*(n+m)/some, l*(n+m)/some); d != 0 {
				distances = append(distances, d)
			}
		}
	}
	if floats.HasNaN(distances) {
		return math.NaN()
	}
	if len(distances) == 0 {
		return 0
	}
	slices.Sort(distances)
	return math.Sqrt(stat.Quantile(0.5, stat.Empirical, distances, nil))
}

func squaredDistance(s, t *mat.Dense, i, j int) float64 {
	var sum float64
	a, b := s.RawRowView(i), t.RawRowView(j)
	for k, x := range a {
		sum += (x - b[k]) * (x - b[k])
	}
	return sum
}
