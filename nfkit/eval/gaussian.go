package eval

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

const log2Pi = 1.8378770664093453 // ln 2π

// Gaussian is a normal distribution with a full covariance matrix, the least that a model has to beat.
type Gaussian struct {
	mean         []float64
	upper        *mat.TriDense // U with the covariance UᵀU
	logNormalize float64       // −½d·ln 2π − ln|det U|
}

var _ Density = (*Gaussian)(nil)

// FitGaussian returns the normal distribution of highest likelihood for the rows of x, n×d: with their mean and, divided
// by n, their covariance matrix. Cost O(nd²). It returns an error when that is not positive definite: there are fewer than
// d+1 rows, a column is constant or the sum of others, or a number is not finite.
func FitGaussian(x mat.Matrix) (*Gaussian, error) {
	n, d := x.Dims()
	if n == 0 || d == 0 {
		return nil, fmt.Errorf("eval: FitGaussian: got %d×%d numbers, want at least one row and one column", n, d)
	}
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	mean, covariance := weightedMoments(dense(x), ones)
	g := newGaussian(mean, covariance)
	if g == nil {
		return nil, fmt.Errorf("eval: FitGaussian: the covariance matrix of %d×%d numbers is not positive definite: fewer than %d rows, a constant column, columns that depend on one another, or a number that is not finite", n, d, d+1)
	}
	return g, nil
}

// newGaussian returns nil unless the covariance matrix is finite and positive definite, to the precision of float64. It
// takes the correlation matrix apart, so that units of columns do not matter.
func newGaussian(mean []float64, covariance *mat.SymDense) *Gaussian {
	d := len(mean)
	sd := make([]float64, d)
	correlation := mat.NewSymDense(d, nil)
	g := &Gaussian{mean: mean, upper: mat.NewTriDense(d, mat.Upper, nil), logNormalize: -0.5 * float64(d) * log2Pi}
	for i := range d {
		sd[i] = math.Sqrt(covariance.At(i, i))
		if !(sd[i] > 0) || math.IsInf(sd[i], 1) {
			return nil
		}
		g.logNormalize -= math.Log(sd[i])
		for j := range i + 1 {
			correlation.SetSym(i, j, covariance.At(i, j)/sd[i]/sd[j])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(correlation) || !(chol.Cond() < 1e14) {
		return nil
	}
	g.logNormalize -= 0.5 * chol.LogDet()
	chol.UTo(g.upper)
	for i := range d {
		for j := i; j < d; j++ {
			g.upper.SetTri(i, j, g.upper.At(i, j)*sd[j])
		}
	}
	return g
}

// Dim returns the number of columns.
func (g *Gaussian) Dim() int { return len(g.mean) }

// LogProb returns the log-density of each row of x. Cost O(nd²). It panics on a wrong number of columns.
func (g *Gaussian) LogProb(x mat.Matrix) []float64 {
	z := centred(x, g.mean, "Gaussian")
	raw := z.RawMatrix()
	blas64.Trsm(blas.Right, blas.NoTrans, 1, g.upper.RawTriangular(), raw) // z ← (x − mean)·U⁻¹
	l := make([]float64, raw.Rows)
	for i := range l {
		l[i] = g.logNormalize
		for _, v := range z.RawRowView(i) {
			l[i] -= 0.5 * v * v
		}
	}
	return l
}

// Sample returns n rows. It panics when n is not positive.
func (g *Gaussian) Sample(n int, src rand.Source) *mat.Dense {
	checkSize("Gaussian", n)
	r, x := rand.New(src), mat.NewDense(n, len(g.mean), nil)
	for i := range n {
		g.draw(x.RawRowView(i), r)
	}
	return x
}

// draw sets x to a draw: z·U + mean.
func (g *Gaussian) draw(x []float64, r *rand.Rand) {
	for j := range x {
		x[j] = r.NormFloat64()
	}
	v := blas64.Vector{N: len(x), Data: x, Inc: 1}
	blas64.Trmv(blas.Trans, g.upper.RawTriangular(), v)
	for j, m := range g.mean {
		x[j] += m
	}
}

// weightedMoments returns mean and covariance of the rows of x with weights, divided by the sum of the weights.
func weightedMoments(x *mat.Dense, weights []float64) (mean []float64, covariance *mat.SymDense) {
	_, d := x.Dims()
	var total float64
	for _, w := range weights {
		total += w
	}
	var m mat.VecDense
	m.MulVec(x.T(), mat.NewVecDense(len(weights), weights))
	m.ScaleVec(1/total, &m)
	mean = m.RawVector().Data
	covariance = mat.NewSymDense(d, nil)
	const block = 1024 // rows of which there is a copy
	for lo := 0; lo < len(weights); lo += block {
		hi := min(lo+block, len(weights))
		z := centred(x.Slice(lo, hi, 0, d), mean, "")
		for i, w := range weights[lo:hi] {
			root := math.Sqrt(w / total)
			row := z.RawRowView(i)
			for j := range row {
				row[j] *= root
			}
		}
		covariance.SymRankK(covariance, 1, z.T())
	}
	return mean, covariance
}

// centred returns a copy of x less the mean. It panics on a wrong number of columns.
func centred(x mat.Matrix, mean []float64, caller string) *mat.Dense {
	if n, d := x.Dims(); d != len(mean) {
		panic(fmt.Sprintf("eval: %s.LogProb: got a %d×%d batch, want %d columns", caller, n, d, len(mean)))
	}
	z := mat.DenseCopyOf(x)
	z.Apply(func(_, j int, v float64) float64 { return v - mean[j] }, z)
	return z
}

func checkSize(caller string, n int) {
	if n < 1 {
		panic(fmt.Sprintf("eval: %s.Sample: got %d rows, want 1 or more", caller, n))
	}
}
