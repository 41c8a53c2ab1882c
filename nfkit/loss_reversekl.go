package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ReverseKLOptions are the options of [NormalizingFlow.ReverseKL].
type ReverseKLOptions struct {
	// Beta returns the weight β of the target in step k, counted from 0 by the calls of LossGrad; nil means 1 always. A training that raises
	// it from a small positive number to 1 finds more of the target's modes. Loss has β = 1. The count is part of the objective's State, so
	// a [Checkpoint] of the objective goes on with it.
	Beta func(step int) float64

	// PathGradient leaves the score ∇ ln q at fixed x out of the gradient. Its mean is 0, so that the gradient's is the
	// same; its variance goes to 0 as the model comes to the target. It costs an evaluation of Inverse and changes no
	// value. Roeder et al. 2017, arXiv:1703.09194. Its twin in normflows is score_fn=False.
	PathGradient bool
}

// ReverseKL returns the mean of ln q(x) − β·ln p̃(x) over n points drawn from the model, in nats, as an objective for [Fit] that takes no
// data. With β = 1 it estimates
//
//	KL(q‖p) − ln Z,  Z = ∫p̃,
//
// which is at least −ln Z and may be negative unless the target is normalised. A nil opts means the defaults. Its twin
// in normflows is reverse_kld.
//
// Both methods of the objective return a [*NonFiniteError] when the result is NaN or infinite. It panics when n is not positive, the target is
// nil, or β is not a positive number.
func (m *NormalizingFlow) ReverseKL(target Target, n int, opts *ReverseKLOptions) Objective {
	checkTarget("ReverseKL", target, n)
	o := &reverseKL{onSamples: onSamples{m.view(), target, n}, step: []int{0}}
	if opts != nil {
		o.ReverseKLOptions = *opts
	}
	return o
}

// onSamples is what objectives have in common that draw their points from the model.
type onSamples struct {
	model  *NormalizingFlow
	target Target
	n      int
}

// State lists the tensors of the model.
func (o *onSamples) State() State { return o.model.State() }

// Columns returns 0: there is no data.
func (o *onSamples) Columns() int { return 0 }

// points draws the noise of one call. It panics when there are rows.
func (o *onSamples) points(call string, rows mat.Matrix, src rand.Source) *modelPoints {
	if rows != nil {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got rows, but it draws its points from the model", call))
	}
	return o.model.pointsFor(call, o.target, o.n, src)
}

// rest lets go of what steps have in common.
func (o *onSamples) rest() { o.model.engine.rest() }

// gradient returns scale times the sum over the points of loss, and sets its gradients.
func (o *onSamples) gradient(p *modelPoints, scale float64, src rand.Source, loss func(t *ad.Tape, lo, hi int) *ad.Value) (float64, error) {
	return o.model.engine.step(o.model.precision, o.n, scale, src, loss, p)
}

// reverseKL is the objective of ReverseKL.
type reverseKL struct {
	ReverseKLOptions
	onSamples
	step []int // one number
}

// State lists the tensors of the model, and the number of steps if β depends on it.
func (o *reverseKL) State() State {
	s := o.model.State()
	if o.Beta != nil {
		s = append(s, Tensor{Name: "reverse_kl.step", Ints: o.step, Check: func(t Tensor) error { return atLeast0(t.Ints[0]) }})
	}
	return s
}

// Loss returns the mean of ln q − ln p̃.
func (o *reverseKL) Loss(rows mat.Matrix, src rand.Source) (float64, error) {
	p := o.points("ReverseKL: Loss", rows, src)
	terms := make([]float64, o.n)
	p.each(func(t *ad.Tape, lo, hi int) {
		_, logQ, logP := p.rows(t, lo, hi)
		logQ.Sub(logP).DataTo(terms[lo:hi])
	})
	return p.check(mean(terms))
}

// LossGrad returns the mean of ln q − β·ln p̃ and sets its gradients.
func (o *reverseKL) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	beta := 1.0
	if o.Beta != nil {
		if beta = o.Beta(o.step[0]); !(beta > 0) || math.IsInf(beta, 1) {
			panic(fmt.Sprintf("nfkit: NormalizingFlow.ReverseKL: got β = %v in step %d, want a positive number", beta, o.step[0]))
		}
	}
	o.step[0]++
	p := o.points("ReverseKL: LossGrad", rows, src)
	return o.gradient(p, 1/float64(o.n), src, func(t *ad.Tape, lo, hi int) *ad.Value {
		x, logQ, logP := p.rows(t, lo, hi)
		if o.PathGradient {
			logQ = p.withoutScore(x, logQ, lo, hi)
		}
		return logQ.Sub(logP.Scale(beta)).Sum()
	})
}
