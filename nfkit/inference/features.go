package inference

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// features makes of each row of c what networks take well: for each column, the standardised number, and its normal score
//
//	Φ⁻¹(F̂(cⱼ)),
//
// with the distribution function F̂ through quantiles of the rows seen. The first keeps linear relations, the second has the same scale for data of
// any: counts, heavy tails, logarithmic ones. The first stops at ten standard deviations, the second at three.
type features struct {
	mean, scale []float64
	knots       []float64 // quantiles of column j, from knots[j·len(knotScores)] on, not decreasing
	lo, hi      []float64 // ranges of the rows seen
	whitening   []float64 // m×m, the inverse of the Cholesky factor of the correlations
	farthest    []float64 // largest distance from the mean of a row seen, one number
}

// knotScores are the normal scores of the quantiles.
var knotScores = func() []float64 {
	z := make([]float64, 41)
	for k := range z {
		z[k] = 3 * (float64(k)/20 - 1)
	}
	return z
}()

func newFeatures(given int) *features {
	f := &features{mean: make([]float64, given), scale: make([]float64, given), knots: make([]float64, given*len(knotScores)),
		lo: make([]float64, given), hi: make([]float64, given), whitening: make([]float64, given*given), farthest: make([]float64, 1)}
	for j := range given {
		f.scale[j], f.whitening[j*given+j] = 1, 1
		copy(f.knots[j*len(knotScores):], knotScores)
	}
	return f
}

// columns returns the number of features.
func (f *features) columns() int { return 2 * len(f.mean) }

func (f *features) State() nf.State {
	n := len(f.mean)
	return nf.State{
		{Name: "mean", Shape: []int{n}, Floats: f.mean},
		{Name: "scale", Shape: []int{n}, Floats: f.scale, Check: func(t nf.Tensor) error {
			if !(slices.Min(t.Floats) > 0) {
				return fmt.Errorf("got %v, want positive numbers", t.Floats)
			}
			return nil
		}},
		{Name: "knots", Shape: []int{n, len(knotScores)}, Floats: f.knots, Check: func(t nf.Tensor) error {
			for j := range n {
				if !slices.IsSorted(t.Floats[j*len(knotScores) : (j+1)*len(knotScores)]) {
					return fmt.Errorf("the quantiles of column %d are not in order", j)
				}
			}
			return nil
		}},
		{Name: "lo", Shape: []int{n}, Floats: f.lo},
		{Name: "hi", Shape: []int{n}, Floats: f.hi},
		{Name: "whitening", Shape: []int{n, n}, Floats: f.whitening},
		{Name: "farthest", Shape: []int{1}, Floats: f.farthest},
	}
}

func (f *features) knotsOf(j int) []float64 {
	return f.knots[j*len(knotScores) : (j+1)*len(knotScores)]
}

// fit takes moments and quantiles of the rows.
func (f *features) fit(c *mat.Dense) {
	n, _ := c.Dims()
	for j := range f.mean {
		column := mat.Col(nil, j, c)
		slices.Sort(column)
		f.lo[j], f.hi[j] = column[0], column[n-1]
		f.mean[j], f.scale[j] = meanAndDeviation(column)
		for k, z := range knotScores {
			p := min(max(distuv.UnitNormal.CDF(z), 0.5/float64(n)), 1-0.5/float64(n))
			f.knotsOf(j)[k] = stat.Quantile(p, stat.LinInterp, column, nil)
		}
	}
	f.fitDistance(c)
}

// meanAndDeviation returns mean and standard deviation, without overflow for numbers whose squares are too large, and 1 for the deviation of a constant.
func meanAndDeviation(x []float64) (mean, deviation float64) {
	size := floats.Norm(x, math.Inf(1))
	if floats.Min(x) == floats.Max(x) {
		return x[0], 1
	}
	y := make([]float64, len(x))
	floats.ScaleTo(y, 1/size, x)
	mean, deviation = stat.MeanStdDev(y, nil)
	return mean * size, deviation * size
}

// fitDistance takes the correlations of the rows, and the largest distance. A small ridge lets numbers be functions of each other.
func (f *features) fitDistance(c *mat.Dense) {
	n, m := c.Dims()
	u := mat.NewDense(n, m, nil)
	u.Apply(func(_, j int, v float64) float64 { return (v - f.mean[j]) / f.scale[j] }, c)
	var correlations mat.SymDense
	correlations.SymOuterK(1/float64(n), u.T())
	for j := range m {
		correlations.SetSym(j, j, correlations.At(j, j)+1e-6)
	}
	var cholesky mat.Cholesky
	var inverse mat.TriDense
	whitening := mat.NewDense(m, m, f.whitening)
	if l := new(mat.TriDense); cholesky.Factorize(&correlations) {
		cholesky.LTo(l)
		if inverse.InverseTri(l) == nil {
			whitening.Copy(&inverse)
		}
	}
	f.farthest[0] = 0
	for i := range n {
		f.farthest[0] = max(f.farthest[0], f.distance(c.RawRowView(i)))
	}
}

// distance returns that of Mahalanobis of a row from the mean.
func (f *features) distance(c []float64) float64 {
	u := make([]float64, len(c))
	for j, v := range c {
		u[j] = (v - f.mean[j]) / f.scale[j]
	}
	var w mat.VecDense
	w.MulVec(mat.NewDense(len(c), len(c), f.whitening), mat.NewVecDense(len(c), u))
	return mat.Norm(&w, 2)
}

// remarks says in what a row is unlike those seen.
func (f *features) remarks(c []float64) []string {
	var remarks []string
	for j, v := range c {
		if v < f.lo[j] || v > f.hi[j] {
			remarks = append(remarks, fmt.Sprintf("extrapolation: number %d of the observation is %.6g, in the simulations it is from %.6g to %.6g", j, v, f.lo[j], f.hi[j]))
		}
	}
	if d := f.distance(c); remarks == nil && d > f.farthest[0] {
		remarks = append(remarks, fmt.Sprintf("extrapolation: the observation is at a distance of %.3g standard deviations from the mean of the simulations, the farthest of them at %.3g", d, f.farthest[0]))
	}
	return remarks
}

// of returns the features of each row.
func (f *features) of(c *mat.Dense) *mat.Dense {
	n, m := c.Dims()
	x := mat.NewDense(n, f.columns(), nil)
	for i := range n {
		for j := range m {
			v := c.At(i, j)
			x.Set(i, j, min(max((v-f.mean[j])/f.scale[j], -10), 10))
			x.Set(i, m+j, score(f.knotsOf(j), v))
		}
	}
	return x
}

// score returns the normal score of v, linear between knots; of equal ones, the mean.
func score(knots []float64, v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	lo, _ := slices.BinarySearch(knots, v) // the first that is not less
	hi := lo
	for hi < len(knots) && knots[hi] == v {
		hi++
	}
	if hi > lo {
		return (knotScores[lo] + knotScores[hi-1]) / 2
	}
	last := len(knots) - 1
	switch {
	case lo == 0:
		return knotScores[0]
	case lo > last:
		return knotScores[last]
	}
	t := (v - knots[lo-1]) / (knots[lo] - knots[lo-1])
	return knotScores[lo-1] + t*(knotScores[lo]-knotScores[lo-1])
}
