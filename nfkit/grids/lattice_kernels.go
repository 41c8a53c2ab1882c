package grids

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// KernelCouplingOptions are the options of [NewKernelCoupling].
type KernelCouplingOptions struct {
	Hidden    int  // kernels; 0 means 8
	Symmetric bool // the coupling commutes with φ → −φ
}

// NewKernelCoupling returns an affine coupling of a scalar field that changes the sites of the mask by what kernels as large as the lattice see
// around them:
//
//	x_b = z_b·e^{s_b} + t_b at the sites b of the mask,  h_{bc} = tanh(Σ_a w_c(a − b)·z_a + β_c),
//	t_b = Σ_c p_c·h_{bc} + τ,  s_b = Σ_c q_c·h_{bc}² + σ,
//
// with c = 1 … Hidden, and a over the sites that the mask keeps. It commutes with the translations that leave the mask alone. With Symmetric there are
// no β and τ, so that t is odd and s even in the field, as they are for the distribution of a site given its neighbours in an even action. It starts as the
// identity: p, q, τ and σ are 0.
//
// The State is that of [nf.NewCoupling]. A nil opts means the defaults. It panics when the lattice has more than one channel, the mask does not go on across
// its boundaries, an option is negative, or src is nil. Cost: the multiply-adds of a dense layer, kept·changed·Hidden for each field. Albergo, Kanwar &
// Shanahan 2019, arXiv:1904.12072, for couplings of lattices; Gerdes et al. 2022, arXiv:2207.00283, for kernels as large as the lattice; Del Debbio,
// Rossney & Wilson 2021, arXiv:2105.12481, for parity.
func NewKernelCoupling(lattice Shape, mask Mask, opts *KernelCouplingOptions, src rand.Source) *nf.Coupling {
	const caller = "NewKernelCoupling"
	var o KernelCouplingOptions
	if opts != nil {
		o = *opts
	}
	checkScalar(caller, lattice)
	kept, changed := mask.parts(caller, lattice)
	if o.Hidden = orDefault(o.Hidden, 8); o.Hidden < 0 || src == nil {
		panic(fmt.Sprintf("grids: %s: got %d hidden and source %v, want 1 or more, or 0 for the default, and a source as rand.NewPCG(1, 2)", caller, o.Hidden, src))
	}
	net := newKernelNet(offsets{lattice.Height, lattice.Width}, kept, changed, o, rand.New(src))
	return nf.NewCoupling(nf.Affine{}, net, changed, &nf.CouplingOptions{RandomInit: true})
}

// kernelNet computes t and s of the changed sites, side by side, from the kept ones.
type kernelNet struct {
	kept, changed, hidden int
	weight                *ad.Param // 1×(hidden·offsets)
	bias                  *ad.Param // 1×hidden; nil with the symmetry
	shift, scale          *ad.Param // 1×hidden
	shiftBias, scaleBias  *ad.Param // 1×1; the first is nil with the symmetry
	index                 []int     // of weight, for the element of each unit and site kept: (changed·hidden)×kept
	units                 []int     // the number of the kernel of each unit
}

var (
	_ nf.Net  = (*kernelNet)(nil)
	_ nf.Wide = (*kernelNet)(nil)
)

func newKernelNet(o offsets, kept, changed []int, opts KernelCouplingOptions, r *rand.Rand) *kernelNet {
	h := opts.Hidden
	n := &kernelNet{kept: len(kept), changed: len(changed), hidden: h, units: make([]int, 0, len(changed)*h)}
	number := map[int]int{} // of an offset that occurs
	var reach []float64     // of the offsets, squared
	for _, b := range changed {
		for _, a := range kept {
			if k := o.between(b, a); !has(number, k) {
				y, x := o.folded(k)
				number[k], reach = len(reach), append(reach, float64(y*y+x*x))
			}
		}
	}
	for _, b := range changed {
		for c := range h {
			for _, a := range kept {
				n.index = append(n.index, c*len(reach)+number[o.between(b, a)])
			}
			n.units = append(n.units, c)
		}
	}
	var w []float64
	for range h {
		for _, d := range reach {
			w = append(w, r.NormFloat64()/d) // near sites matter most
		}
	}
	n.weight = ad.NewParam(1, len(w), w)
	zeros := func(k int) *ad.Param { return ad.NewParam(1, k, make([]float64, k)) }
	n.shift, n.scale, n.scaleBias = zeros(h), zeros(h), zeros(1)
	if !opts.Symmetric {
		n.bias, n.shiftBias = zeros(h), zeros(1)
	}
	return n
}

func has(m map[int]int, k int) bool {
	_, ok := m[k]
	return ok
}

func (n *kernelNet) In() int    { return n.kept }
func (n *kernelNet) Out() int   { return 2 * n.changed }
func (n *kernelNet) Width() int { return n.changed * n.hidden }

func (n *kernelNet) Apply(x, _ *ad.Value) *ad.Value {
	return x.Tape().Scratch(func() *ad.Value {
		t, rows := x.Tape(), x.Rows()
		w := t.Param(n.weight).Columns(n.index).Reshape(n.Width(), n.kept)
		h := x.Dense(w, optional(n.bias, n.units, t), ad.Tanh, 0).Reshape(rows*n.changed, n.hidden)
		shift := h.Linear(n.shift, operand(n.shiftBias))
		scale := h.Square().Linear(n.scale, n.scaleBias)
		return shift.Concat(scale).Reshape(rows, n.Out())
	})
}

// optional returns the columns of a parameter with the given numbers, or nil.
func optional(p *ad.Param, index []int, t *ad.Tape) ad.Operand {
	if p == nil {
		return nil
	}
	return t.Param(p).Columns(index)
}

// operand returns p, or no operand.
func operand(p *ad.Param) ad.Operand {
	if p == nil {
		return nil
	}
	return p
}

func (n *kernelNet) State() nf.State {
	_, w := n.weight.Dims()
	s := nf.State{nf.ParamTensor("kernels", n.weight, n.hidden, w/n.hidden)}
	for _, p := range []struct {
		name string
		p    *ad.Param
	}{{"bias", n.bias}, {"shift.weight", n.shift}, {"shift.bias", n.shiftBias}, {"scale.weight", n.scale}, {"scale.bias", n.scaleBias}} {
		if p.p != nil {
			s = append(s, nf.ParamTensor(p.name, p.p, len(p.p.Data)))
		}
	}
	return s.OwnedBy(n)
}
