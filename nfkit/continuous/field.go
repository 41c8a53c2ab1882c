package continuous

import (
	"fmt"
	"math"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Field is a vector field v(x, t | context) that a network computes from the point and features of the time,
//
//	v = net(x, t, cos πt, sin πt, cos 2πt, sin 2πt, …).
type Field struct {
	net nf.Net
	dim int
}

var (
	_ nf.Stateful    = (*Field)(nil)
	_ nf.Conditional = (*Field)(nil)
)

// NewField returns the field in dim dimensions of a network with dim + 1 + 2K columns of input, for K frequencies of the time, 0 or more, and dim of
// output. The network may take a context. It panics when the network is nil or has other widths. The network should be smooth: [nf.ActTanh],
// [nf.ActSiLU] or [nf.ActELU].
func NewField(net nf.Net, dim int) *Field {
	if net == nil || dim < 1 {
		panic(fmt.Sprintf("continuous: NewField: got network %v and dimension %d, want one that is not nil, and 1 or more", net, dim))
	}
	if extra := net.In() - dim; extra < 1 || extra%2 == 0 || net.Out() != dim {
		panic(fmt.Sprintf("continuous: NewField: got a network from %d to %d columns, want %d, 1 and two for each frequency, to %d", net.In(), net.Out(), dim, dim))
	}
	return &Field{net, dim}
}

// Dim returns the dimension.
func (f *Field) Dim() int { return f.dim }

// ContextDim returns the number of columns of the network's context, 0 for none.
func (f *Field) ContextDim() int {
	if c, ok := f.net.(nf.Conditional); ok {
		return c.ContextDim()
	}
	return 0
}

// At returns v at points x, n×d, and times, n×1, or 1×1 for one time of all: n×d.
func (f *Field) At(x, time, context *ad.Value) *ad.Value {
	var columns []ad.Operand
	for k := 1; len(columns) < f.net.In()-f.dim-1; k++ {
		angle := time.Scale(float64(k) * math.Pi)
		columns = append(columns, angle.Cos(), angle.Sin())
	}
	features := time.Concat(columns...)
	if n := x.Rows(); features.Rows() != n {
		features = features.Repeat(n)
	}
	return f.net.Apply(x.Concat(features), context)
}

// State lists the network's tensors.
func (f *Field) State() nf.State { return f.net.State() }
