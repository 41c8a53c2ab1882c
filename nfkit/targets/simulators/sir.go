package simulators

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
)

// SIR is an epidemic among a million people, of whom at first one is infected. The susceptible fraction s and the infected
// one i follow
//
//	ds/dt = −βsi,  di/dt = βsi − γi,
//
// and the data are how many of 1000 tested people are infected, x ~ Binomial(1000, i), every 17 days from day 0 to day
// 153. The parameters are θ = (β, γ), per day, with ln β ~ Normal(ln 0.4, 0.5²) and ln γ ~ Normal(ln 0.125, 0.2²). sbibm's
// sir.
type SIR struct{}

var _ Task = SIR{}

const (
	sirTests      = 1000 // people tested at a time
	sirTimes      = 10
	sirDays       = 17   // between tests
	sirFirst      = 1e-6 // infected fraction on day 0
	sirLargest    = 100  // rate, 11 deviations of ln β from its mean
	sirResolution = 10   // steps of the integration in the time 1/β, or 1/γ
)

// Name returns sir.
func (SIR) Name() string { return "sir" }

// Prior returns the log-normal distributions of β and γ.
func (SIR) Prior() Prior {
	return Prior{[]Marginal{
		distuv.LogNormal{Mu: math.Log(0.4), Sigma: 0.5},
		distuv.LogNormal{Mu: math.Log(0.125), Sigma: 0.2},
	}}
}

// DataDim returns 10.
func (SIR) DataDim() int { return sirTimes }

// Observation returns one of sbibm's observations.
func (t SIR) Observation(k int) (theta, x []float64) { return observation(t, k) }

// Infected returns the infected fraction on the days of the tests, by Runge and Kutta's method of order 4 in steps of 1/10 of
// the shorter of 1/β and 1/γ or less, with a relative error below 1e-4. It panics unless both rates are from 0 to 100 a
// day.
func (SIR) Infected(beta, gamma float64) []float64 {
	if !(beta >= 0 && beta <= sirLargest && gamma >= 0 && gamma <= sirLargest) {
		panic(fmt.Sprintf("simulators: SIR: got the rates %v and %v, want 0 to %v", beta, gamma, sirLargest))
	}
	steps := int(math.Ceil(sirDays * max(beta, gamma, 0.1) * sirResolution))
	return infected(beta, gamma, steps)
}

// infected integrates with the given number of steps from one test to the next.
func infected(β, γ float64, steps int) []float64 {
	slope := func(s, i float64) (ds, di float64) {
		ds = -β * s * i
		return ds, -ds - γ*i
	}
	fractions := make([]float64, sirTimes)
	h := float64(sirDays) / float64(steps)
	s, i := 1-sirFirst, sirFirst
	fractions[0] = i
	for t := 1; t < sirTimes; t++ {
		for range steps {
			s1, i1 := slope(s, i)
			s2, i2 := slope(s+h/2*s1, i+h/2*i1)
			s3, i3 := slope(s+h/2*s2, i+h/2*i2)
			s4, i4 := slope(s+h*s3, i+h*i3)
			s += h / 6 * (s1 + 2*s2 + 2*s3 + s4)
			i += h / 6 * (i1 + 2*i2 + 2*i3 + i4)
		}
		fractions[t] = i
	}
	return fractions
}

// Simulate draws x given each row of theta. It panics unless both rates are from 0 to 100 a day. Cost O(max(β, γ)) for a
// row: 1e4 operations at the median of the prior.
func (t SIR) Simulate(theta mat.Matrix, src rand.Source) *mat.Dense {
	return simulate(t, theta, src, func(x, θ []float64, r *rand.Rand) {
		for j, p := range t.Infected(θ[0], θ[1]) {
			x[j] = distuv.Binomial{N: sirTests, P: p, Src: r}.Rand()
		}
	})
}

// LogLikelihood returns ln p(x | θ), −Inf where x is no count of people, or a rate is not from 0 to 100 a day.
func (t SIR) LogLikelihood(theta, x mat.Matrix) []float64 {
	return likelihood(t, theta, x, func(θ, x []float64) float64 {
		if min(θ[0], θ[1]) < 0 || max(θ[0], θ[1]) > sirLargest {
			return math.Inf(-1)
		}
		var sum float64
		for j, p := range t.Infected(θ[0], θ[1]) {
			if x[j] < 0 || x[j] > sirTests || x[j] != math.Floor(x[j]) {
				return math.Inf(-1)
			}
			sum += combin.LogGeneralizedBinomial(sirTests, x[j]) + (sirTests-x[j])*math.Log1p(-p)
			if x[j] > 0 { // 0·ln 0 is 0
				sum += x[j] * math.Log(p)
			}
		}
		return sum
	})
}
