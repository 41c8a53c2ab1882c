package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// hiddenNorm is the batch normalisation of hidden units in a network, as the reference evaluates it:
//
//	h ↦ w⊙(h − μ)/√(v + 10⁻³) + b,
//
// with statistics μ and v that do not follow batches: a file brings them. w and b are trained.
type hiddenNorm struct {
	weight, bias, mean, variance *ad.Param // 1×h
	batches                      []int     // of which the reference took the statistics
}

// hiddenNormEpsilon is added to variances, as the reference does in networks.
const hiddenNormEpsilon = 1e-3

func newHiddenNorm(width int) *hiddenNorm {
	row := func(x float64, frozen bool) *ad.Param {
		p := ad.NewParam(1, width, slices.Repeat([]float64{x}, width))
		p.Frozen = frozen
		return p
	}
	return &hiddenNorm{row(1, false), row(0, false), row(0, true), row(1, true), []int{0}}
}

// apply returns what the units become. A nil n changes nothing.
func (n *hiddenNorm) apply(h *ad.Value) *ad.Value {
	if n == nil {
		return h
	}
	t := h.Tape()
	scale := t.Param(n.weight).Div(t.Param(n.variance).Shift(hiddenNormEpsilon).Sqrt())
	return h.Mul(scale).Add(t.Param(n.bias).Sub(t.Param(n.mean).Mul(scale)))
}

// arrange keeps the units in the given order. A nil n has none.
func (n *hiddenNorm) arrange(order []int) {
	if n == nil {
		return
	}
	for _, p := range []*ad.Param{n.weight, n.bias, n.mean, n.variance} {
		p.Arrange(nil, order)
	}
}

// state lists what torch.nn.BatchNorm1d has; nothing for a nil n.
func (n *hiddenNorm) state(name string) State {
	if n == nil {
		return nil
	}
	width := len(n.bias.Data)
	return State{
		paramTensor("weight", n.weight, width), paramTensor("bias", n.bias, width),
		{Name: "running_mean", Shape: []int{width}, Floats: n.mean.Data},
		{Name: "running_var", Shape: []int{width}, Floats: n.variance.Data, Check: func(t Tensor) error {
			if least := slices.Min(t.Floats); !(least >= 0) {
				return fmt.Errorf("it has a variance of %v, want 0 or more", least)
			}
			return nil
		}},
		{Name: "num_batches_tracked", Ints: n.batches, Check: func(t Tensor) error { return atLeast0(t.Ints[0]) }},
	}.Under(name)
}
