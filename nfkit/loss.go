package nfkit

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// NLL returns the mean negative log-likelihood −1/n·Σ ln q(xᵢ) of the rows of x, in nats. It estimates the
// cross-entropy of the data's density p under the model,
//
//	−E_p[ln q(x)] = H(p) + KL(p‖q),
//
// so it is bounded by the entropy H(p) and may be negative, which a divergence may not. Its twin in normflows is
// forward_kld.
//
// It returns a [*NonFiniteError] when the result is NaN or infinite, and an error for an empty batch. It panics on a
// wrong number of columns.
func (m *NormalizingFlow) NLL(x mat.Matrix) (float64, error) {
	n, _ := x.Dims()
	if n == 0 {
		return math.NaN(), errEmpty("NLL")
	}
	var sum float64
	for _, l := range m.LogProb(x) {
		sum -= l
	}
	return m.checkLoss(sum/float64(n), dense(x))
}

// NLLGrad returns [NormalizingFlow.NLL], and sets Grad of each parameter to its gradient; there is nothing to reset
// before. After an error the gradients are not to be used.
func (m *NormalizingFlow) NLLGrad(x mat.Matrix) (float64, error) {
	n, _ := x.Dims()
	if n == 0 {
		return math.NaN(), errEmpty("NLLGrad")
	}
	b := m.points("NLLGrad", x)
	if err := m.beginStep(b, true); err != nil {
		return math.NaN(), err
	}
	sum, bad := m.gradient(b)
	if loss, err := m.checkLoss(sum/float64(n), b); err != nil {
		return loss, err
	}
	return sum / float64(n), bad
}

// gradient returns the sum of the negative log-likelihoods of the rows of x and sets the gradient of their mean. The
// error names a parameter whose gradient is not finite.
func (m *NormalizingFlow) gradient(x *mat.Dense) (sum float64, err error) {
	n, _ := x.Dims()
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	m.batch = x
	sum = m.train(n, 1/float64(n), m.negLogQ)
	return sum, m.checkGradient()
}

func errEmpty(method string) error {
	return fmt.Errorf("nfkit: NormalizingFlow.%s: the batch has no rows; it needs at least one", method)
}
