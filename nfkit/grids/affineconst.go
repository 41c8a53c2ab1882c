package grids

import (
	"fmt"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// CCAffineConst scales and shifts a grid by numbers that belong to its class,
//
//	x = z⊙eˢ + t,  s = s₀ + Σ_k y_k·s_k,  t = t₀ + Σ_k y_k·t_k,  ln|det J| = Σ s over the grid,
//
// where the context y is 1 for the class and 0 for the others, see [OneHot]; with no classes, s and t are s₀ and t₀. The grids s and t have one
// number for all rows, columns or channels where their shape says 1. All are 0 at first. Its twin in normflows is CCAffineConst, without classes
// AffineConstFlow.
type CCAffineConst struct {
	shape, affine          Shape
	place                  []int     // in s and t, of each column of a grid
	scale, shift           *ad.Param // 1×A; in files by channel, row and column, on a tape as a grid
	scaleClass, shiftClass *ad.Param // K×A; nil without classes
}

var (
	_ nf.Flow        = (*CCAffineConst)(nil)
	_ nf.Conditional = (*CCAffineConst)(nil)
)

// NewCCAffineConst returns the flow of grids of the given shape, with scales and shifts of shape affine and a context of one column for each class.
// It panics when a number of affine is neither 1 nor that of shape, or classes is negative.
func NewCCAffineConst(shape, affine Shape, classes int) *CCAffineConst {
	return newCCAffineConst("NewCCAffineConst", shape, affine, classes)
}

func newCCAffineConst(caller string, shape, affine Shape, classes int) *CCAffineConst {
	checkShape(caller, shape)
	fits := func(a, n int) bool { return a == 1 || a == n }
	if !fits(affine.Height, shape.Height) || !fits(affine.Width, shape.Width) || !fits(affine.Channels, shape.Channels) {
		panic(fmt.Sprintf("grids: %s: got scales and shifts of shape %v for a %v grid, want each number to be that of the grid or 1", caller, affine, shape))
	}
	if classes < 0 {
		panic(fmt.Sprintf("grids: %s: got %d classes, want 0 or more", caller, classes))
	}
	order := channelsFirst(affine)
	param := func(rows int) *ad.Param {
		p := ad.NewParam(rows, affine.Size(), make([]float64, rows*affine.Size()))
		p.Arrange(nil, order)
		return p
	}
	f := &CCAffineConst{shape: shape, affine: affine, scale: param(1), shift: param(1)}
	if classes > 0 {
		f.scaleClass, f.shiftClass = param(classes), param(classes)
	}
	for y := range shape.Height {
		for x := range shape.Width {
			for c := range shape.Channels {
				f.place = append(f.place, affine.Index(y%affine.Height, x%affine.Width, c%affine.Channels))
			}
		}
	}
	return f
}

// Dim returns the number of columns of a grid.
func (f *CCAffineConst) Dim() int { return f.shape.Size() }

// ContextDim returns the number of classes.
func (f *CCAffineConst) ContextDim() int {
	if f.scaleClass == nil {
		return 0
	}
	k, _ := f.scaleClass.Dims()
	return k
}

// of returns s and t for each column of a grid, with a row for each row of context or one for all.
func (f *CCAffineConst) of(call string, t *ad.Tape, context *ad.Value) (scale, shift *ad.Value) {
	scale, shift = t.Param(f.scale), t.Param(f.shift)
	if f.scaleClass != nil {
		checkClasses(call, context, f.ContextDim())
		scale, shift = context.MatMul(f.scaleClass).Add(scale), context.MatMul(f.shiftClass).Add(shift)
	}
	return scale.Columns(f.place), shift.Columns(f.place)
}

// Forward returns x = z⊙eˢ + t.
func (f *CCAffineConst) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("CCAffineConst.Forward", z, f.Dim())
	scale, shift := f.of("CCAffineConst.Forward", z.Tape(), context)
	return z.Mul(scale.Exp()).Add(shift), forRows(scale.RowSum(), z.Rows())
}

// Inverse returns z = (x − t)⊙e⁻ˢ.
func (f *CCAffineConst) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("CCAffineConst.Inverse", x, f.Dim())
	scale, shift := f.of("CCAffineConst.Inverse", x.Tape(), context)
	return x.Sub(shift).Mul(scale.Neg().Exp()), forRows(scale.RowSum().Neg(), x.Rows())
}

// forRows returns v, which has a row for each of n or one for all, with n rows.
func forRows(v *ad.Value, n int) *ad.Value {
	if v.Rows() == n {
		return v
	}
	return v.Repeat(n)
}

// State lists s and t, and with classes s_cc and t_cc.
func (f *CCAffineConst) State() nf.State {
	a := f.affine
	s := nf.State{
		nf.ParamTensor("s", f.scale, 1, a.Channels, a.Height, a.Width),
		nf.ParamTensor("t", f.shift, 1, a.Channels, a.Height, a.Width),
	}
	if k := f.ContextDim(); k > 0 {
		s = append(s, nf.ParamTensor("s_cc", f.scaleClass, k, a.Size()), nf.ParamTensor("t_cc", f.shiftClass, k, a.Size()))
	}
	return s.OwnedBy(f)
}
