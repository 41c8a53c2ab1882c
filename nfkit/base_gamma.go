package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Gamma has independent positive components, each with the gamma distribution of shape α,
//
//	ln p(z) = Σⱼ ((α − 1)·ln gⱼ − gⱼ − ln Γ(α) − sⱼ),  gⱼ = zⱼ/e^{sⱼ} > 0,
//
// with logarithmic scale s (log_scale), 1×d and 0 at first; −Inf where a component is not positive. The shape is not trained: a sample has no simple
// gradient with respect to it. With α = 1 it is the exponential distribution. Cost O(nd). normflows has none.
type Gamma struct {
	shape    float64
	logScale *ad.Param
}

var _ Base = (*Gamma)(nil)

// GammaOptions are the options of [NewGamma].
type GammaOptions struct {
	Fixed bool // the scale is not trained
}

// NewGamma returns a distribution in dim dimensions of the given shape. A nil opts means the defaults. It panics when dim or shape is not positive.
func NewGamma(dim int, shape float64, opts *GammaOptions) *Gamma {
	checkDim("NewGamma", dim)
	checkShape("NewGamma", shape)
	g := &Gamma{shape, ad.NewParam(1, dim, make([]float64, dim))}
	g.logScale.Frozen = opts != nil && opts.Fixed
	return g
}

// checkShape panics unless the parameter of a gamma distribution is a positive number.
func checkShape(call string, shape float64) {
	if !(shape > 0) || !isFinite(shape) {
		panic(fmt.Sprintf("nfkit: %s: got shape %v, want a positive number", call, shape))
	}
}

// Dim returns the number of components.
func (g *Gamma) Dim() int { return len(g.logScale.Data) }

// NoiseDim returns the number of components.
func (g *Gamma) NoiseDim() int { return g.Dim() }

// Noise draws logarithms of numbers with the gamma distribution of scale 1.
func (g *Gamma) Noise(dst []float64, r *rand.Rand) {
	draw := logGamma(g.shape, r)
	for i := range dst {
		dst[i] = draw()
	}
}

// logGamma draws logarithms of gamma variates: ln g + ln(u)/α has shape α if g has α + 1 and u is uniform. It does not underflow for a small shape, as
// the numbers themselves do. Marsaglia & Tsang 2000, doi:10.1145/358407.358414.
func logGamma(shape float64, r *rand.Rand) func() float64 {
	more := distuv.Gamma{Alpha: shape + 1, Beta: 1, Src: r}
	return func() float64 { return math.Log(more.Rand()) + math.Log(1-r.Float64())/shape }
}

// LogProb returns the log-density of each row of z.
func (g *Gamma) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("Gamma.LogProb", z, g.Dim())
	z, inside := g.support().inside(z)
	s := g.logScale.On(z)
	return g.logProb(z.Log().Sub(s), s).Add(inside)
}

// support returns that of each component.
func (g *Gamma) support() bounded { return bounded{g.Dim(), 0, math.Inf(1), 1} }

// logProb returns the log-density of the points e^{logG+logScale}.
func (g *Gamma) logProb(logG, logScale *ad.Value) *ad.Value {
	c, _ := math.Lgamma(g.shape)
	return logG.Scale(g.shape - 1).Sub(logG.Exp()).RowSum().Sub(logScale.RowSum()).Shift(-c * float64(g.Dim()))
}

// Sample returns e^{noise + s}.
func (g *Gamma) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Gamma.Sample", noise, g.Dim())
	s := g.logScale.On(noise)
	return g.support().offBounds(noise.Add(s).Exp()), g.logProb(noise, s)
}

// State lists log_scale.
func (g *Gamma) State() State { return State{ParamTensor("log_scale", g.logScale, 1, g.Dim())} }
