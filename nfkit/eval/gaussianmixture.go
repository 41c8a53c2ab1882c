package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/sampleuv"
)

// GaussianMixture is a mixture of normal distributions Σ wₖ·N(μₖ, Σₖ), a baseline that follows any density given enough
// components.
type GaussianMixture struct {
	weights    []float64
	components []*Gaussian
}

var _ Density = (*GaussianMixture)(nil)

// GaussianMixtureOptions are the options of [FitGaussianMixture].
type GaussianMixtureOptions struct {
	Diagonal bool // covariance matrices are diagonal
}

// FitGaussianMixture fits a mixture of k components to the rows of x, n×d, by expectation maximisation from the clusters
// of k-means, which starts from points far apart. It ends when an iteration gains less than 1e-5 nats a point, at a local
// optimum, or after a thousand. A millionth of the variance of each column is added to the diagonal of each covariance
// matrix, so that no component collapses. A nil opts means the defaults.
//
// Dempster, Laird & Rubin 1977; Arthur & Vassilvitskii 2007, k-means++. Cost O(nkd²) for each iteration. It returns an
// error when a number is not finite, there are fewer than k rows, or a column is constant. It panics when k is not
// positive.
func FitGaussianMixture(x mat.Matrix, k int, opts *GaussianMixtureOptions, src rand.Source) (*GaussianMixture, error) {
	if k < 1 {
		panic(fmt.Sprintf("eval: FitGaussianMixture: got %d components, want 1 or more", k))
	}
	n, d := x.Dims()
	if n < k || d == 0 {
		return nil, fmt.Errorf("eval: FitGaussianMixture: got %d×%d numbers for %d components, want as many rows or more, and a column", n, d, k)
	}
	variance, err := variances("FitGaussianMixture", x)
	if err != nil {
		return nil, err
	}
	rows := dense(x)
	share := kMeans(rows, variance, k, rand.New(src)) // k×n: of each component in each row
	m := &GaussianMixture{weights: make([]float64, k), components: make([]*Gaussian, k)}
	last := math.Inf(-1)
	for range 1000 {
		for c := range k {
			m.maximize(c, rows, share.RawRowView(c), variance, opts != nil && opts.Diagonal)
		}
		logProb := m.expect(rows, share)
		mean := stat.Mean(logProb, nil)
		if mean-last < 1e-5 {
			break
		}
		last = mean
	}
	return m, nil
}

// maximize sets component c to the moments of rows by its share in each.
func (m *GaussianMixture) maximize(c int, rows *mat.Dense, share, variance []float64, diagonal bool) {
	total := floats.Sum(share)
	m.weights[c] = total / float64(len(share))
	if total < 1e-9 {
		return // no rows are left to learn from, as there were when it began
	}
	mean, covariance := weightedMoments(rows, share)
	for i, v := range variance {
		covariance.SetSym(i, i, covariance.At(i, i)+1e-6*v)
		for j := range i {
			if diagonal {
				covariance.SetSym(i, j, 0)
			}
		}
	}
	m.components[c] = newGaussian(mean, covariance)
}

// expect sets share to that of each component in each row, and returns the log-density of each row.
func (m *GaussianMixture) expect(rows, share *mat.Dense) []float64 {
	for c, g := range m.components {
		l := g.LogProb(rows)
		floats.AddConst(math.Log(m.weights[c]), l)
		share.SetRow(c, l)
	}
	logProb := make([]float64, share.RawMatrix().Cols)
	column := make([]float64, len(m.components))
	for i := range logProb {
		mat.Col(column, i, share)
		logProb[i] = floats.LogSumExp(column)
		for c, l := range column {
			share.Set(c, i, math.Exp(l-logProb[i]))
		}
	}
	return logProb
}

// Dim returns the number of columns.
func (m *GaussianMixture) Dim() int { return m.components[0].Dim() }

