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
	weight, bias   *ad.Param // 1×h
	mean, variance []float64
	batches        []int // of which the reference took the statistics
	order          []int // of the units on a tape; nil for that of the numbers here
}

// hiddenNormEpsilon is added to variances, as the reference does in networks.
const hiddenNormEpsilon = 1e-3

func newHiddenNorm(width int) *hiddenNorm {
	return &hiddenNorm{
		weight: ad.NewParam(1, width, slices.Repeat([]float64{1}, width)), bias: ad.NewParam(1, width, make([]float64, width)),
		mean: make([]float64, width), variance: slices.Repeat([]float64{1}, width), batches: []int{0},
	}
}

// apply returns what the units become. A nil n changes nothing.
func (n *hiddenNorm) apply(h *ad.Value) *ad.Value {
	if n == nil {
		return h
	}
	t := h.Tape()
	mean, variance := t.Const(1, len(n.mean), n.mean), t.Const(1, len(n.variance), n.variance)
	if n.order != nil {
		mean, variance = mean.Columns(n.order), variance.Columns(n.order)
	}
	scale := t.Param(n.weight).Div(variance.Shift(hiddenNormEpsilon).Sqrt())
	return h.Mul(scale).Add(t.Param(n.bias).Sub(mean.Mul(scale)))
}

// arrange keeps the units in the given order. A nil n has none.
func (n *hiddenNorm) arrange(order []int) {
	if n == nil {
		return
	}
	n.weight.Arrange(nil, order)
	n.bias.Arrange(nil, order)
	n.order = order
}

// state lists what torch.nn.BatchNorm1d has; nothing for a nil n.
func (n *hiddenNorm) state(name string) State {
	if n == nil {
		return nil
	}
	width := len(n.bias.Data)
	return State{
		ParamTensor("weight", n.weight, width), ParamTensor("bias", n.bias, width),
		{Name: "running_mean", Shape: []int{width}, Floats: n.mean},
		{Name: "running_var", Shape: []int{width}, Floats: n.variance, Check: func(t Tensor) error {
			if least := slices.Min(t.Floats); !(least >= 0) {
				return fmt.Errorf("it has a variance of %v, want 0 or more", least)
			}
			return nil
		}},
		{Name: "num_batches_tracked", Ints: n.batches, Check: func(t Tensor) error { return atLeast0(t.Ints[0]) }},
	}.Under(name)
}
