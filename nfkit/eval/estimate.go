package eval

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Estimate is a number that was computed from points, and how far off it may be.
type Estimate struct {
	Value float64
	Error float64 // the standard error; of quadrature, the change from a third of the points on each axis
}

// Test is the outcome of a test of a hypothesis.
type Test struct {
	Statistic float64
	PValue    float64 // the probability of such a statistic or a larger one where the hypothesis holds
}

// LogProber is a distribution with a density: a model, a target of package targets, or a baseline.
type LogProber interface {
	// LogProb returns the normalised log-density of each row of x.
	LogProb(x mat.Matrix) []float64
}

// Density is a distribution that can be evaluated and sampled: a model, a target of package targets, or a baseline.
type Density interface {
	LogProber
	// Dim returns the number of columns of a batch.
	Dim() int
	// Sample returns n rows drawn from src.
	Sample(n int, src rand.Source) *mat.Dense
}

// meanOf returns the mean of independent numbers. The error of a single one is NaN.
func meanOf(x []float64) Estimate {
	mean, sd := stat.MeanStdDev(x, nil)
	return Estimate{mean, sd / math.Sqrt(float64(len(x)))}
}

// dense returns x, or a copy if it is of another type.
func dense(x mat.Matrix) *mat.Dense {
	if d, ok := x.(*mat.Dense); ok {
		return d
	}
	return mat.DenseCopyOf(x)
}
