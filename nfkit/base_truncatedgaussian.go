package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// TruncatedGaussian is the normal distribution with independent components, each of which is kept in the interval [a, b],
//
//	ln p(z) = Σⱼ (ln Normal(zⱼ; μⱼ, e^{sⱼ}) − ln(Φ(βⱼ) − Φ(αⱼ))),  αⱼ = (a − μⱼ)/e^{sⱼ},  βⱼ = (b − μⱼ)/e^{sⱼ},
//
// and −Inf outside, with location μ (loc) and logarithmic scale s (log_scale), both 1×d. At first μ is in the middle and [a, b] has four scales, or
// what the options say. A sample is μ + e^s·Φ⁻¹(Φ(α) + u·(Φ(β) − Φ(α))) for a uniform u, computed in logarithms of both tails, so that the interval may
// lie far out in one. Cost O(nd). normflows has none.
type TruncatedGaussian struct {
	lo, hi        float64
	loc, logScale *ad.Param
}

var _ Base = (*TruncatedGaussian)(nil)

// TruncatedGaussianOptions are the options of [NewTruncatedGaussian].
type TruncatedGaussianOptions struct {
	Loc, Scale float64 // of each component, before it is truncated; a Scale of 0 means both in the middle and a quarter of the interval
	Fixed      bool    // location and scale are not trained
}

// NewTruncatedGaussian returns a distribution on [lo, hi]^dim. A nil opts means the defaults. It panics when dim is not positive, the interval not one
// with finite ends, or a scale not positive.
func NewTruncatedGaussian(dim int, lo, hi float64, opts *TruncatedGaussianOptions) *TruncatedGaussian {
	checkDim("NewTruncatedGaussian", dim)
	if w := hi - lo; !(w > 0) || !isFinite(w) {
		panic(fmt.Sprintf("nfkit: NewTruncatedGaussian: got the interval [%v, %v], want finite ends in order", lo, hi))
	}
	var o TruncatedGaussianOptions
	if opts != nil {
		o = *opts
	}
	if o.Scale == 0 {
		o.Loc, o.Scale = lo+(hi-lo)/2, (hi-lo)/4
	}
	if !(o.Scale > 0) || !isFinite(o.Scale) || !isFinite(o.Loc) {
		panic(fmt.Sprintf("nfkit: NewTruncatedGaussian: got location %v and scale %v, want finite numbers, and a positive scale", o.Loc, o.Scale))
	}
	g := &TruncatedGaussian{lo: lo, hi: hi, loc: ad.NewParam(1, dim, make([]float64, dim)), logScale: ad.NewParam(1, dim, make([]float64, dim))}
	for j := range dim {
		g.loc.Data[j], g.logScale.Data[j] = o.Loc, math.Log(o.Scale)
	}
	g.loc.Frozen, g.logScale.Frozen = o.Fixed, o.Fixed
	return g
}

// Dim returns the number of components.
func (g *TruncatedGaussian) Dim() int { return len(g.loc.Data) }

// NoiseDim returns the number of components.
func (g *TruncatedGaussian) NoiseDim() int { return g.Dim() }

// Noise draws logits of uniform numbers.
func (g *TruncatedGaussian) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		u := r.Float64() + 0x1p-54 // not 0
		dst[i] = math.Log(u) - math.Log1p(-u)
	}
}

// tails returns the logarithms of Φ and 1 − Φ at the end of the interval, 1×d.
func (g *TruncatedGaussian) tails(t *ad.Tape, end float64) (below, above *ad.Value) {
	e := t.Param(g.loc).Neg().Shift(end).Mul(t.Param(g.logScale).Neg().Exp())
	return e.LogNormalCDF(), e.Neg().LogNormalCDF()
}

// logMass returns the sum of ln(Φ(β) − Φ(α)), 1×1, by those tails at α and β that are the lesser ones.
func (g *TruncatedGaussian) logMass(t *ad.Tape) *ad.Value {
	belowLo, aboveLo := g.tails(t, g.lo)
	belowHi, aboveHi := g.tails(t, g.hi)
	right := aboveLo.Neg().Add(belowHi) // positive where the interval is to the right of the location
	most, least := right.Where(aboveLo, belowHi), right.Where(aboveHi, belowLo)
	return most.Add(least.Sub(most).Expm1().Neg().Log()).RowSum()
}

// LogProb returns the log-density of each row of z.
func (g *TruncatedGaussian) LogProb(z, _ *ad.Value) *ad.Value {
	checkBatch("TruncatedGaussian.LogProb", z, g.Dim())
	s := g.logScale.On(z)
	inside := z.LogIndicator(g.lo, g.hi).RowSum()
	return normalLogProb(z.Sub(g.loc).Mul(s.Neg().Exp()), s).Sub(g.logMass(z.Tape())).Add(inside)
}

// Sample returns the points with the quantiles that the noise says.
func (g *TruncatedGaussian) Sample(noise, _ *ad.Value) (z, logProb *ad.Value) {
	checkBatch("TruncatedGaussian.Sample", noise, g.Dim())
	t, s := noise.Tape(), g.logScale.On(noise)
	belowLo, aboveLo := g.tails(t, g.lo)
	belowHi, aboveHi := g.tails(t, g.hi)
	u, rest := noise.LogSigmoid(), noise.Neg().LogSigmoid() // of ln u and ln(1 − u)
	below := logAddExp(u.Add(belowHi), rest.Add(belowLo))
	above := logAddExp(u.Add(aboveHi), rest.Add(aboveLo))
	e := below.Sub(above).NormalOfLogit()
	z = e.Mul(s.Exp()).Add(g.loc).Max(t.Full(1, 1, g.lo)).Min(t.Full(1, 1, g.hi)) // rounding must not leave the interval
	return z, normalLogProb(e, s).Sub(g.logMass(t))
}

// logAddExp returns ln(eᵃ + eᵇ), element by element.
func logAddExp(a, b *ad.Value) *ad.Value { return a.Add(b.Sub(a).Softplus()) }

// State lists loc and log_scale.
func (g *TruncatedGaussian) State() State {
	return State{ParamTensor("loc", g.loc, 1, g.Dim()), ParamTensor("log_scale", g.logScale, 1, g.Dim())}
}
