package grids

import (
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ClassCondDiagGaussian is the normal distribution with independent components whose mean and logarithmic standard deviation belong to a class,
//
//	ln p(z | y) = −d/2·ln 2π − Σⱼ (sⱼ + ½((zⱼ − μⱼ)/e^{sⱼ})²),  μ = loc·y,  s = log_scale·y,
//
// where the context y is 1 for the class and 0 for the others, see [OneHot]; a mixture of classes has parameters between theirs. loc and
// log_scale, both d×K for K classes, are 0 at first. Its twin in normflows is ClassCondDiagGaussian.
type ClassCondDiagGaussian struct {
	// Temperature multiplies the standard deviations, in samples and densities alike; it is 1 at first, and positive. It is for a trained
	// model, and may be changed between calls.
	Temperature float64

	shape         Shape
	loc, logScale *ad.Param // in files by channel, row and column; on a tape as a grid
}

var (
	_ nf.Base        = (*ClassCondDiagGaussian)(nil)
	_ nf.Conditional = (*ClassCondDiagGaussian)(nil)
)

// NewClassCondDiagGaussian returns the distribution of grids of the given shape, with a context of one column for each class. It panics when
// there are no classes.
func NewClassCondDiagGaussian(shape Shape, classes int) *ClassCondDiagGaussian {
	checkShape("NewClassCondDiagGaussian", shape)
	if classes < 1 {
		panic(fmt.Sprintf("grids: NewClassCondDiagGaussian: got %d classes, want 1 or more", classes))
	}
	order := channelsFirst(shape)
	param := func() *ad.Param {
		p := ad.NewParam(shape.Size(), classes, make([]float64, shape.Size()*classes))
		p.Arrange(order, nil)
		return p
	}
	return &ClassCondDiagGaussian{Temperature: 1, shape: shape, loc: param(), logScale: param()}
}

// Dim returns the number of columns of a grid.
func (g *ClassCondDiagGaussian) Dim() int { return g.shape.Size() }

// ContextDim returns the number of classes.
func (g *ClassCondDiagGaussian) ContextDim() int {
	_, k := g.loc.Dims()
	return k
}

// NoiseDim returns the number of columns of a grid.
func (g *ClassCondDiagGaussian) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *ClassCondDiagGaussian) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

func fillNormal(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}

// of returns mean and logarithmic standard deviation for each row of context.
func (g *ClassCondDiagGaussian) of(call string, context *ad.Value) (mean, logScale *ad.Value) {
	checkClasses(call, context, g.ContextDim())
	return context.Linear(g.loc, nil), heated(call, context.Linear(g.logScale, nil), g.Temperature)
}

// LogProb returns the log-density of each row of z.
func (g *ClassCondDiagGaussian) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("ClassCondDiagGaussian.LogProb", z, g.Dim())
	mean, s := g.of("ClassCondDiagGaussian.LogProb", context)
	return normalTerms(z.Sub(mean).Mul(s.Neg().Exp()), s).RowSum()
}

// Sample returns μ + e^s⊙noise.
func (g *ClassCondDiagGaussian) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	checkBatch("ClassCondDiagGaussian.Sample", noise, g.Dim())
	mean, s := g.of("ClassCondDiagGaussian.Sample", context)
	return noise.Mul(s.Exp()).Add(mean), normalTerms(noise, s).RowSum()
}

// State lists loc and log_scale.
func (g *ClassCondDiagGaussian) State() nf.State {
	s, k := g.shape, g.ContextDim()
	return nf.State{
		nf.ParamTensor("loc", g.loc, s.Channels, s.Height, s.Width, k),
		nf.ParamTensor("log_scale", g.logScale, s.Channels, s.Height, s.Width, k),
	}.OwnedBy(g)
}

// GlowBase is the normal distribution with independent components whose mean and logarithmic standard deviation belong to the channel,
//
//	μ_c = loc_c·e^{3a_c} + Σ_k y_k·loc_cc[k, c],  s_c = log_scale_c·e^{3b_c} + Σ_k y_k·log_scale_cc[k, c],
//
// with a = loc_logs and b = log_scale_logs, all 0 at first. With classes, the context y is 1 for the class and 0 for the others, see [OneHot].
// Kingma & Dhariwal 2018, arXiv:1807.03039. Its twin in normflows is GlowBase.
type GlowBase struct {
	// Temperature is that of [ClassCondDiagGaussian].
	Temperature float64

	shape                            Shape
	loc, logScale, locLogs, scaleLog *ad.Param // 1×C
	locClass, scaleClass             *ad.Param // K×C; nil without classes
}

var (
	_ nf.Base        = (*GlowBase)(nil)
	_ nf.Conditional = (*GlowBase)(nil)
)

