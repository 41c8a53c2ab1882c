package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// GaussianPCA is the normal distribution of a few latent factors and noise, that of probabilistic principal component
// analysis:
//
//	z = μ + xW + σε,  x ~ Normal(0, I_l),  ε ~ Normal(0, I_d),  so  z ~ Normal(μ, Σ = WᵀW + σ²I),
//
// with mean μ (loc, 1×d), factors W (l×d) and ln σ (log_sigma). With M = WWᵀ + σ²I, l×l, and x̂ = M⁻¹W(z−μ),
//
//	ln p(z) = −d/2·ln 2π − ½ ln det Σ − ½(‖z − μ − x̂W‖²/σ² + ‖x̂‖²),  ln det Σ = 2(d−l)·ln σ + ln det M,
//
// which needs no d×d matrix and does not lose digits for a small σ. Cost O(ndl + dl² + l³). Tipping & Bishop 1999,
// Journal of the Royal Statistical Society B 61(3). Its twin in normflows is GaussianPCA, whose density and samples are
// wrong.
type GaussianPCA struct {
	loc, factors, logSigma *ad.Param

	below, right, diagonal []int // places in an l×l matrix L, by rows: of its strict triangle, of that of Lᵀ, and of its diagonal
}

var _ Base = (*GaussianPCA)(nil)

// GaussianPCAOptions are the options of [NewGaussianPCA].
type GaussianPCAOptions struct {
	Latent int     // l, number of factors; 0 means d
	Sigma  float64 // σ at first; 0 means 0.1
}

// NewGaussianPCA returns a distribution in dim dimensions with factors drawn from the standard normal distribution. A
// nil opts means the defaults. It panics when dim is not positive, the number of factors not one from 1 to dim, or σ
// not positive.
func NewGaussianPCA(dim int, opts *GaussianPCAOptions, src rand.Source) *GaussianPCA {
	o := GaussianPCAOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Latent == 0 {
		o.Latent = dim
	}
	if o.Sigma == 0 {
		o.Sigma = 0.1
	}
	if dim < 1 || o.Latent < 1 || o.Latent > dim || !(o.Sigma > 0) || !isFinite(o.Sigma) {
		panic(fmt.Sprintf("nfkit: NewGaussianPCA: got dimension %d, %d factors and σ = %v, want 1 or more, 1 to that, and a positive number", dim, o.Latent, o.Sigma))
	}
	l := o.Latent
	factors := make([]float64, l*dim)
	fillNormal(factors, newRand("NewGaussianPCA", src))
	g := &GaussianPCA{
		loc:      ad.NewParam(1, dim, make([]float64, dim)),
		factors:  ad.NewParam(l, dim, factors),
		logSigma: ad.NewParam(1, 1, []float64{math.Log(o.Sigma)}),
	}
	for i := range l {
		g.diagonal = append(g.diagonal, i*l+i)
		for j := range i {
			g.below = append(g.below, i*l+j)
		}
		for j := i + 1; j < l; j++ {
			g.right = append(g.right, j*l+i)
		}
	}
	return g
}

// Dim returns the number of components.
func (g *GaussianPCA) Dim() int { return len(g.loc.Data) }

// latent returns the number of factors.
func (g *GaussianPCA) latent() int { return len(g.diagonal) }

// NoiseDim returns the number of factors and components together.
func (g *GaussianPCA) NoiseDim() int { return g.latent() + g.Dim() }

// Noise draws standard normal numbers.
func (g *GaussianPCA) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

// LogProb returns the log-density of each row of z.
func (g *GaussianPCA) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("GaussianPCA.LogProb", z, g.Dim())
	t, d, l := z.Tape(), g.Dim(), g.latent()
	w, s := t.Param(g.factors), t.Param(g.logSigma)
	m := w.Linear(w, nil).Add(t.Eye(l).Mul(s.Scale(2).Exp())) // l×l
	factor := m.Cholesky().Reshape(1, l*l)
	diagonal := factor.Columns(g.diagonal)

	y := z.Sub(g.loc)
	x := y.Linear(w, nil).TriSolve(ad.Lower, factor.Columns(g.below), diagonal) // n×l
	x = x.TriSolve(ad.Upper, factor.Columns(g.right), diagonal)
	rest := y.Sub(x.MatMul(w)).Mul(s.Neg().Exp()) // n×d
	distance := rest.Square().RowSum().Add(x.Square().RowSum())
	logDet := diagonal.Log().RowSum().Add(s.Scale(float64(d - l)))
	return distance.Scale(-0.5).Sub(logDet).Shift(-0.5 * log2Pi * float64(d))
}

// Sample returns μ + xW + σε, where x is the first l columns of noise and ε the rest.
func (g *GaussianPCA) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("GaussianPCA.Sample", noise, g.NoiseDim())
	t, l := noise.Tape(), g.latent()
	x, e := noise.Slice(0, l), noise.Slice(l, l+g.Dim())
	z = x.MatMul(g.factors).Add(e.Mul(t.Param(g.logSigma).Exp())).Add(g.loc)
	return z, g.LogProb(z, nil)
}

// State lists loc, W and log_sigma.
func (g *GaussianPCA) State() State {
	return State{
		ParamTensor("loc", g.loc, 1, g.Dim()), ParamTensor("W", g.factors, g.latent(), g.Dim()),
		ParamTensor("log_sigma", g.logSigma),
	}
}
