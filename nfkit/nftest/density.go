package nftest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Sampled is a density that can be sampled: a model, or a target.
type Sampled interface {
	Dim() int
	LogProb(x mat.Matrix) []float64
	Sample(n int, src rand.Source) *mat.Dense
}

// DensityOptions are the options of [Density].
type DensityOptions struct {
	// Support has, for each component, the interval outside of which the density is 0; nil for the whole line.
	Support []Interval
}

// Density checks a density of one or two dimensions by quadrature, and returns an error that says where it fails: its
// integral is 1 up to 1e-3, and 10 000 samples pass a test of Kolmogorov and Smirnov of each component, and of their
// sum and difference, at a level of about 10⁻⁴. In more dimensions there is no quadrature, and only the log-density of
// samples is checked to be finite.
func Density(d Sampled, opts *DensityOptions, src rand.Source) error {
	o := DensityOptions{}
	if opts != nil {
		o = *opts
	}
	if err := checkDensity(&density{
		dim:     d.Dim(),
		support: o.Support,
		logProb: func(x *mat.Dense) []float64 { return d.LogProb(x) },
		sample:  func(n int) *mat.Dense { return d.Sample(n, src) },
	}); err != nil {
		return fmt.Errorf("nftest: %T of dimension %d: %w", d, d.Dim(), err)
	}
	return nil
}

// density is what checkDensity checks.
type density struct {
	dim     int
	support []Interval // nil for the whole line
	logProb func(x *mat.Dense) []float64
	sample  func(n int) *mat.Dense
}

const (
	densitySamples = 10_000
	massTolerance  = 1e-3
	ksLevel        = 2.2 // in units of 1/√n: exceeded by chance with a probability of 2e^{−2·2.2²} ≈ 10⁻⁴
)

func checkDensity(d *density) error {
	x := d.sample(densitySamples)
	if r, c := x.Dims(); r != densitySamples || c != d.dim {
		return fmt.Errorf("got %d×%d samples, want %d×%d", r, c, densitySamples, d.dim)
	}
	for i, l := range d.logProb(x) {
		if !isFinite(l) {
			return fmt.Errorf("the sample %v has log-density %v, want a finite number", x.RawRowView(i), l)
		}
	}
	if d.dim > 2 {
		return nil
	}
	points, weights := d.grid(x)
	mass := 0.0
	for i, l := range d.logProb(points) {
		if math.IsNaN(l) {
			return fmt.Errorf("the log-density of %v is NaN", points.RawRowView(i))
		}
		weights[i] *= math.Exp(l)
		mass += weights[i]
	}
	if !(math.Abs(mass-1) <= massTolerance) {
		return fmt.Errorf("the density integrates to %.5f, want 1 up to %v", mass, massTolerance)
	}
	points, weights = heavy(points, weights)
	var errs []error
	for _, p := range projections(d.dim) {
		if distance := ksDistance(p.of(x), p.of(points), weights); !(distance <= ksLevel/math.Sqrt(densitySamples)) {
			errs = append(errs, fmt.Errorf("the distribution function of %s of %d samples is off by %.4f, want at most %.4f",
				p.name, densitySamples, distance, ksLevel/math.Sqrt(densitySamples)))
		}
	}
	return errors.Join(errs...)
}

// heavy returns the points and weights that have a part in the mass. A quadrature far out in the tails has many more.
func heavy(points *mat.Dense, weights []float64) (*mat.Dense, []float64) {
	const least = 1e-14 // of 10⁵ points, so that all that is left out is less than rounding
	var indices []int
	var w []float64
	for i, weight := range weights {
		if weight > least {
			indices, w = append(indices, i), append(w, weight)
		}
	}
	return rowsOf(points, indices), w
}

// grid returns the points and the weights of a quadrature over the support: in a bounded component the midpoint rule,
// in an unbounded one that of Takahasi & Mori 1974 with x = m + s·sinh(t), m and s the median and the spread of the
// samples.
func (d *density) grid(samples *mat.Dense) (points *mat.Dense, weights []float64) {
	size := map[int]int{1: 20_001, 2: 401}[d.dim]
	axes, steps := make([][]float64, d.dim), make([][]float64, d.dim)
	for j := range d.dim {
		var v Interval
		if d.support != nil {
			v = d.support[j]
		}
		axes[j], steps[j] = axis(v, mat.Col(nil, j, samples), size)
	}
	if d.dim == 1 {
		return mat.NewDense(size, 1, axes[0]), steps[0]
	}
	points, weights = mat.NewDense(size*size, 2, nil), make([]float64, size*size)
	for i, x := range axes[0] {
		for j, y := range axes[1] {
			row := points.RawRowView(i*size + j)
			row[0], row[1] = x, y
			weights[i*size+j] = steps[0][i] * steps[1][j]
		}
	}
	return points, weights
}

// axis returns the points and the weights of a quadrature in one component.
func axis(v Interval, samples []float64, size int) (points, weights []float64) {
	points, weights = make([]float64, size), make([]float64, size)
	if lo, hi := v.bounds(); !math.IsInf(lo, 0) && !math.IsInf(hi, 0) {
		h := (hi - lo) / float64(size)
		for i := range size {
			points[i], weights[i] = lo+(float64(i)+0.5)*h, h
		}
		return points, weights
	}
	slices.Sort(samples)
	quantile := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, samples, nil) }
	m, s := quantile(0.5), (quantile(0.84)-quantile(0.16))/2
	const reach = 8 // sinh 8 = 1490 spreads
	h := 2 * reach / float64(size-1)
	for i := range size {
		t := -reach + float64(i)*h
		points[i], weights[i] = m+s*math.Sinh(t), h*s*math.Cosh(t)
	}
	return points, weights
}

// projection is a number of each point whose distribution is compared.
type projection struct {
	name string
	at   func(row []float64) float64
}

func projections(dim int) []projection {
	first := projection{"component 0", func(x []float64) float64 { return x[0] }}
	if dim == 1 {
		return []projection{first}
	}
	return []projection{
		first,
		{"component 1", func(x []float64) float64 { return x[1] }},
		{"the sum", func(x []float64) float64 { return x[0] + x[1] }},
		{"the difference", func(x []float64) float64 { return x[0] - x[1] }},
	}
}

func (p projection) of(x *mat.Dense) []float64 {
	n, _ := x.Dims()
	values := make([]float64, n)
	for i := range values {
		values[i] = p.at(x.RawRowView(i))
	}
	return values
}

// ksDistance returns the greatest difference between the distribution functions of samples and of weighted points,
// halfway between the points: each stands for the mass around it, which on a coarse grid is a jump that no sample has.
func ksDistance(samples, points, weights []float64) float64 {
	slices.Sort(samples)
	type point struct{ at, weight float64 }
	sorted := make([]point, len(points))
	for i, at := range points {
		sorted[i] = point{at, weights[i]}
	}
	slices.SortFunc(sorted, func(a, b point) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	total := floats.Sum(weights)
	distance, mass, below := 0.0, 0.0, 0
	for i, p := range sorted[:len(sorted)-1] {
		mass += p.weight
		if sorted[i+1].at == p.at {
			continue
		}
		for half := p.at + (sorted[i+1].at-p.at)/2; below < len(samples) && samples[below] <= half; {
			below++
		}
		distance = max(distance, math.Abs(float64(below)/float64(len(samples))-mass/total))
	}
	return distance
}
