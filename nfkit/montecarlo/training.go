package montecarlo

import (
	"fmt"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/rownoise"
)

// Reversible is a stochastic layer whose moves back can be drawn, those that its weights are for: all layers of this package.
type Reversible interface {
	nf.StochasticLayer
	// Backward moves points x, n×d, back to z, n×d. logWeight is the logarithm of the probability of the move from z to x over that of the
	// move from x to z, n×1.
	Backward(x, noise, context *ad.Value) (z, logWeight *ad.Value)
}

// ReverseKL returns the mean of −ln w over n paths of the model as an objective for [nf.Fit] that takes no data,
//
//	E[ln q₀(z₀) − Σ ln w_k − ln p̃(x)] = KL(paths of the model ‖ paths of the target) − ln Z,
//
// which is at least −ln Z. It trains flows and the parameters of stochastic layers alike, by gradients along the paths with the decisions of layers
// that accept or reject held fixed. Wu, Köhler & Noé 2020, arXiv:2002.06707, eq. 16. It panics when the target is nil or n is not positive.
func (m *StochasticFlow) ReverseKL(target nf.Target, n int) *nf.RowObjective {
	if target == nil || n < 1 {
		panic(fmt.Sprintf("montecarlo: StochasticFlow.ReverseKL: got target %v and %d paths, want a target and 1 path or more", target, n))
	}
	return nf.NewDataFreeObjective(m.State(), n, func(t *ad.Tape, k int) *ad.Value {
		z, logQ := m.base.Sample(rownoise.Draw(t, k, m.base.NoiseDim(), m.base.Noise), nil)
		for _, l := range m.layers {
			var w *ad.Value
			z, w = l.Forward(z, rownoise.Draw(t, k, l.NoiseDim(), l.Noise), nil)
			logQ = logQ.Sub(w)
		}
		return logQ.Sub(target.LogDensity(z))
	})
}

// NLL returns a bound of the mean negative log-likelihood of rows as an objective for [nf.Fit]: the mean of
//
//	−ln q₀(z₀) − Σ ln w_k
//
// over paths from the rows back to the base, at least that of −ln q(x). Wu, Köhler & Noé 2020, arXiv:2002.06707, eq. 15. It panics when a layer is not
// [Reversible].
func (m *StochasticFlow) NLL() *nf.RowObjective {
	back := make([]Reversible, len(m.layers))
	for k, l := range m.layers {
		var ok bool
		if back[k], ok = l.(Reversible); !ok {
			panic(fmt.Sprintf("montecarlo: StochasticFlow.NLL: layer %d (%T) has no method Backward, see Reversible", k, l))
		}
	}
	return nf.NewObjective(m.State(), m.Dim(), func(x *ad.Value) *ad.Value {
		var loss *ad.Value
		for k := len(back) - 1; k >= 0; k-- {
			l := back[k]
			var w *ad.Value
			x, w = l.Backward(x, rownoise.Draw(x.Tape(), x.Rows(), l.NoiseDim(), l.Noise), nil)
			if loss == nil {
				loss = w.Neg()
			} else {
				loss = loss.Sub(w)
			}
		}
		logQ := m.base.LogProb(x, nil)
		if loss == nil {
			return logQ.Neg()
		}
		return loss.Sub(logQ)
	})
}
