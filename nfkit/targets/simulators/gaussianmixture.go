package simulators

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// GaussianMixture infers the common mean of two normal distributions in the plane, one broad and one narrow:
//
//	θ ~ Uniform[−10, 10]²,  x ~ ½·Normal(θ, 1) + ½·Normal(θ, 0.1²).
//
// Sisson, Fan & Tanaka 2007, PNAS 104(6), in one dimension; sbibm's gaussian_mixture.
type GaussianMixture struct{}

var _ Exact = GaussianMixture{}

var mixtureSDs = [2]float64{1, 0.1}

// Name returns gaussian_mixture.
func (GaussianMixture) Name() string { return "gaussian_mixture" }

// Prior returns the uniform distribution on [−10, 10]².
func (GaussianMixture) Prior() Prior { return box(2, 10) }

// DataDim returns 2.
func (GaussianMixture) DataDim() int { return 2 }

// Observation returns one of sbibm's observations.
func (t GaussianMixture) Observation(k int) (theta, x []float64) { return observation(t, k) }

// Simulate draws x given each row of theta.
func (t GaussianMixture) Simulate(theta mat.Matrix, src rand.Source) *mat.Dense {
	return simulate(t, theta, src, func(x, θ []float64, r *rand.Rand) {
		sd := mixtureSDs[r.IntN(2)]
		x[0], x[1] = θ[0]+sd*r.NormFloat64(), θ[1]+sd*r.NormFloat64()
	})
}

// LogLikelihood returns ln p(x | θ).
func (t GaussianMixture) LogLikelihood(theta, x mat.Matrix) []float64 {
	return likelihood(t, theta, x, func(θ, x []float64) float64 {
		var logs [2]float64
		for i, sd := range mixtureSDs {
			logs[i] = logNormal(x[0], θ[0], sd) + logNormal(x[1], θ[1], sd) - math.Ln2
		}
		top := max(logs[0], logs[1])
		if math.IsInf(top, -1) {
			return top
		}
		return top + math.Log1p(math.Exp(min(logs[0], logs[1])-top))
	})
}

// SamplePosterior draws one of the two distributions by its mass in the box, then each parameter from a normal distribution
// around x that ends at the sides of the box. It panics when a number of x is more than 37 outside the box.
func (t GaussianMixture) SamplePosterior(n int, x []float64, src rand.Source) *mat.Dense {
	return posterior(t, n, x, src, func(θ []float64, r *rand.Rand) (ok bool) {
		var parts [2][2]truncated
		var masses [2]float64
		for i, sd := range mixtureSDs {
			parts[i] = [2]truncated{{x[0], sd, -10, 10}, {x[1], sd, -10, 10}}
			masses[i] = parts[i][0].mass() * parts[i][1].mass()
		}
		i := 0
		if r.Float64()*(masses[0]+masses[1]) >= masses[0] {
			i = 1
		}
		for j, part := range parts[i] {
			if θ[j], ok = part.draw(r); !ok {
				return false
			}
		}
		return true
	})
}
