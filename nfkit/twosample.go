package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// KolmogorovSmirnov returns, for each column, the largest distance between the empirical distribution functions of two
// samples, the rows of x, n×d, and of y, m×d: from 0 to 1. For samples of the same distribution it exceeds 1.95·√(1/n +
// 1/m) in one of a thousand cases. It is NaN for a column with a NaN. Cost O(d(n+m)·ln(n+m)). It panics when a sample
// is empty or the numbers of columns differ.
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

// SlicedWasserstein returns the sliced Wasserstein distance of order 2 between two samples, the rows of x, n×d, and of
// y, m×d: the root of the mean of
//
//	W₂² = ∫₀¹ (F⁻¹(u) − G⁻¹(u))² du
//
// over projections of the samples onto random directions, F and G being the empirical distribution functions there. It
// is in the unit of the data, and 0 for equal samples alone. In one dimension it is the Wasserstein distance, and one
// direction is enough. Cost O((d + ln(n+m))·(n+m)) for each direction, of which a hundred are usual. Bonneel et al.
// 2015. It panics when a sample is empty, the numbers of columns differ, or directions is not positive.
func SlicedWasserstein(x, y mat.Matrix, directions int, src rand.Source) float64 {
	d := checkSamples("SlicedWasserstein", x, y)
	if directions < 1 {
		panic(fmt.Sprintf("nfkit: SlicedWasserstein: got %d directions, want 1 or more", directions))
	}
	r := rand.New(src)
	direction := mat.NewVecDense(d, nil)
	var a, b mat.VecDense
	var sum float64
	for range directions {
		fillNormal(direction.RawVector().Data, r)
		direction.ScaleVec(1/mat.Norm(direction, 2), direction)
		a.MulVec(x, direction)
		b.MulVec(y, direction)
		sum += wasserstein2(a.RawVector().Data, b.RawVector().Data)
	}
	return math.Sqrt(sum / float64(directions))
}

// wasserstein2 returns the squared distance of order 2 between two samples, which it sorts.
func wasserstein2(a, b []float64) float64 {
	if floats.HasNaN(a) || floats.HasNaN(b) {
		return math.NaN()
	}
	slices.Sort(a)
	slices.Sort(b)
	n, m := len(a), len(b)
	var sum float64
	for i, j, u := 0, 0, 0; i < n && j < m; { // u, of n·m, is done; a[i] and b[j] are next to move
		next := min((i+1)*m, (j+1)*n)
		sum += (a[i] - b[j]) * (a[i] - b[j]) * float64(next-u)
		if next == (i+1)*m {
			i++
		}
		if next == (j+1)*n {
			j++
		}
		u = next
	}
	return sum / (float64(n) * float64(m))
}

// MMD returns the unbiased estimate of the squared maximum mean discrepancy of two samples, the rows of x, n×d, and of
// y, m×d,
//
//	Σ_{i≠j} k(xᵢ,xⱼ)/n(n−1) + Σ_{i≠j} k(yᵢ,yⱼ)/m(m−1) − 2·Σ k(xᵢ,yⱼ)/nm,  k(a,b) = exp(−‖a−b‖²/2σ²),
//
// with σ the median distance between different points of the two samples together, of which a thousand spread evenly
// are looked at. Its mean is 0 for samples of the same distribution, so that it may be negative. Cost O((n+m)²·d).
// Gretton et al. 2012, JMLR 13, lemma 6. It panics when a sample has fewer than two rows or the numbers of columns
// differ.
func MMD(x, y mat.Matrix) float64 {
	checkSamples("MMD", x, y)
	a, b := dense(x), dense(y)
	n, _ := a.Dims()
	m, _ := b.Dims()
	if n < 2 || m < 2 {
		panic(fmt.Sprintf("nfkit: MMD: got samples of %d and %d rows, want 2 or more", n, m))
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

// checkSamples returns the number of columns of both. It panics when they differ, or a sample is empty.
func checkSamples(caller string, x, y mat.Matrix) int {
	n, d := x.Dims()
	m, e := y.Dims()
	if n == 0 || m == 0 || d == 0 || d != e {
		panic(fmt.Sprintf("nfkit: %s: got samples of %d×%d and %d×%d numbers, want as many columns in both and a row in each", caller, n, d, m, e))
	}
	return d
}
