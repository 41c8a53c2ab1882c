package simulators

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// TwoMoons has data on a crescent that is moved by the parameters, and a posterior of two crescents:
//
//	θ ~ Uniform[−1, 1]²,  a ~ Uniform(−π/2, π/2),  r ~ Normal(0.1, 0.01²),
//	x = (r·cos a + ¼, r·sin a) + (−|θ₀ + θ₁|, θ₁ − θ₀)/√2.
//
// Greenberg et al. 2019, arXiv:1905.07488; sbibm's two_moons.
type TwoMoons struct{}

var _ Exact = TwoMoons{}

const (
	crescentRadius = 0.1
	crescentSD     = 0.01
	crescentShift  = 0.25
)

// Name returns two_moons.
func (TwoMoons) Name() string { return "two_moons" }

// Prior returns the uniform distribution on [−1, 1]².
func (TwoMoons) Prior() Prior { return box(2, 1) }

// DataDim returns 2.
func (TwoMoons) DataDim() int { return 2 }

// Observation returns one of sbibm's observations.
func (t TwoMoons) Observation(k int) (theta, x []float64) { return observation(t, k) }

// crescent draws a point of the crescent.
func crescent(r *rand.Rand) (p, q float64) {
	sin, cos := math.Sincos(math.Pi * (open(r) - 0.5))
	radius := crescentRadius + crescentSD*r.NormFloat64()
	return radius*cos + crescentShift, radius * sin
}

// Simulate draws x given each row of theta.
func (t TwoMoons) Simulate(theta mat.Matrix, src rand.Source) *mat.Dense {
	return simulate(t, theta, src, func(x, θ []float64, r *rand.Rand) {
		p, q := crescent(r)
		x[0], x[1] = p-math.Abs(θ[0]+θ[1])/math.Sqrt2, q+(θ[1]-θ[0])/math.Sqrt2
	})
}

// LogLikelihood returns ln p(x | θ): with the distance r of x from the middle of the crescent, the density is that of r over
// πr. It leaves out negative radii, which have a mass of 1e-23.
func (t TwoMoons) LogLikelihood(theta, x mat.Matrix) []float64 {
	return likelihood(t, theta, x, func(θ, x []float64) float64 {
		u := x[0] + math.Abs(θ[0]+θ[1])/math.Sqrt2 - crescentShift
		v := x[1] - (θ[1]-θ[0])/math.Sqrt2
		if !(u > 0) {
			return math.Inf(-1)
		}
		r := math.Hypot(u, v)
		return logNormal(r, crescentRadius, crescentSD) - math.Log(math.Pi*r)
	})
}

// SamplePosterior draws a point p of the crescent, which leaves two parameters of equal weight, ±(p₀ − x₀) along the diagonal
// and x₁ − p₁ across, and rejects those outside the box. sbibm keeps those with p₀ < x₀ as well, whose x is another one.
func (t TwoMoons) SamplePosterior(n int, x []float64, src rand.Source) *mat.Dense {
	return posterior(t, n, x, src, func(θ []float64, r *rand.Rand) bool {
		p, q := crescent(r)
		along, across := p-x[0], x[1]-q
		if along < 0 {
			return false
		}
		if r.Uint64()&1 != 0 {
			along = -along
		}
		θ[0], θ[1] = (along-across)/math.Sqrt2, (along+across)/math.Sqrt2
		return math.Abs(θ[0]) <= 1 && math.Abs(θ[1]) <= 1
	})
}
