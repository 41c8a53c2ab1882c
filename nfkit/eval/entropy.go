package eval

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// EvaluateOptions are the options of [Entropy] and [KL].
type EvaluateOptions struct {
	MonteCarlo bool // in one and two dimensions as well
	Samples    int  // of Monte Carlo; 0 means 100,000

	Points int          // of quadrature, on each axis; 0 means 3000 in one dimension and 450 in two
	Box    [][2]float64 // where to integrate, lower and upper end for each dimension; nil means around samples
}

// Entropy returns H(p) = −∫p·ln p, the least negative log-likelihood that a model of p can have.
//
// In one and two dimensions it is computed by quadrature: the midpoint rule on a box, by default the range of 10,000
// samples of p and a quarter of it beyond either end. In more dimensions it is the mean over samples. A nil opts means the
// defaults.
//
// It returns an error when the density does not integrate to 1 over the box, to a part in a hundred, and when the result
// is NaN. It panics when an option is out of range.
func Entropy(p Density, opts *EvaluateOptions, src rand.Source) (Estimate, error) {
	return evaluate("Entropy", p, opts, src, func(_ mat.Matrix, logP []float64) { floats.Scale(-1, logP) })
}

// KL returns KL(p‖q) = ∫p·ln(p/q), computed as [Entropy] is. For the target p of a model q, it is what separates its
// negative log-likelihood from the entropy; with the two exchanged, it is what separates the loss of reverse KL from −ln
// Z. It is +Inf where q is 0 and p is not.
func KL(p Density, q LogProber, opts *EvaluateOptions, src rand.Source) (Estimate, error) {
	if q == nil {
		panic("eval: KL: got a nil density")
	}
	return evaluate("KL", p, opts, src, func(x mat.Matrix, logP []float64) {
		for i, logQ := range q.LogProb(x) {
			if !math.IsInf(logP[i], -1) { // where p is 0, so is its part of the integral
				logP[i] -= logQ
			}
		}
	})
}

// evaluate returns the expectation under p of the numbers that f makes of the log-densities of points.
func evaluate(caller string, p Density, opts *EvaluateOptions, src rand.Source, f func(x mat.Matrix, logP []float64)) (Estimate, error) {
	var o EvaluateOptions
	if opts != nil {
		o = *opts
	}
	if p == nil {
		panic(fmt.Sprintf("eval: %s: got a nil density", caller))
	}
	d := p.Dim()
	if o.Samples < 0 || o.Points < 0 || o.Box != nil && len(o.Box) != d {
		panic(fmt.Sprintf("eval: %s: got %d samples, %d points and a box of %d sides for dimension %d, want no negative numbers and a side for each dimension", caller, o.Samples, o.Points, len(o.Box), d))
	}
	for _, side := range o.Box {
		if !(side[0] < side[1]) || math.IsInf(side[1]-side[0], 0) {
			panic(fmt.Sprintf("eval: %s: got a side of the box from %v to %v, want finite numbers, the lower one first", caller, side[0], side[1]))
		}
	}
	monteCarlo := d > 2 || o.MonteCarlo
	switch {
	case monteCarlo && (o.Points > 0 || o.Box != nil):
		panic(fmt.Sprintf("eval: %s: got %d points and a box of %d sides for Monte Carlo in dimension %d; they are for quadrature", caller, o.Points, len(o.Box), d))
	case !monteCarlo && o.Samples > 0:
		panic(fmt.Sprintf("eval: %s: got %d samples for quadrature in dimension %d; they are for Monte Carlo", caller, o.Samples, d))
	}
	var e Estimate
	if monteCarlo {
		x := p.Sample(cmp.Or(o.Samples, 100_000), src)
		terms := p.LogProb(x)
		f(x, terms)
		e = meanOf(terms)
	} else {
		var mass float64
		e, mass = o.quadrature(p, src, f)
		if !(math.Abs(mass-1) <= 0.01) {
			return e, fmt.Errorf("eval: %s: the density integrates to %.4g over the box, want 1; give a Box that holds it, more Points, or MonteCarlo", caller, mass)
		}
	}
	if math.IsNaN(e.Value) {
		return e, fmt.Errorf("eval: %s: the result is NaN: a log-density is NaN where %T has mass", caller, p)
	}
	return e, nil
}

// quadrature integrates by the midpoint rule, relative to the mass of p in the box.
func (o *EvaluateOptions) quadrature(p Density, src rand.Source, f func(x mat.Matrix, logP []float64)) (e Estimate, mass float64) {
	d, n, box := p.Dim(), o.Points, o.Box
	if n == 0 {
		n = []int{3000, 450}[d-1]
	}
	n = (n + 2) / 3 * 3 // every third midpoint is one of a coarser grid
	if box == nil {
		box = boxAround(p.Sample(10_000, src))
	}
	cells := 1
	volume := 1.0
	for _, side := range box {
		cells *= n
		volume *= (side[1] - side[0]) / float64(n)
	}
	x := mat.NewDense(cells, d, nil)
	coarse := make([]bool, cells)
	for i := range cells {
		coarse[i] = true
		for j, k := 0, i; j < d; j, k = j+1, k/n {
			x.Set(i, j, box[j][0]+(float64(k%n)+0.5)/float64(n)*(box[j][1]-box[j][0]))
			coarse[i] = coarse[i] && k%n%3 == 1
		}
	}
	terms := p.LogProb(x)
	density := make([]float64, cells)
	for i, l := range terms {
		density[i] = math.Exp(l)
	}
	f(x, terms)
	var sum, coarseSum, coarseMass float64
	for i, w := range density {
		if w == 0 {
			continue
		}
		sum += w * terms[i]
		mass += w
		if coarse[i] {
			coarseSum += w * terms[i]
			coarseMass += w
		}
	}
	e.Value = sum / mass
	e.Error = math.Abs(e.Value - coarseSum/coarseMass)
	return e, mass * volume
}

// boxAround returns the range of the columns of x, and a quarter of it beyond either end.
func boxAround(x *mat.Dense) [][2]float64 {
	_, d := x.Dims()
	box := make([][2]float64, d)
	for j := range box {
		c := mat.Col(nil, j, x)
		lo, hi := floats.Min(c), floats.Max(c)
		box[j] = [2]float64{lo - (hi-lo)/4, hi + (hi-lo)/4}
	}
	return box
}
