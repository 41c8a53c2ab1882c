package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// BlockAutoregressiveOptions are the options of [NewBlockAutoregressive].
type BlockAutoregressiveOptions struct {
	Units   int // hidden units of each component; 0 means 8
	Depth   int // hidden layers; 0 means 1, −1 none: the flow is linear
	Context int // columns of a context, which enters the first layer by a linear map; 0 means none
}

// BlockAutoregressive is one network of all components that is autoregressive and monotone by its weights:
//
//	h₀ = x,  h_{l+1} = σ(W_l·h_l + b_l),  z = (1−α)·x + α·(W_L·h_L + b_L),  σ(u) = tanh u + u/100,
//
// where α is between 0 and 1. W is made of blocks, one for each pair of components: positive on the diagonal, e^V, free below and 0 above; each of
// its rows is divided by its norm and multiplied by e^s. z_j increases with x_j and depends on the components before. The derivatives ∂z_j/∂x_j are
// products of the blocks on the diagonals.
//
// This is Inverse, at the cost of one evaluation; Forward solves for one component after the other, at some ten evaluations for each. It starts near
// the identity, with α = 0.02. De Cao, Titov & Aziz 2019, arXiv:1904.04676, eq. 6 to 10; the gate is section 4's.
type BlockAutoregressive struct {
	dim, contextDim int
	layers          []blockLayer
	context         *linear   // to the first layer; nil if there is none
	gate            *ad.Param // logit of α
	columns         []int     // 0, 1, 2, …
}

// blockLayer is a linear map between layers of a units and b units for each component.
type blockLayer struct {
	below, diagonal *ad.Param // before positivity and norm; both masked
	onDiagonal      []float64 // the mask of the second
	logScale, bias  *ad.Param // 1×out
}

var (
	_ Flow        = (*BlockAutoregressive)(nil)
	_ Conditional = (*BlockAutoregressive)(nil)
	_ Wide        = (*BlockAutoregressive)(nil)
)

const (
	blockLeak = 0.01 // the least slope of the activation
	blockGate = -4   // logit of α at first
)

// NewBlockAutoregressive returns a flow of dim components. A nil opts means the defaults. It panics when dim or an option is out of range.
func NewBlockAutoregressive(dim int, opts *BlockAutoregressiveOptions, src rand.Source) *BlockAutoregressive {
	var o BlockAutoregressiveOptions
	if opts != nil {
		o = *opts
	}
	if dim < 1 || min(o.Units, o.Depth+1, o.Context) < 0 {
		panic(fmt.Sprintf("nfkit: NewBlockAutoregressive: got dimension %d, %d units, depth %d and a context of %d columns, want 1 or more and none negative but −1 for no depth", dim, o.Units, o.Depth, o.Context))
	}
	checkSource("NewBlockAutoregressive", src)
	o.Units, o.Depth = orDefault(o.Units, 8), max(orDefault(o.Depth, 1), 0)
	r := rand.New(src)
	f := &BlockAutoregressive{dim: dim, contextDim: o.Context, gate: ad.NewParam(1, 1, []float64{blockGate})}
	in := 1
	for l := range o.Depth + 1 {
		out := o.Units
		if l == o.Depth {
			out = 1
		}
		f.layers = append(f.layers, newBlockLayer(dim, in, out, r))
		in = out
	}
	if o.Context > 0 {
		c := newLinear(o.Context, f.Width(), r)
		f.context = &c
	}
	for j := range dim {
		f.columns = append(f.columns, j)
	}
	return f
}

func newBlockLayer(dim, in, out int, r *rand.Rand) blockLayer {
	rows, cols := dim*out, dim*in
	below, on := make([]float64, rows*cols), make([]float64, rows*cols)
	for i := range rows {
		for j := range cols {
			switch k := i*cols + j; {
			case i/out == j/in:
				on[k] = 1
			case i/out > j/in:
				below[k] = 1
			}
		}
	}
	draw := func(n int, limit float64) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = limit * (2*r.Float64() - 1)
		}
		return s
	}
	return blockLayer{
		below:      ad.NewMaskedParam(rows, cols, draw(rows*cols, 1/math.Sqrt(float64(cols))), below),
		diagonal:   ad.NewMaskedParam(rows, cols, draw(rows*cols, 1), on),
		onDiagonal: on,
		logScale:   ad.NewParam(1, rows, make([]float64, rows)),
		bias:       ad.NewParam(1, rows, draw(rows, 1)),
	}
}

