package grids

import (
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// AffineGaussian is the normal distribution whose points are standard normal grids after a [CCAffineConst]: with independent components, whose means
// and logarithmic standard deviations may be shared by rows, columns or channels, and belong to a class. Its twin in normflows is
// AffineGaussian.
type AffineGaussian struct {
	// Temperature is that of [ClassCondDiagGaussian].
	Temperature float64

	transform *CCAffineConst
}

var (
	_ nf.Base        = (*AffineGaussian)(nil)
	_ nf.Conditional = (*AffineGaussian)(nil)
)

// NewAffineGaussian returns the distribution of grids of the given shape, with means and deviations of shape affine, and a context of one column for
// each class, or none for 0 classes. It panics as [NewCCAffineConst] does.
func NewAffineGaussian(shape, affine Shape, classes int) *AffineGaussian {
	return &AffineGaussian{Temperature: 1, transform: newCCAffineConst("NewAffineGaussian", shape, affine, classes)}
}

// Dim returns the number of columns of a grid.
func (g *AffineGaussian) Dim() int { return g.transform.Dim() }

// ContextDim returns the number of classes.
func (g *AffineGaussian) ContextDim() int { return g.transform.ContextDim() }

// NoiseDim returns the number of columns of a grid.
func (g *AffineGaussian) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *AffineGaussian) Noise(dst []float64, r *rand.Rand) { fillNormal(dst, r) }

// LogProb returns the log-density of each row of z.
func (g *AffineGaussian) LogProb(z, context *ad.Value) *ad.Value {
	const call = "AffineGaussian.LogProb"
	checkBatch(call, z, g.Dim())
	scale, mean := g.transform.of(call, z.Tape(), context)
	scale = heated(call, scale, g.Temperature)
	return normalTerms(z.Sub(mean).Mul(scale.Neg().Exp()), scale).RowSum()
}

// Sample returns noise⊙eˢ + t.
func (g *AffineGaussian) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	const call = "AffineGaussian.Sample"
	checkBatch(call, noise, g.Dim())
	scale, mean := g.transform.of(call, noise.Tape(), context)
	scale = heated(call, scale, g.Temperature)
	return noise.Mul(scale.Exp()).Add(mean), normalTerms(noise, scale).RowSum()
}

// State lists the tensors of the transform under transform.
func (g *AffineGaussian) State() nf.State { return g.transform.State().Under("transform") }
