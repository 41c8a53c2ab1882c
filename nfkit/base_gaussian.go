package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Gaussian is the normal distribution with a full covariance matrix LLᵀ,
//
//	ln p(z) = −d/2·ln 2π − Σⱼ sⱼ − ½‖L⁻¹(z − μ)‖²,
//
// with mean μ (loc) and L lower triangular, with diagonal e^s (log_scale) and elements below it by rows
// (lower_entries). It is the standard normal distribution at first. Cost O(nd²). normflows has none.
type Gaussian struct {
	loc, logScale, lower *ad.Param
}

var _ Base = (*Gaussian)(nil)

// GaussianOptions are the options of [NewGaussian].
type GaussianOptions struct {
	Loc        []float64     // mean, d numbers; nil means 0
	Covariance mat.Symmetric // d×d and positive definite; nil means the identity
	Fixed      bool          // mean and covariance are not trained
}

// NewGaussian returns a normal distribution in dim dimensions. A nil opts means the defaults. It panics when dim is not
// positive, or mean or covariance are of another size, or the covariance is not positive definite.
func NewGaussian(dim int, opts *GaussianOptions) *Gaussian {
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewGaussian: got dimension %d, want 1 or more", dim))
	}
	half := dim * (dim - 1) / 2
	g := &Gaussian{
		loc:      ad.NewParam(1, dim, make([]float64, dim)),
		logScale: ad.NewParam(1, dim, make([]float64, dim)),
		lower:    ad.NewParam(1, half, make([]float64, half)),
	}
	if opts == nil {
		return g
	}
	if opts.Loc != nil {
		if len(opts.Loc) != dim {
			panic(fmt.Sprintf("nfkit: NewGaussian: got a mean of %d numbers, want %d", len(opts.Loc), dim))
		}
		copy(g.loc.Data, opts.Loc)
	}
	if opts.Covariance != nil {
		g.setCovariance(opts.Covariance)
	}
	if opts.Fixed {
		g.loc.Frozen, g.logScale.Frozen, g.lower.Frozen = true, true, true
	}
	return g
}

// setCovariance makes L the Cholesky factor of c.
func (g *Gaussian) setCovariance(c mat.Symmetric) {
	d := g.Dim()
	var factor mat.Cholesky
	if n := c.SymmetricDim(); n != d || !factor.Factorize(c) {
		panic(fmt.Sprintf("nfkit: NewGaussian: got a %d×%d covariance, want a positive definite one of %d×%d", n, n, d, d))
	}
	var l mat.TriDense
	factor.LTo(&l)
	at := 0
	for i := range d {
		g.logScale.Data[i] = math.Log(l.At(i, i))
		for j := range i {
			g.lower.Data[at] = l.At(i, j)
			at++
		}
	}
}

// Dim returns the number of components.
func (g *Gaussian) Dim() int { return len(g.loc.Data) }

// NoiseDim returns the number of components.
func (g *Gaussian) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *Gaussian) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

// LogProb returns the log-density of each row of z.
func (g *Gaussian) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("Gaussian.LogProb", z, g.Dim())
	s := g.logScale.On(z)
	return normalLogProb(z.Sub(g.loc).TriSolve(ad.Lower, g.lower, s.Exp()), s)
}

// Sample returns μ + L·noise.
func (g *Gaussian) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("Gaussian.Sample", noise, g.Dim())
	s := g.logScale.On(noise)
	return noise.TriMul(ad.Lower, g.lower, s.Exp()).Add(g.loc), normalLogProb(noise, s)
}

// State lists loc, log_scale and lower_entries.
func (g *Gaussian) State() State {
	d := g.Dim()
	return State{
		ParamTensor("loc", g.loc, 1, d), ParamTensor("log_scale", g.logScale, 1, d),
		ParamTensor("lower_entries", g.lower, len(g.lower.Data)),
	}
}
