package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// AlphaDivergenceOptions are the options of [NormalizingFlow.AlphaDivergence].
type AlphaDivergenceOptions struct {
	// DReG uses doubly reparametrised gradients: the same mean, less variance near the target, at the cost of an
	// evaluation of Inverse. Tucker et al. 2019, arXiv:1810.04152.
	DReG bool
}

// AlphaDivergence returns, in nats and from n points drawn from the model,
//
//	ln(1/n·Σ wᵢ^α) / (α(α−1)),  wᵢ = p̃(xᵢ)/q(xᵢ),
//
// as an objective for [Fit] that takes no data. It estimates Rényi's divergence D_α(p‖q)/α, plus ln Z/(α−1) for a target that is not
// normalised, Z = ∫p̃. It is 0
// at the target and goes to KL(p‖q) as α → 1, to KL(q‖p) as α → 0; a larger α makes the model cover more of the target.
// The logarithm of a mean has a bias of order 1/n, and near α = 1 its noise grows as 1/|α−1|. Weights are kept as
// logarithms and do not overflow. A gradient costs an evaluation of the model more than that of [NormalizingFlow.ReverseKL]: the weight of a
// point depends on all points. Li & Turner 2016, arXiv:1602.02311. Its twin in normflows is reverse_alpha_div: the
// same for α > 0 but for the factor |α(α−1)| and a constant.
//
// Both methods of the objective return a [*NonFiniteError] when the result is NaN or infinite. It panics when n is not positive, the target is
// nil, and when α is not finite or is 0 or 1, where the formula has limits only: see [NormalizingFlow.ReverseKL] and
// [NormalizingFlow.NLL].
func (m *NormalizingFlow) AlphaDivergence(target Target, n int, alpha float64, opts *AlphaDivergenceOptions) Objective {
	checkTarget("AlphaDivergence", target, n)
	switch {
	case math.IsNaN(alpha) || math.IsInf(alpha, 0):
		panic(fmt.Sprintf("nfkit: NormalizingFlow.AlphaDivergence: got α = %v, want a finite number", alpha))
	case alpha == 0:
		panic("nfkit: NormalizingFlow.AlphaDivergence: got α = 0, where the divergence is KL(q‖p); use ReverseKL")
	case alpha == 1:
		panic("nfkit: NormalizingFlow.AlphaDivergence: got α = 1, where the divergence is KL(p‖q); use NLL with samples of the target")
	}
	o := &alphaDivergence{onSamples: onSamples{m.view(), target, n}, alpha: alpha}
	if opts != nil {
		o.AlphaDivergenceOptions = *opts
	}
	return o
}

// alphaDivergence is the objective of AlphaDivergence.
type alphaDivergence struct {
	AlphaDivergenceOptions
	onSamples
	alpha float64
}

// Loss returns the divergence.
func (o *alphaDivergence) Loss(rows mat.Matrix, src rand.Source) (float64, error) {
	p := o.points("AlphaDivergence: Loss", rows, src)
	_, logWeights := p.weights()
	loss, _ := alphaLoss(logWeights, o.alpha)
	return p.check(loss)
}

// LossGrad returns the divergence and sets its gradients. The weights of the points are those of an evaluation.
func (o *alphaDivergence) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	p := o.points("AlphaDivergence: LossGrad", rows, src)
	_, logWeights := p.weights()
	loss, share := alphaLoss(logWeights, o.alpha)
	if loss, err := p.check(loss); err != nil {
		return loss, err
	}
	// With vᵢ = wᵢ^α/Σw^α the gradient is Σ vᵢ·∇ln wᵢ/(α−1). For DReG, ∇ is along the path of xᵢ alone, and the score's
	// part turns vᵢ into vᵢ(1 − α(1 − vᵢ)). (The reference has n·vᵢ for the last vᵢ, which is right for n = 1 alone.)
	for i, v := range share {
		if o.DReG {
			v *= 1 - o.alpha*(1-v)
		}
		share[i] = v / (o.alpha - 1)
	}
	factors := mat.NewDense(o.n, 1, share)
	_, err := o.gradient(p, 1, src, func(t *ad.Tape, lo, hi int) *ad.Value {
		x, logQ, logP := p.rows(t, lo, hi)
		if o.DReG {
			logQ = p.withoutScore(x, logQ, lo, hi)
		}
		return logP.Sub(logQ).Mul(t.Rows(factors, lo, hi)).Sum()
	})
	return loss, err
}

// alphaLoss returns ln(1/n·Σ w^α)/(α(α−1)) and the share of each point in the sum.
func alphaLoss(logWeights []float64, alpha float64) (loss float64, share []float64) {
	share = make([]float64, len(logWeights))
	floats.AddScaled(share, alpha, logWeights)
	total := logSumExp(share)
	for i, l := range share {
		share[i] = math.Exp(l - total)
	}
	return (total - math.Log(float64(len(share)))) / (alpha * (alpha - 1)), share
}

// logSumExp is that of gonum, but NaN if there is a NaN beside an infinite number.
func logSumExp(s []float64) float64 {
	if floats.HasNaN(s) {
		return math.NaN()
	}
	return floats.LogSumExp(s)
}
