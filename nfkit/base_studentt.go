package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// StudentT has independent components, each with Student's t distribution with ν degrees of freedom,
//
//	ln p(z) = Σⱼ (c_ν − sⱼ − (ν+1)/2·ln(1 + eⱼ²/ν)),  eⱼ = (zⱼ − μⱼ)/e^{sⱼ},
//	c_ν = ln Γ((ν+1)/2) − ln Γ(ν/2) − ½ ln νπ,
//
// with location μ (loc) and logarithmic scale s (log_scale), both 1×d and 0 at first. Its tails fall like |z|^{−ν−1}: a
// flow with bounded slopes cannot make heavy tails from light ones. Jaini et al. 2020, arXiv:1907.04481. normflows has
// none.
type StudentT struct {
	df            float64
	loc, logScale *ad.Param
}

var _ Base = (*StudentT)(nil)

// StudentTOptions are the options of [NewStudentT].
type StudentTOptions struct {
	Fixed bool // location and scale are not trained
}

// NewStudentT returns a distribution in dim dimensions with df degrees of freedom, which are not trained. A nil opts
// means the defaults. It panics when dim or df is not positive.
func NewStudentT(dim int, df float64, opts *StudentTOptions) *StudentT {
	if dim < 1 || !(df > 0) || math.IsInf(df, 1) {
		panic(fmt.Sprintf("nfkit: NewStudentT: got dimension %d and %v degrees of freedom, want positive numbers", dim, df))
	}
	s := &StudentT{
		df:       df,
		loc:      ad.NewParam(1, dim, make([]float64, dim)),
		logScale: ad.NewParam(1, dim, make([]float64, dim)),
	}
	if opts != nil && opts.Fixed {
		s.loc.Frozen, s.logScale.Frozen = true, true
	}
	return s
}

// Dim returns the number of components.
func (s *StudentT) Dim() int { return len(s.loc.Data) }

// NoiseDim returns the number of components.
func (s *StudentT) NoiseDim() int { return s.Dim() }

// Noise draws numbers with the standard t distribution.
func (s *StudentT) Noise(dst []float64, r *rand.Rand) {
	t := distuv.StudentsT{Sigma: 1, Nu: s.df, Src: r}
	for i := range dst {
		dst[i] = t.Rand()
	}
}

// LogProb returns the log-density of each row of z.
func (s *StudentT) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("StudentT.LogProb", z, s.Dim())
	scale := s.logScale.On(z)
	return s.logProb(z.Sub(s.loc).Mul(scale.Neg().Exp()), scale)
}

// logProb returns the log-density of points that are e scales away from the location.
func (s *StudentT) logProb(e, logScale *ad.Value) *ad.Value {
	a, _ := math.Lgamma((s.df + 1) / 2)
	b, _ := math.Lgamma(s.df / 2)
	c := a - b - 0.5*math.Log(s.df*math.Pi)
	tails := e.Scale(1 / math.Sqrt(s.df)).Square().Log1p().RowSum().Scale(-(s.df + 1) / 2)
	return tails.Sub(logScale.RowSum()).Shift(c * float64(s.Dim()))
}

// Sample returns μ + e^s⊙noise.
func (s *StudentT) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("StudentT.Sample", noise, s.Dim())
	scale := s.logScale.On(noise)
	return noise.Mul(scale.Exp()).Add(s.loc), s.logProb(noise, scale)
}

// State lists loc and log_scale.
func (s *StudentT) State() State {
	return State{ParamTensor("loc", s.loc, 1, s.Dim()), ParamTensor("log_scale", s.logScale, 1, s.Dim())}
}
