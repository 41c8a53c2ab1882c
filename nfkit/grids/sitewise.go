package grids

import (
	"fmt"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Sitewise applies a flow of C components, as an [nf.Elementwise], to the channels of each site of a grid: all sites share its parameters.
//
//	x[y, x] = f(z[y, x]),  ln|det J| = Σ over the sites of that of f
type Sitewise struct {
	shape Shape
	flow  nf.Flow
}

var (
	_ nf.Flow        = (*Sitewise)(nil)
	_ nf.Conditional = (*Sitewise)(nil)
)

// NewSitewise returns the flow of grids of the given shape. It panics when flow is nil or has another dimension than there are channels.
func NewSitewise(shape Shape, flow nf.Flow) *Sitewise {
	checkShape("NewSitewise", shape)
	if flow == nil || flow.Dim() != shape.Channels {
		got := "a nil flow"
		if flow != nil {
			got = fmt.Sprintf("a flow of dimension %d", flow.Dim())
		}
		panic(fmt.Sprintf("grids: NewSitewise: got %s for a %v grid, want dimension %d", got, shape, shape.Channels))
	}
	return &Sitewise{shape, flow}
}

// Dim returns the number of columns of a grid.
func (f *Sitewise) Dim() int { return f.shape.Size() }

// ContextDim returns that of the flow.
func (f *Sitewise) ContextDim() int {
	if c, ok := f.flow.(nf.Conditional); ok {
		return c.ContextDim()
	}
	return 0
}

// Forward applies the flow to each site.
func (f *Sitewise) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("Sitewise.Forward", z, f.Dim())
	return f.apply(f.flow.Forward, z, context)
}

// Inverse applies its inverse.
func (f *Sitewise) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("Sitewise.Inverse", x, f.Dim())
	return f.apply(f.flow.Inverse, x, context)
}

func (f *Sitewise) apply(direction func(v, context *ad.Value) (u, logDet *ad.Value), v, context *ad.Value) (u, logDet *ad.Value) {
	if context != nil {
		context = everySite(context, v.Rows(), f.shape)
	}
	u, logDet = direction(bySite(v, f.shape), context)
	return u.Reshape(v.Rows(), f.Dim()), sumSites(logDet, f.shape)
}

// State lists the tensors of the flow.
func (f *Sitewise) State() nf.State { return f.flow.State() }
