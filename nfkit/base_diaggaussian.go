package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

const log2Pi = 1.8378770664093454836 // ln 2π

// DiagGaussian is the normal distribution with independent components,
//
//	ln p(z) = −d/2·ln 2π − Σⱼ (sⱼ + ½((zⱼ − μⱼ)/e^{sⱼ})²),
//
// with mean μ (loc) and logarithmic standard deviation s (log_scale), both 1×d and 0 at first.
// Its twin in normflows is DiagGaussian.
type DiagGaussian struct {
	// Temperature multiplies the standard deviations, in samples and densities alike; it is 1 at first, and positive. It is for a trained
	// model: below 1 its samples are closer to the modes. It may be changed between calls.
	Temperature float64

	loc, logScale *ad.Param
}

var _ Base = (*DiagGaussian)(nil)

// DiagGaussianOptions are the options of [NewDiagGaussian].
type DiagGaussianOptions struct {
	Fixed bool // mean and standard deviation are not trained: trainable=False of the reference
}

// NewDiagGaussian returns the standard normal distribution in dim dimensions. A nil opts means the defaults.
// It panics when dim is not positive.
func NewDiagGaussian(dim int, opts *DiagGaussianOptions) *DiagGaussian {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewDiagGaussian: got dimension %d, want 1 or more", dim))
	}
	g := &DiagGaussian{
		Temperature: 1,
		loc:         ad.NewParam(1, dim, make([]float64, dim)),
		logScale:    ad.NewParam(1, dim, make([]float64, dim)),
	}
	if opts != nil && opts.Fixed {
		g.loc.Frozen, g.logScale.Frozen = true, true
	}
	return g
}

// Dim returns the number of components.
func (g *DiagGaussian) Dim() int { return len(g.loc.Data) }

// NoiseDim returns the number of components.
func (g *DiagGaussian) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *DiagGaussian) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

func fillNormal(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}

// LogProb returns the log-density of each row of z.
func (g *DiagGaussian) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("DiagGaussian.LogProb", z, g.Dim())
	s := g.scaleOn(z.Tape())
	return normalLogProb(z.Sub(g.loc).Mul(s.Neg().Exp()), s)
}

// scaleOn returns the logarithmic standard deviation at the present temperature.
func (g *DiagGaussian) scaleOn(t *ad.Tape) *ad.Value {
	s := t.Param(g.logScale)
	switch {
	case g.Temperature == 1:
		return s
	case !(g.Temperature > 0) || math.IsInf(g.Temperature, 1):
		panic(fmt.Sprintf("nfkit: DiagGaussian: got temperature %v, want a positive number; at 0 there is no density", g.Temperature))
	}
	return s.Shift(math.Log(g.Temperature))
}

// normalLogProb returns the normal log-density of points e = A⁻¹(z − μ), n×d, where Σ logScale, over a row that may be
// shared, is ln|det A|: n×1.
func normalLogProb(e, logScale *ad.Value) *ad.Value {
	return e.Square().RowSum().Scale(-0.5).Sub(logScale.RowSum()).Shift(-0.5 * log2Pi * float64(e.Cols()))
}

// Sample returns μ + e^s⊙noise.
func (g *DiagGaussian) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("DiagGaussian.Sample", noise, g.Dim())
	s := g.scaleOn(noise.Tape())
	return noise.Mul(s.Exp()).Add(g.loc), normalLogProb(noise, s)
}

// State lists loc and log_scale.
func (g *DiagGaussian) State() State {
	return State{ParamTensor("loc", g.loc, 1, g.Dim()), ParamTensor("log_scale", g.logScale, 1, g.Dim())}
}

// uniformParam returns a rows×cols parameter with elements drawn from [−limit, limit).
func uniformParam(rows, cols int, limit float64, r *rand.Rand) *ad.Param {
	data := make([]float64, rows*cols)
	for i := range data {
		data[i] = limit * (2*r.Float64() - 1)
	}
	return ad.NewParam(rows, cols, data)
}

// softplusInverse returns the x whose softplus is y > 0.
func softplusInverse(y float64) float64 { return y + math.Log(-math.Expm1(-y)) }