// LogProb returns the log-density of each row of x. Cost O(nkd²). It panics on a wrong number of columns.
func (m *GaussianMixture) LogProb(x mat.Matrix) []float64 {
	if n, d := x.Dims(); d != m.Dim() {
		panic(fmt.Sprintf("eval: GaussianMixture.LogProb: got a %d×%d batch, want %d columns", n, d, m.Dim()))
	} else if n == 0 {
		return nil
	}
	rows := dense(x)
	n, _ := rows.Dims()
	return m.expect(rows, mat.NewDense(len(m.components), n, nil))
}

// Sample returns n rows. It panics when n is not positive.
func (m *GaussianMixture) Sample(n int, src rand.Source) *mat.Dense {
	checkSize("GaussianMixture", n)
	r, x := rand.New(src), mat.NewDense(n, m.Dim(), nil)
	cumulative := floats.CumSum(make([]float64, len(m.weights)), m.weights)
	for i := range n {
		c, _ := slices.BinarySearch(cumulative, r.Float64())
		m.components[min(c, len(m.components)-1)].draw(x.RawRowView(i), r)
	}
	return x
}

// kMeans returns, k×n, 1 where a row belongs to a cluster and 0 elsewhere: Lloyd's algorithm from rows that are drawn with
// a probability proportional to the squared distance from those that were drawn before.
func kMeans(x *mat.Dense, variance []float64, k int, r *rand.Rand) *mat.Dense {
	n, d := x.Dims()
	z := mat.NewDense(n, d, nil)
	z.Apply(func(_, j int, v float64) float64 { return v / math.Sqrt(variance[j]) }, x)
	centres := mat.NewDense(k, d, nil)
	centres.SetRow(0, z.RawRowView(r.IntN(n)))
	nearest := make([]float64, n) // squared distance
	for i := range nearest {
		nearest[i] = squaredDistance(z, centres, i, 0)
	}
	for c := 1; c < k; c++ {
		i := r.IntN(n)
		if floats.Sum(nearest) > 0 { // else there are fewer different rows than clusters
			i, _ = sampleuv.NewWeighted(nearest, r).Take()
		}
		centres.SetRow(c, z.RawRowView(i))
		for i := range nearest {
			nearest[i] = min(nearest[i], squaredDistance(z, centres, i, c))
		}
	}
	cluster := make([]int, n)
	for changed, round := true, 0; changed && round < 100; round++ {
		changed = false
		for i := range cluster {
			best := cluster[i]
			for c := range k {
				if squaredDistance(z, centres, i, c) < squaredDistance(z, centres, i, best) {
					best, changed = c, true
				}
			}
			cluster[i] = best
		}
		sums, sizes := mat.NewDense(k, d, nil), make([]float64, k)
		for i, c := range cluster {
			floats.Add(sums.RawRowView(c), z.RawRowView(i))
			sizes[c]++
		}
		for c, size := range sizes {
			if size > 0 {
				floats.ScaleTo(centres.RawRowView(c), 1/size, sums.RawRowView(c))
			}
		}
	}
	share := mat.NewDense(k, n, nil)
	for i, c := range cluster {
		share.Set(c, i, 1)
	}
	for c := range k {
		if row := share.RawRowView(c); floats.Sum(row) == 0 { // of an empty cluster, one row
			row[r.IntN(n)] = 1
		}
	}
	return share
}

// variances returns those of the columns of x. The error says which column is constant or has a number that is not finite.
func variances(caller string, x mat.Matrix) ([]float64, error) {
	_, d := x.Dims()
	v := make([]float64, d)
	for j := range v {
		v[j] = stat.PopVariance(mat.Col(nil, j, x), nil)
		if !(v[j] > 0) || math.IsInf(v[j], 1) {
			return nil, fmt.Errorf("eval: %s: column %d of the data has variance %v, want a positive finite one", caller, j, v[j])
		}
	}
	return v, nil
}
