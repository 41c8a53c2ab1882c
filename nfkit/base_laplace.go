package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Laplace has independent components, each with the two-sided exponential distribution,
//
//	ln p(z) = −Σⱼ (|zⱼ − μⱼ|/e^{sⱼ} + sⱼ + ln 2),
//
// with location μ (loc) and logarithmic scale s (log_scale), both 1×d and 0 at first. Its tails are between those of [DiagGaussian] and [StudentT].
// Cost O(nd). normflows has none.
type Laplace struct{ loc, logScale *ad.Param }

var _ Base = (*Laplace)(nil)

// LaplaceOptions are the options of [NewLaplace].
type LaplaceOptions struct {
	Fixed bool // location and scale are not trained
}

// NewLaplace returns a distribution in dim dimensions. A nil opts means the defaults. It panics when dim is not positive.
func NewLaplace(dim int, opts *LaplaceOptions) *Laplace {
	checkDim("NewLaplace", dim)
	l := &Laplace{loc: ad.NewParam(1, dim, make([]float64, dim)), logScale: ad.NewParam(1, dim, make([]float64, dim))}
	if opts != nil && opts.Fixed {
		l.loc.Frozen, l.logScale.Frozen = true, true
	}
	return l
}

// checkDim panics unless dim is positive.
func checkDim(call string, dim int) {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: %s: got dimension %d, want 1 or more", call, dim))
	}
}

// Dim returns the number of components.
func (l *Laplace) Dim() int { return len(l.loc.Data) }

// NoiseDim returns the number of components.
func (l *Laplace) NoiseDim() int { return l.Dim() }

// Noise draws numbers with the standard Laplace distribution.
func (l *Laplace) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = math.Copysign(r.ExpFloat64(), r.Float64()-0.5)
	}
}

// LogProb returns the log-density of each row of z.
func (l *Laplace) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("Laplace.LogProb", z, l.Dim())
	s := l.logScale.On(z)
	return laplaceLogProb(z.Sub(l.loc).Mul(s.Neg().Exp()), s)
}

// laplaceLogProb returns the log-density of points that are e scales away from the location.
func laplaceLogProb(e, logScale *ad.Value) *ad.Value {
	return e.Abs().RowSum().Neg().Sub(logScale.RowSum()).Shift(-math.Ln2 * float64(e.Cols()))
}

// Sample returns μ + e^s⊙noise.
func (l *Laplace) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Laplace.Sample", noise, l.Dim())
	s := l.logScale.On(noise)
	return noise.Mul(s.Exp()).Add(l.loc), laplaceLogProb(noise, s)
}

// State lists loc and log_scale.
func (l *Laplace) State() State {
	return State{ParamTensor("loc", l.loc, 1, l.Dim()), ParamTensor("log_scale", l.logScale, 1, l.Dim())}
}
