package eval

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Quantiles returns the p-quantiles of each column of samples, n×d, a row for each p: linear between the sorted numbers,
// the first of which is at 0 and the last at 1, as numpy and R do (type 7 of Hyndman & Fan 1996). A column with a NaN has
// NaN. Cost O(dn·ln n). It panics when there are no samples or a p is not in [0, 1].
func Quantiles(samples mat.Matrix, p ...float64) *mat.Dense {
	checkMass("Quantiles", samples, p...)
	_, d := samples.Dims()
	q := mat.NewDense(len(p), d, nil)
	for j := range d {
		column := sortedColumn(samples, j)
		for i, p := range p {
			q.Set(i, j, sortedQuantile(p, column))
		}
	}
	return q
}

// CredibleIntervals returns, for each column of samples, the central interval that holds the given mass: from the
// (1−mass)/2 quantile to the (1+mass)/2 one. Cost O(dn·ln n). It panics as [Quantiles] does.
func CredibleIntervals(samples mat.Matrix, mass float64) [][2]float64 {
	checkMass("CredibleIntervals", samples, mass)
	q := Quantiles(samples, (1-mass)/2, (1+mass)/2)
	intervals := make([][2]float64, q.RawMatrix().Cols)
	for j := range intervals {
		intervals[j] = [2]float64{q.At(0, j), q.At(1, j)}
	}
	return intervals
}

// HighestDensityIntervals returns, for each column of samples, the shortest interval that holds the given mass: of those
// that hold ⌈mass·n⌉ neighbouring samples, at least one. It is the region of highest density if that has a single mode.
// Chen & Shao 1999, J. Comput. Graph. Stat. 8(1). Cost O(dn·ln n). It panics as [Quantiles] does.
func HighestDensityIntervals(samples mat.Matrix, mass float64) [][2]float64 {
	checkMass("HighestDensityIntervals", samples, mass)
	n, d := samples.Dims()
	inside := max(int(math.Ceil(mass*float64(n))), 1)
	intervals := make([][2]float64, d)
	for j := range intervals {
		column := sortedColumn(samples, j)
		best := 0
		for i := range n - inside + 1 {
			if column[i+inside-1]-column[i] < column[best+inside-1]-column[best] {
				best = i
			}
		}
		intervals[j] = [2]float64{column[best], column[best+inside-1]}
	}
	return intervals
}

// HighestDensityLevel returns the log-density above which the region of highest density of the given mass lies, from the
// log-densities of samples of the same distribution: their (1−mass)-quantile. Hyndman 1996, The American Statistician
// 50(2). Cost O(n·ln n). It is NaN when a log-density is. It panics when there are no samples or the mass is not in [0,
// 1].
func HighestDensityLevel(logProb []float64, mass float64) float64 {
	if len(logProb) == 0 || !(mass >= 0 && mass <= 1) {
		panic(fmt.Sprintf("eval: HighestDensityLevel: got %d log-densities and the mass %v, want at least one, and a mass from 0 to 1", len(logProb), mass))
	}
	if floats.HasNaN(logProb) {
		return math.NaN()
	}
	return sortedQuantile(1-mass, slices.Sorted(slices.Values(logProb)))
}

// sortedColumn returns column j in order; all of it NaN if one number is.
func sortedColumn(x mat.Matrix, j int) []float64 {
	c := mat.Col(nil, j, x)
	if floats.HasNaN(c) {
		for i := range c {
			c[i] = math.NaN()
		}
	}
	slices.Sort(c)
	return c
}

func checkMass(caller string, samples mat.Matrix, p ...float64) {
	n, d := samples.Dims()
	if n == 0 || d == 0 || len(p) == 0 {
		panic(fmt.Sprintf("eval: %s: got %d×%d samples and %d probabilities, want at least one", caller, n, d, len(p)))
	}
	for _, p := range p {
		if !(p >= 0 && p <= 1) {
			panic(fmt.Sprintf("eval: %s: got the probability %v, want one from 0 to 1", caller, p))
		}
	}
}
