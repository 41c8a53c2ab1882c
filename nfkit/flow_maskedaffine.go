package nfkit

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// MaskedAffineFlow keeps the components of a mask b and scales and shifts the others by what two networks compute from
// those kept:
//
//	x = z⊙eˢ + t,  s = (1−b)⊙net_s(b⊙z),  t = (1−b)⊙net_t(b⊙z),  ln|det J| = Σ s.
//
// The networks see and return whole points; b⊙z has zeros in place of the components that change. A component that is
// kept stays as it is whatever they return. Without net_s it is NICE, without net_t a scale alone. Either direction
// costs one evaluation of each network. Dinh et al. 2017, arXiv:1605.08803, eq. 9; Dinh et al. 2014, arXiv:1410.8516.
// Its twin in normflows is MaskedAffineFlow.
type MaskedAffineFlow struct {
	mask             []float64 // 1 for kept components
	translate, scale Net       // one of them may be nil
	context          int
}

var (
	_ Flow        = (*MaskedAffineFlow)(nil)
	_ Conditional = (*MaskedAffineFlow)(nil)
)

// NewMaskedAffineFlow returns a flow that keeps the components for which kept is true. The networks map len(kept) to as
// many columns; t returns shifts, s logarithms of scales, and one of the two may be nil. It panics when the mask is
// empty or keeps all, when both networks are nil, and for networks of other widths or with contexts that differ.
func NewMaskedAffineFlow(kept []bool, t, s Net) *MaskedAffineFlow {
	f := &MaskedAffineFlow{translate: t, scale: s}
	changed := 0
	for _, keep := range kept {
		if keep {
			f.mask = append(f.mask, 1)
		} else {
			f.mask = append(f.mask, 0)
			changed++
		}
	}
	if changed == 0 {
		panic(fmt.Sprintf("nfkit: NewMaskedAffineFlow: got a mask of %d components that keeps %d, want one that changes at least 1", len(kept), len(kept)))
	}
	if t == nil && s == nil {
		panic("nfkit: NewMaskedAffineFlow: got two nil networks, want at least one")
	}
	var nets []Net
	for _, n := range [...]Net{t, s} {
		if n == nil {
			continue
		}
		if n.In() != len(kept) || n.Out() != len(kept) {
			panic(fmt.Sprintf("nfkit: NewMaskedAffineFlow: got a network from %d to %d columns for a mask of %d components, want %d to %d", n.In(), n.Out(), len(kept), len(kept), len(kept)))
		}
		nets = append(nets, n)
	}
	f.context = commonContextDim("NewMaskedAffineFlow", nets...)
	return f
}

// Dim returns the number of components.
func (f *MaskedAffineFlow) Dim() int { return len(f.mask) }

// ContextDim returns the number of columns of the networks' context, 0 for none.
func (f *MaskedAffineFlow) ContextDim() int { return f.context }

// apply returns s and t for the points v of either side, which have the same kept components; nil for a nil network.
func (f *MaskedAffineFlow) apply(v, context *ad.Value) (s, t *ad.Value) {
	mask, zero := v.Tape().Const(1, f.Dim(), f.mask), v.Tape().Full(1, 1, 0)
	kept := mask.Where(v, zero)
	if f.scale != nil {
		s = mask.Where(zero, f.scale.Apply(kept, context))
	}
	if f.translate != nil {
		t = mask.Where(zero, f.translate.Apply(kept, context))
	}
	return s, t
}

// Forward returns x = z⊙eˢ + t.
func (f *MaskedAffineFlow) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("MaskedAffineFlow.Forward", z, f.Dim())
	s, t := f.apply(z, context)
	x = z
	if s != nil {
		x, logDet = x.Mul(s.Exp()), s.RowSum()
	}
	if t != nil {
		x = x.Add(t)
	}
	return x, orZero(z, logDet)
}

// Inverse returns z = (x − t)⊙e⁻ˢ.
func (f *MaskedAffineFlow) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("MaskedAffineFlow.Inverse", x, f.Dim())
	s, t := f.apply(x, context)
	z = x
	if t != nil {
		z = z.Sub(t)
	}
	if s != nil {
		s = s.Neg()
		z, logDet = z.Mul(s.Exp()), s.RowSum()
	}
	return z, orZero(x, logDet)
}

// State lists the networks' tensors under s and t, and b, which is 1 for kept components and 0 for the others.
func (f *MaskedAffineFlow) State() State {
	var s State
	if f.scale != nil {
		s = append(s, f.scale.State().Under("s")...)
	}
	if f.translate != nil {
		s = append(s, f.translate.State().Under("t")...)
	}
	return append(s, Tensor{Name: "b", Shape: []int{1, f.Dim()}, Floats: f.mask, Check: func(t Tensor) error {
		for j, b := range t.Floats {
			if b != 0 && b != 1 {
				return fmt.Errorf("element %d of the mask is %v, want 0 or 1", j, b)
			}
		}
		return nil
	}})
}
