package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// circle is a set of components that live on a circle: numbers that differ by 2·bound are the same point.
type circle struct {
	index, others []int
	merge         []int // column of (index, others) where each component is
	bound         float64
}

func newCircle(caller string, dim int, index []int, bound float64) circle {
	others := otherComponents(caller, "components on a circle", dim, index)
	if err := checkPositive([]float64{bound}); err != nil {
		panic(fmt.Sprintf("nfkit: %s: got bound %v, want a positive number", caller, bound))
	}
	return circle{slices.Clone(index), others, mergeOrder(index, others), bound}
}

// wrap adds shift to the components on the circle and brings them to [−bound, bound).
func (c *circle) wrap(x *ad.Value, shift float64) (y, logDet *ad.Value) {
	y = x.Columns(c.index).Shift(shift).Wrap(c.bound).Concat(x.Columns(c.others)).Columns(c.merge)
	return y, x.Tape().Full(x.Rows(), 1, 0)
}

// PeriodicWrap brings components of the data that live on a circle to one turn: Inverse adds the multiple of 2·bound
// that puts them into [−bound, bound), Forward returns its argument. ln|det J| = 0.
//
// As points of the circle, which is what such data are, argument and result are the same, and both directions undo each
// other. As numbers they do so for data in [−bound, bound); elsewhere the density that a model assigns to x is that of
// the number in that interval. Data there need no such layer. Its twin in normflows is PeriodicWrap.
type PeriodicWrap struct{ circle circle }

var _ Flow = (*PeriodicWrap)(nil)

// NewPeriodicWrap returns a map of dim components, those in index being on a circle. It panics when index is empty,
// names a component twice or one that does not exist, or bound is not positive.
func NewPeriodicWrap(dim int, index []int, bound float64) *PeriodicWrap {
	return &PeriodicWrap{newCircle("NewPeriodicWrap", dim, index, bound)}
}

// Dim returns the number of components.
func (p *PeriodicWrap) Dim() int { return len(p.circle.merge) }

// Forward returns z.
func (p *PeriodicWrap) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("PeriodicWrap.Forward", z, p.Dim())
	return z, z.Tape().Full(z.Rows(), 1, 0)
}

// Inverse returns x with its components on the circle in [−bound, bound).
func (p *PeriodicWrap) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("PeriodicWrap.Inverse", x, p.Dim())
	return p.circle.wrap(x, 0)
}

// State returns nil: nothing is trained.
func (p *PeriodicWrap) State() State { return nil }

// PeriodicShift turns components that live on a circle by a fixed angle:
//
//	x_j = z_j + shift, modulo 2·bound, in [−bound, bound),  ln|det J| = 0,
//
// so that the seam of the layers before it and of those after it are in different places. It is a bijection of [−bound,
// bound); numbers outside are the same points of the circle as those inside, to which both directions bring them. Its
// twin in normflows is PeriodicShift.
type PeriodicShift struct {
	circle circle
	shift  float64
}

var _ Flow = (*PeriodicShift)(nil)

// NewPeriodicShift returns a map of dim components, those in index being on a circle. It panics when index is empty,
// names a component twice or one that does not exist, or bound is not positive.
func NewPeriodicShift(dim int, index []int, bound, shift float64) *PeriodicShift {
	return &PeriodicShift{newCircle("NewPeriodicShift", dim, index, bound), shift}
}

// Dim returns the number of components.
func (p *PeriodicShift) Dim() int { return len(p.circle.merge) }

// Forward adds shift.
func (p *PeriodicShift) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("PeriodicShift.Forward", z, p.Dim())
	return p.circle.wrap(z, p.shift)
}

// Inverse subtracts shift.
func (p *PeriodicShift) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("PeriodicShift.Inverse", x, p.Dim())
	return p.circle.wrap(x, -p.shift)
}

// State returns nil: nothing is trained.
func (p *PeriodicShift) State() State { return nil }
