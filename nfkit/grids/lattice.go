package grids

import (
	"fmt"
	"slices"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Mask says which sites of a periodic lattice a coupling changes: those in row y and column x with
//
//	(Rows·y + Columns·x) mod Period = Phase.
//
// {1, 1, 2, 0} and {1, 1, 2, 1} are the two colours of a checkerboard, {0, 1, 4, 0} is every fourth column. A mask is left alone by the
// translations for which Rows·dy + Columns·dx is a multiple of Period.
type Mask struct{ Rows, Columns, Period, Phase int }

// parts returns the components of a lattice that are kept, and those that are changed. It panics unless the mask fits the lattice.
func (m Mask) parts(caller string, lattice Shape) (kept, changed []int) {
	checkShape(caller, lattice)
	if m.Period < 2 || m.Phase < 0 || m.Phase >= m.Period || m.Rows*lattice.Height%m.Period != 0 || m.Columns*lattice.Width%m.Period != 0 {
		panic(fmt.Sprintf("grids: %s: got mask %+v for a %v lattice, want a period of 2 or more, a phase below it, and a pattern that goes on across the boundaries", caller, m, lattice))
	}
	for y := range lattice.Height {
		for x := range lattice.Width {
			for c := range lattice.Channels {
				j := lattice.Index(y, x, c)
				if phase := (m.Rows*y + m.Columns*x) % m.Period; (phase+m.Period)%m.Period == m.Phase {
					changed = append(changed, j)
				} else {
					kept = append(kept, j)
				}
			}
		}
	}
	if len(kept) == 0 || len(changed) == 0 {
		panic(fmt.Sprintf("grids: %s: got mask %+v for a %v lattice, which changes %d sites and keeps %d, want some of both", caller, m, lattice, len(changed), len(kept)))
	}
	return kept, changed
}

// LatticeCouplingOptions are the options of [NewLatticeCoupling].
type LatticeCouplingOptions struct {
	Scale     nf.ScaleMap
	Symmetric bool // the coupling commutes with φ → −φ, at the cost of two evaluations of the network
}

// NewLatticeCoupling returns an affine coupling that changes the sites of the mask by what a network computes from the others, which it sees as a
// lattice with zeros at the sites of the mask:
//
//	x = z·e^a + t at the sites of the mask,  (t, a) = net(kept⊙z).
//
// net maps the lattice to one with twice the channels, shift and scale of each side by side, or as many with [nf.ScaleNone]. With a
// network of circular convolutions the coupling commutes with the translations that leave the mask alone. With Symmetric,
//
//	t(φ) = ½(t̂(φ) − t̂(−φ)),  a from s(φ) = ½(ŝ(φ) + ŝ(−φ)),
//
// with (t̂, ŝ) the network. The State is that of [nf.NewCoupling]. It panics when net is nil or has other sizes, or the mask does not go
// on across the boundaries of the lattice. Albergo, Kanwar & Shanahan 2019, arXiv:1904.12072; Del Debbio, Rossney & Wilson 2021, arXiv:2105.12481.
func NewLatticeCoupling(lattice Shape, mask Mask, net nf.Net, opts *LatticeCouplingOptions) *nf.Coupling {
	const caller = "NewLatticeCoupling"
	var o LatticeCouplingOptions
	if opts != nil {
		o = *opts
	}
	kept, changed := mask.parts(caller, lattice)
	transformer := nf.Affine{Scale: o.Scale}
	per := transformer.Params()
	if net == nil {
		panic("grids: NewLatticeCoupling: got a nil network")
	}
	if in, out := net.In(), net.Out(); in != lattice.Size() || out != per*lattice.Size() {
		panic(fmt.Sprintf("grids: %s: got a network from %d to %d columns for a %v lattice, want %d to %d", caller, in, out, lattice, lattice.Size(), per*lattice.Size()))
	}
	m := &masked{Net: net, kept: kept}
	for _, j := range changed {
		for k := range per {
			m.params = append(m.params, per*j+k)
		}
	}
	if o.Symmetric {
		m.parity = slices.Repeat([]float64{-1, 1}[:per], len(changed))
	}
	return nf.NewCoupling(transformer, m, changed, &nf.CouplingOptions{RandomInit: true})
}

// masked is a network of the kept sites of a lattice, with output at the others, made of one of the whole lattice.
type masked struct {
	nf.Net
	kept, params []int     // columns of the lattice, and of the parameters
	parity       []float64 // of each parameter under φ → −φ; nil if there is no symmetry
}

func (m *masked) In() int  { return len(m.kept) }
func (m *masked) Out() int { return len(m.params) }

func (m *masked) Apply(x, context *ad.Value) *ad.Value {
	if m.parity == nil {
		return m.apply(x, context)
	}
	n, c := x.Dims()
	both := x.Concat(x.Neg()).Reshape(2*n, c) // each row twice, the second time with the other sign
	if context != nil {
		context = context.Repeat(2)
	}
	k := len(m.params)
	y := m.apply(both, context).Reshape(n, 2*k)
	return y.Slice(0, k).Add(y.Slice(k, 2*k).Mul(x.Tape().Const(1, k, m.parity))).Scale(0.5)
}

func (m *masked) apply(x, context *ad.Value) *ad.Value {
	return m.Net.Apply(x.Scatter(m.Net.In(), m.kept), context).Columns(m.params)
}
