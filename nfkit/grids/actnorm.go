package grids

import (
	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ActNorm scales and shifts each channel by numbers of its own, which are the same for all pixels:
//
//	x[y, x, c] = z[y, x, c]·e^{s_c} + t_c,  ln|det J| = H·W·Σ s.
//
// It is [nf.ActNorm] at each pixel: the first training batch sets s and t, by mean and standard deviation over rows and pixels. Kingma &
// Dhariwal 2018, arXiv:1807.03039, section 3.1. Its twin in normflows is ActNorm((channels, 1, 1)).
type ActNorm struct {
	shape Shape
	norm  *nf.ActNorm
}

var (
	_ nf.Flow     = (*ActNorm)(nil)
	_ nf.Observer = (*ActNorm)(nil)
)

// NewActNorm returns the flow for grids of the given shape.
func NewActNorm(shape Shape) *ActNorm {
	checkShape("NewActNorm", shape)
	return &ActNorm{shape, nf.NewActNorm(shape.Channels)}
}

// Dim returns the number of columns of a grid.
func (a *ActNorm) Dim() int { return a.shape.Size() }

// Observing reports whether the first training batch is still to come.
func (a *ActNorm) Observing() bool { return a.norm.Observing() }

// Forward returns x = z·eˢ + t.
func (a *ActNorm) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("ActNorm.Forward", z, a.Dim())
	x, logDet = a.norm.Forward(bySite(z, a.shape), nil)
	return x.Reshape(z.Rows(), a.Dim()), sumSites(logDet, a.shape)
}

// Inverse returns z = (x − t)·e⁻ˢ.
func (a *ActNorm) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("ActNorm.Inverse", x, a.Dim())
	z, logDet = a.norm.Inverse(bySite(x, a.shape), nil)
	return z.Reshape(x.Rows(), a.Dim()), sumSites(logDet, a.shape)
}

// State lists s and t, and data_dep_init_done, which is 1 after the first batch.
func (a *ActNorm) State() nf.State {
	s := a.norm.State()
	for i := range s {
		s[i].Layers = nil
		if s[i].Param != nil {
			s[i].Shape = []int{1, a.shape.Channels, 1, 1}
		}
	}
	return s.OwnedBy(a)
}