// weights returns W and its part on the diagonal, out×in.
func (l blockLayer) weights(t *ad.Tape) (w, diagonal *ad.Value) {
	rows, cols := l.diagonal.Dims()
	diagonal = t.Param(l.diagonal).Exp().Mul(t.Const(rows, cols, l.onDiagonal))
	w = diagonal.Add(l.below)
	scale := t.Param(l.logScale).Exp().Transpose().Div(w.RowNorm())
	return w.Mul(scale), diagonal.Mul(scale)
}

// Dim returns the number of components.
func (f *BlockAutoregressive) Dim() int { return f.dim }

// ContextDim returns the number of columns of the context, 0 for none.
func (f *BlockAutoregressive) ContextDim() int { return f.contextDim }

// Width returns the number of units of the first layer, which no other exceeds.
func (f *BlockAutoregressive) Width() int { w, _ := f.layers[0].diagonal.Dims(); return w }

// Inverse evaluates the network.
func (f *BlockAutoregressive) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	checkBatch("BlockAutoregressive.Inverse", x, f.dim)
	z, slope := f.network(x.Tape(), f.inject("BlockAutoregressive.Inverse", context))(x, true)
	return z, slope.Log().RowSum()
}

// Forward solves for one component after the other.
func (f *BlockAutoregressive) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	checkBatch("BlockAutoregressive.Forward", z, f.dim)
	net := f.network(z.Tape(), f.inject("BlockAutoregressive.Forward", context))
	x = z.Tape().Full(z.Rows(), f.dim, 0)
	for j := range f.dim {
		known, column := x, f.columns[j:j+1]
		xj := z.Slice(j, j+1).Root(func(u *ad.Value) *ad.Value {
			y, _ := net(known.Add(u.Scatter(f.dim, column)), false)
			return y.Slice(j, j+1)
		}, math.Inf(-1), math.Inf(1))
		x = x.Add(xj.Scatter(f.dim, column))
	}
	_, slope := net(x, true)
	return x, slope.Log().RowSum().Neg()
}

// inject returns what the context adds to the first layer, nil if there is none.
func (f *BlockAutoregressive) inject(call string, context *ad.Value) *ad.Value {
	if f.context == nil {
		return nil
	}
	checkContext(call, context, f.contextDim)
	return f.context.apply(context)
}

// network returns the function from x to z and, if asked for, the derivatives ∂z_j/∂x_j, n×d.
func (f *BlockAutoregressive) network(t *ad.Tape, injected *ad.Value) func(x *ad.Value, slope bool) (z, slopes *ad.Value) {
	w, diagonal := make([]*ad.Value, len(f.layers)), make([]*ad.Value, len(f.layers))
	for i, l := range f.layers {
		w[i], diagonal[i] = l.weights(t)
	}
	alpha := t.Param(f.gate).Sigmoid()
	keep := t.Param(f.gate).Neg().Sigmoid()
	return func(x *ad.Value, slope bool) (z, slopes *ad.Value) {
		h := x
		if slope {
			slopes = t.Full(x.Rows(), f.dim, 1)
		}
		for i, l := range f.layers {
			h = h.Linear(w[i], l.bias)
			if i == 0 && injected != nil {
				h = h.Add(injected)
			}
			if slope {
				slopes = slopes.Linear(diagonal[i], nil)
			}
			if i == len(f.layers)-1 {
				break
			}
			y := h.Tanh()
			if slope {
				slopes = slopes.Mul(y.Square().Neg().Shift(1 + blockLeak))
			}
			h = y.Add(h.Scale(blockLeak))
		}
		z = x.Mul(keep).Add(h.Mul(alpha))
		if slope {
			slopes = slopes.Mul(alpha).Add(keep)
		}
		return z, slopes
	}
}

// State lists the tensors of the layers under layers.0, layers.1, …, context, and the logit of α as gate.
func (f *BlockAutoregressive) State() State {
	var s State
	for i, l := range f.layers {
		rows, cols := l.diagonal.Dims()
		s = append(s, State{ParamTensor("below", l.below, rows, cols), ParamTensor("diagonal", l.diagonal, rows, cols),
			ParamTensor("log_scale", l.logScale, rows), ParamTensor("bias", l.bias, rows)}.Under("layers."+strconv.Itoa(i))...)
	}
	if f.context != nil {
		s = append(s, f.context.state("context")...)
	}
	return append(s, ParamTensor("gate", f.gate, 1)).OwnedBy(f)
}

// String tells the size of the network.
func (f *BlockAutoregressive) String() string {
	return fmt.Sprintf("BlockAutoregressive %d units, depth %d", f.Width()/f.dim, len(f.layers)-1)
}
