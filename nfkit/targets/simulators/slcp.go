package simulators

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// SLCP has a simple likelihood and a complex posterior, of four modes: the data are four draws from a normal distribution
// in the plane, with θ ~ Uniform[−3, 3]⁵ and
//
//	mean (θ₀, θ₁),  variances θ₂⁴ + 10⁻⁶ and θ₃⁴ + 10⁻⁶,  covariance tanh(θ₄)·θ₂²·θ₃².
//
// Papamakarios, Sterratt & Murray 2019, arXiv:1805.07226; sbibm's slcp.
type SLCP struct{}

var _ Task = SLCP{}

// Name returns slcp.
func (SLCP) Name() string { return "slcp" }

// Prior returns the uniform distribution on [−3, 3]⁵.
func (SLCP) Prior() Prior { return box(5, 3) }

// DataDim returns 8: four points of the plane.
func (SLCP) DataDim() int { return 8 }

// Observation returns one of sbibm's observations.
func (t SLCP) Observation(k int) (theta, x []float64) { return observation(t, k) }

// cholesky returns the factor of the covariance with rows (a, 0) and (b, c).
func (SLCP) cholesky(θ []float64) (a, b, c float64) {
	s, t := θ[2]*θ[2], θ[3]*θ[3]
	const least = 1e-6
	a = math.Sqrt(s*s + least)
	b = math.Tanh(θ[4]) * s * t / a
	// The variance t² + least less b², without their difference: b² = ρ²t²·s²/(s² + least).
	cosh := math.Cosh(θ[4])
	c = math.Sqrt(least + t*t*(1/(cosh*cosh)+math.Pow(math.Tanh(θ[4]), 2)*least/(a*a)))
	return a, b, c
}

// Simulate draws x given each row of theta.
func (t SLCP) Simulate(theta mat.Matrix, src rand.Source) *mat.Dense {
	return simulate(t, theta, src, func(x, θ []float64, r *rand.Rand) {
		a, b, c := t.cholesky(θ)
		for i := 0; i < len(x); i += 2 {
			u, v := r.NormFloat64(), r.NormFloat64()
			x[i], x[i+1] = θ[0]+a*u, θ[1]+b*u+c*v
		}
	})
}

// LogLikelihood returns ln p(x | θ).
func (t SLCP) LogLikelihood(theta, x mat.Matrix) []float64 {
	return likelihood(t, theta, x, func(θ, x []float64) float64 {
		a, b, c := t.cholesky(θ)
		var sum float64
		for i := 0; i < len(x); i += 2 {
			u := (x[i] - θ[0]) / a
			sum += -0.5*u*u + logNormal(x[i+1], θ[1]+b*u, c) - 0.5*log2Pi - math.Log(a)
		}
		return sum
	})
}
