package simulators

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// GaussianLinear infers the mean of a normal distribution: in ten dimensions, each by itself,
//
//	θ ~ Normal(0, 0.1),  x ~ Normal(θ, 0.1),  θ | x ~ Normal(x/2, 0.05),  variances second.
//
// sbibm's gaussian_linear.
type GaussianLinear struct{}

// GaussianLinearUniform is [GaussianLinear] with θ ~ Uniform[−1, 1]¹⁰: the posterior is a normal distribution that ends at
// the sides of the box. sbibm's gaussian_linear_uniform.
type GaussianLinearUniform struct{}

var (
	_ Exact = GaussianLinear{}
	_ Exact = GaussianLinearUniform{}
)

const linearVariance = 0.1

var linearSD = math.Sqrt(linearVariance)

// Name returns gaussian_linear.
func (GaussianLinear) Name() string { return "gaussian_linear" }

// Prior returns the normal distribution with mean 0 and variance 0.1 in ten dimensions.
func (GaussianLinear) Prior() Prior {
	p := Prior{make([]Marginal, 10)}
	for i := range p.marginals {
		p.marginals[i] = distuv.Normal{Sigma: linearSD}
	}
	return p
}

// DataDim returns 10.
func (GaussianLinear) DataDim() int { return 10 }

// Observation returns one of sbibm's observations.
func (t GaussianLinear) Observation(k int) (theta, x []float64) { return observation(t, k) }

// Simulate draws x given each row of theta.
func (t GaussianLinear) Simulate(theta mat.Matrix, src rand.Source) *mat.Dense {
	return simulate(t, theta, src, drawLinear)
}

func drawLinear(x, θ []float64, r *rand.Rand) {
	for i, θ := range θ {
		x[i] = θ + linearSD*r.NormFloat64()
	}
}

// LogLikelihood returns ln p(x | θ).
func (t GaussianLinear) LogLikelihood(theta, x mat.Matrix) []float64 {
	return likelihood(t, theta, x, linearLikelihood)
}

func linearLikelihood(θ, x []float64) float64 {
	var sum float64
	for i, θ := range θ {
		sum += logNormal(x[i], θ, linearSD)
	}
	return sum
}

// SamplePosterior draws from Normal(x/2, 0.05).
func (t GaussianLinear) SamplePosterior(n int, x []float64, src rand.Source) *mat.Dense {
	return posterior(t, n, x, src, func(θ []float64, r *rand.Rand) bool {
		for i, x := range x {
			θ[i] = x/2 + math.Sqrt(linearVariance/2)*r.NormFloat64()
		}
		return true
	})
}

// Name returns gaussian_linear_uniform.
func (GaussianLinearUniform) Name() string { return "gaussian_linear_uniform" }

// Prior returns the uniform distribution on [−1, 1]¹⁰.
func (GaussianLinearUniform) Prior() Prior { return box(10, 1) }

// DataDim returns 10.
func (GaussianLinearUniform) DataDim() int { return 10 }

// Observation returns one of sbibm's observations.
func (t GaussianLinearUniform) Observation(k int) (theta, x []float64) { return observation(t, k) }

// Simulate draws x given each row of theta.
func (t GaussianLinearUniform) Simulate(theta mat.Matrix, src rand.Source) *mat.Dense {
	return simulate(t, theta, src, drawLinear)
}

// LogLikelihood returns ln p(x | θ).
func (t GaussianLinearUniform) LogLikelihood(theta, x mat.Matrix) []float64 {
	return likelihood(t, theta, x, linearLikelihood)
}

// SamplePosterior draws from Normal(x, 0.1) on [−1, 1], by the inverse of the distribution function. It panics when a number
// of x is more than 37 deviations, 11.7, outside.
func (t GaussianLinearUniform) SamplePosterior(n int, x []float64, src rand.Source) *mat.Dense {
	return posterior(t, n, x, src, func(θ []float64, r *rand.Rand) (ok bool) {
		for i, x := range x {
			if θ[i], ok = (truncated{x, linearSD, -1, 1}).draw(r); !ok {
				return false
			}
		}
		return true
	})
}
