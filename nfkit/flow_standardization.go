package nfkit

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// NewStandardization returns the [AffineConstFlow] that gives the columns of x mean 0 and standard deviation 1 in latent space,
//
//	x = z⊙σ + μ,
//
// with the mean μ and the (n−1) standard deviation σ of each column. As the last flow of a model it makes the rest of the model learn data of
// any scale, while densities stay those of the data in their units. Training does not change it, and it is saved with the model. [ModelOptions]
// have it as Standardize.
//
// It panics when x has fewer than two rows, and names a column that is constant or whose moments are not finite.
func NewStandardization(x mat.Matrix) *AffineConstFlow {
	checkMatrix("NewStandardization", "matrix", x)
	_, d := x.Dims()
	return newStandardization("NewStandardization", d, x)
}

// newStandardization is NewStandardization for data of dim columns. Without rows it is the identity, to be loaded.
func newStandardization(caller string, dim int, x mat.Matrix) *AffineConstFlow {
	f := NewAffineConstFlow(dim, &AffineConstOptions{NoScale: true, NoShift: true})
	n, d := x.Dims()
	if n == 0 {
		return f
	}
	if d != dim || n < 2 {
		panic(fmt.Sprintf("nfkit: %s: got a %d×%d matrix to standardize by, want %d columns and 2 rows or more", caller, n, d, dim))
	}
	column := make([]float64, n)
	for j := range dim {
		mat.Col(column, j, x)
		mean, std := meanStd(column)
		switch {
		case constant(column):
			panic(fmt.Sprintf("nfkit: %s: column %d of the matrix to standardize by is %v in all %d rows; a constant component has no density", caller, j, column[0], n))
		case !isFinite(mean) || !isFinite(std) || std == 0:
			panic(fmt.Sprintf("nfkit: %s: column %d of the matrix to standardize by has mean %v and standard deviation %v, want finite numbers", caller, j, mean, std))
		}
		f.s.Data[j], f.t.Data[j] = math.Log(std), mean
	}
	return f
}

// meanStd returns mean and (n−1) standard deviation of x.
func meanStd(x []float64) (m, std float64) {
	m = mean(x)
	for _, v := range x {
		std += (v - m) * (v - m)
	}
	return m, math.Sqrt(std / float64(len(x)-1))
}

// constant reports whether all elements of x are the same number.
func constant(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return v != x[0] })
}
