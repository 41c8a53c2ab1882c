package continuous

import (
	"fmt"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// CNFOptions are the options of [NewCNF].
type CNFOptions struct {
	FlowOptions

	Hidden  int     // units in each hidden layer of the network; 0 means 64
	Depth   int     // its hidden layers; 0 means 2, −1 none
	Context int     // columns of a context; 0 means none
	Base    nf.Base // nil means the standard normal distribution, not trained
}

// frequencies is the number of frequencies of the time that the network of NewCNF has, as in zuko.
const frequencies = 3

// NewCNF returns a model with one [Flow], whose field is an [nf.MLP] with SiLU: a continuous normalizing flow, and its field, for [FlowMatching]. It starts
// as its base. Trained by likelihood, a step costs the solution of the differential equation and its gradient; by flow matching, an evaluation of
// the network. A nil opts means the defaults. It panics when dim or an option is out of range.
func NewCNF(dim int, opts *CNFOptions, src rand.Source) (*nf.NormalizingFlow, *Field) {
	var o CNFOptions
	if opts != nil {
		o = *opts
	}
	if dim < 1 || min(o.Hidden, o.Depth+1, o.Context) < 0 {
		panic(fmt.Sprintf("continuous: NewCNF: got dimension %d, %d hidden units, depth %d and a context of %d columns, want 1 or more and none negative but −1 for no depth", dim, o.Hidden, o.Depth, o.Context))
	}
	if o.Hidden == 0 {
		o.Hidden = 64
	}
	if o.Depth == 0 {
		o.Depth = 2
	}
	widths := []int{dim + 1 + 2*frequencies}
	for range o.Depth {
		widths = append(widths, o.Hidden)
	}
	net := nf.NewMLP(append(widths, dim), &nf.MLPOptions{Activation: nf.ActSiLU, Context: o.Context, InitZeros: true}, src)
	if o.Base == nil {
		o.Base = nf.NewDiagGaussian(dim, &nf.DiagGaussianOptions{Fixed: true})
	}
	field := NewField(net, dim)
	return nf.NewNormalizingFlow(o.Base, []nf.Flow{NewFlow(field, &o.FlowOptions)}), field
}
