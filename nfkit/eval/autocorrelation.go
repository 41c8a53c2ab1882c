package eval

import (
	"fmt"
	"math"
	"math/bits"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/stat"
)

// Autocorrelation returns ρ(t) = Γ(t)/Γ(0) of a chain for the lags t = 0 to n−1,
//
//	Γ(t) = 1/n·Σ (xᵢ − x̄)(xᵢ₊ₜ − x̄),
//
// which is biased towards 0, and noise where t is no longer small against n. It is NaN when a draw is, and for a constant.
// Cost O(n·ln n), by fast Fourier transform.
func Autocorrelation(chain []float64) []float64 {
	if len(chain) == 0 {
		return nil
	}
	rho := autocovariance(chain, stat.Mean(chain, nil))
	variance := rho[0]
	for t := range rho {
		rho[t] /= variance
	}
	return rho
}

// AutocorrelationTime returns the integrated autocorrelation time of a quantity along Markov chains of equal lengths that
// are in equilibrium,
//
//	τ = ½ + Σ ρ(t), t = 1 to W:
//
// ½ for independent draws; N draws are worth N/2τ. The window W is where the sum of the errors that cutting off and noise
// bring is least, if correlations fall with 1.5 times the exponential time that the sum of |ρ| up to there suggests. The
// error is that of Madras and Sokal, τ·√(4(W + ½ − τ)/N). Means are taken over all chains, and the bias that brings is
// removed.
//
// Wolff 2004, Comput. Phys. Commun. 156, eq. 31 to 35, 42, 49 and 52; Sokal 1997, section 3. Cost O(N·ln N). Short chains
// look better than they are: it returns an error when a chain is shorter than 50τ, as those are that stay apart, and when
// a draw is not finite or all are equal. It panics when there are no chains, their lengths differ, or are below 4.
func AutocorrelationTime(chains [][]float64) (Estimate, error) {
	n, m := checkChains("AutocorrelationTime", chains, 4), len(chains)
	var mean float64
	for _, c := range chains {
		mean += stat.Mean(c, nil) / float64(m)
	}
	gamma := make([]float64, n/2)
	for _, c := range chains {
		for t, g := range autocovariance(c, mean)[:len(gamma)] {
			gamma[t] += g * float64(n) / float64(n-t) / float64(m)
		}
	}
	if !(gamma[0] > 0) || math.IsInf(gamma[0], 1) {
		return Estimate{math.NaN(), math.NaN()}, fmt.Errorf("eval: AutocorrelationTime: the draws have variance %v, want a positive finite one", gamma[0])
	}
	all := float64(n * m)
	sum, absolute := 0.5, 0.5 // absolute values, for antithetic chains: their signed sum would end after the first lag
	for w := 1; w < len(gamma); w++ {
		sum += gamma[w] / gamma[0]
		absolute += math.Abs(gamma[w] / gamma[0])
		decay := 1.5 / math.Log((2*absolute+1)/(2*absolute-1))
		if math.Exp(-float64(w)/decay) >= decay/math.Sqrt(float64(w)*all) {
			continue
		}
		// The mean of all draws is nearer to them than the true mean is, by a variance of 2τ·Γ(0)/N.
		bias := 2 * sum * gamma[0] / all
		tau := 0.5
		for _, g := range gamma[1 : w+1] {
			tau += (g + bias) / (gamma[0] + bias)
		}
		e := Estimate{tau, tau * math.Sqrt(4*(float64(w)+0.5-tau)/all)}
		if float64(n) < 50*tau {
			return e, fmt.Errorf("eval: AutocorrelationTime: the time seems to be %.3g, and the chains have %d draws; want 50 times as many or more", tau, n)
		}
		return e, nil
	}
	return Estimate{sum, math.Inf(1)}, fmt.Errorf("eval: AutocorrelationTime: there is no window in chains of %d draws, over half of which the time is %.3g", n, sum)
}

// autocovariance returns 1/n·Σ (xᵢ − mean)(xᵢ₊ₜ − mean) for t = 0 to n−1.
func autocovariance(x []float64, mean float64) []float64 {
	n := len(x)
	padded := make([]float64, 1<<bits.Len(uint(2*n-1))) // with zeros, so that the end does not meet the beginning
	for i, v := range x {
		padded[i] = v - mean
	}
	fft := fourier.NewFFT(len(padded))
	c := fft.Coefficients(nil, padded)
	for i, v := range c {
		c[i] = complex(real(v)*real(v)+imag(v)*imag(v), 0)
	}
	fft.Sequence(padded, c)
	for i := range n {
		padded[i] /= float64(len(padded)) * float64(n)
	}
	return padded[:n]
}