// NewGlowBase returns the distribution of grids of the given shape, with a context of one column for each class, or none for 0 classes.
func NewGlowBase(shape Shape, classes int) *GlowBase {
	checkShape("NewGlowBase", shape)
	if classes < 0 {
		panic(fmt.Sprintf("grids: NewGlowBase: got %d classes, want 0 or more", classes))
	}
	param := func(rows int) *ad.Param {
		return ad.NewParam(rows, shape.Channels, make([]float64, rows*shape.Channels))
	}
	g := &GlowBase{Temperature: 1, shape: shape, loc: param(1), logScale: param(1), locLogs: param(1), scaleLog: param(1)}
	if classes > 0 {
		g.locClass, g.scaleClass = param(classes), param(classes)
	}
	return g
}

// Dim returns the number of columns of a grid.
func (g *GlowBase) Dim() int { return g.shape.Size() }

// ContextDim returns the number of classes.
func (g *GlowBase) ContextDim() int {
	if g.locClass == nil {
		return 0
	}
	k, _ := g.locClass.Dims()
	return k
}

// NoiseDim returns the number of columns of a grid.
func (g *GlowBase) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *GlowBase) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

// glowFactor is logscale_factor of the reference.
const glowFactor = 3

// of returns mean and logarithmic standard deviation for each site, or one row for all.
func (g *GlowBase) of(call string, t *ad.Tape, context *ad.Value) (mean, logScale *ad.Value) {
	channel := func(x, logs, class *ad.Param) *ad.Value {
		v := t.Param(x).Mul(t.Param(logs).Scale(glowFactor).Exp())
		if class == nil {
			return v
		}
		return v.Add(context.MatMul(class)).Repeat(g.shape.Sites())
	}
	if g.locClass != nil {
		checkClasses(call, context, g.ContextDim())
	}
	return channel(g.loc, g.locLogs, g.locClass), heated(call, channel(g.logScale, g.scaleLog, g.scaleClass), g.Temperature)
}

// LogProb returns the log-density of each row of z.
func (g *GlowBase) LogProb(z, context *ad.Value) *ad.Value {
	checkBatch("GlowBase.LogProb", z, g.Dim())
	mean, s := g.of("GlowBase.LogProb", z.Tape(), context)
	e := bySite(z, g.shape).Sub(mean).Mul(s.Neg().Exp())
	return sumSites(normalTerms(e, s).RowSum(), g.shape)
}

// Sample returns μ + e^s⊙noise.
func (g *GlowBase) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	checkBatch("GlowBase.Sample", noise, g.Dim())
	mean, s := g.of("GlowBase.Sample", noise.Tape(), context)
	e := bySite(noise, g.shape)
	return e.Mul(s.Exp()).Add(mean).Reshape(noise.Rows(), g.Dim()), sumSites(normalTerms(e, s).RowSum(), g.shape)
}

// State lists loc, loc_logs, log_scale and log_scale_logs, and with classes loc_cc and log_scale_cc.
func (g *GlowBase) State() nf.State {
	c := g.shape.Channels
	s := nf.State{
		nf.ParamTensor("loc", g.loc, 1, c, 1, 1), nf.ParamTensor("loc_logs", g.locLogs, 1, c, 1, 1),
		nf.ParamTensor("log_scale", g.logScale, 1, c, 1, 1), nf.ParamTensor("log_scale_logs", g.scaleLog, 1, c, 1, 1),
	}
	if k := g.ContextDim(); k > 0 {
		s = append(s, nf.ParamTensor("loc_cc", g.locClass, k, c), nf.ParamTensor("log_scale_cc", g.scaleClass, k, c))
	}
	return s.OwnedBy(g)
}

const log2Pi = 1.8378770664093454836 // ln 2π

// normalTerms returns what each element of e = (z − μ)/e^s adds to the normal log-density of z.
func normalTerms(e, logScale *ad.Value) *ad.Value {
	return e.Square().Scale(-0.5).Sub(logScale).Shift(-0.5 * log2Pi)
}

// heated returns the logarithmic standard deviation s at a temperature.
func heated(call string, s *ad.Value, temperature float64) *ad.Value {
	switch {
	case temperature == 1:
		return s
	case !(temperature > 0) || math.IsInf(temperature, 1):
		panic(fmt.Sprintf("grids: %s: got temperature %v, want a positive number; at 0 there is no density", call, temperature))
	}
	return s.Shift(math.Log(temperature))
}

// checkClasses panics unless context has k columns.
func checkClasses(call string, context *ad.Value, k int) {
	if context == nil || context.Cols() != k {
		panic(fmt.Sprintf("grids: %s: got context %s, want %d columns, one for each class; condition the model with Given", call, size(context), k))
	}
}
