package nfkit

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
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
	loss := m.gradient(b) / float64(n)
	if loss, err := m.checkLoss(loss, b); err != nil {
		return loss, err
	}
	return loss, m.checkGradient()
}

// gradient returns the sum of the negative log-likelihoods of the rows of x and sets the gradient of their mean.
func (m *NormalizingFlow) gradient(x *mat.Dense) float64 {
	n, _ := x.Dims()
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	m.batch = x
	return m.evaluator().Gradient(n, m.params, 1/float64(n), m.negLogQ)
}

// NonFiniteError reports a loss, or a gradient, that is NaN or infinite, and where that began.
type NonFiniteError struct {
	What  string  // what is not finite: "loss" or "gradient"
	Value float64 // the loss
	Where string  // the first layer, parameter or column of the data in which it shows
	Row   int     // of the batch; −1 if it is not known
}

// Error says what is not finite and where it began.
func (e *NonFiniteError) Error() string {
	s := fmt.Sprintf("nfkit: the %s is not finite", e.What)
	if e.What == "loss" {
		s = fmt.Sprintf("nfkit: the loss is %v", e.Value)
	}
	s += ": it begins in " + e.Where
	if e.Row >= 0 {
		s += fmt.Sprintf(", row %d of the batch", e.Row)
	}
	return s
}

func errEmpty(method string) error {
	return fmt.Errorf("nfkit: NormalizingFlow.%s: the batch has no rows; it needs at least one", method)
}

func isFinite(x float64) bool { return x-x == 0 }

// checkLoss returns loss, with an error that says where it began if it is not finite.
func (m *NormalizingFlow) checkLoss(loss float64, x *mat.Dense) (float64, error) {
	if isFinite(loss) {
		return loss, nil
	}
	where, row := m.firstNonFinite(x)
	return loss, &NonFiniteError{What: "loss", Value: loss, Where: where, Row: row}
}

// checkGradient returns an error that names the first parameter whose gradient is not finite.
func (m *NormalizingFlow) checkGradient() error {
	for i, p := range m.params {
		if nonFinite(p.Grad) >= 0 {
			var names []string
			for _, t := range m.State() {
				if t.Param != nil {
					names = append(names, t.Name)
				}
			}
			return &NonFiniteError{What: "gradient", Where: names[i], Row: -1}
		}
	}
	return nil
}

// nonFinite returns the number of the first element that is not finite, −1 if there is none.
func nonFinite(s []float64) int {
	var sum float64 // x·0 is 0 for a finite x, NaN otherwise
	for _, x := range s {
		sum += x * 0
	}
	if sum == 0 {
		return -1
	}
	for i, x := range s {
		if !isFinite(x) {
			return i
		}
	}
	return -1
}

// firstNonFinite follows the rows of x through the model and names the first place where a number is not finite.
func (m *NormalizingFlow) firstNonFinite(x *mat.Dense) (where string, row int) {
	n, d := x.Dims()
	for i := range n {
		if j := nonFinite(x.RawRowView(i)); j >= 0 {
			return fmt.Sprintf("column %d of the data, which is %v", j, x.At(i, j)), i
		}
	}
	if m.context != nil {
		r, _ := m.context.Dims()
		for i := range r {
			if j := nonFinite(m.context.RawRowView(i)); j >= 0 {
				return fmt.Sprintf("column %d of the context, which is %v", j, m.context.At(i, j)), i
			}
		}
	}
	t := ad.NewEvalTape(m.precision)
	v, context := t.Rows(x, 0, n), m.contextRows(t, 0, n)
	for i := len(m.chain.flows) - 1; i >= 0; i-- {
		var logDet *ad.Value
		v, logDet = m.chain.flows[i].Inverse(v, context)
		if at := nonFinite(v.Data()); at >= 0 {
			return "the inverse of " + m.layer(i), at / d
		}
		if at := nonFinite(logDet.Data()); at >= 0 {
			return "the log-determinant of " + m.layer(i), at
		}
	}
	if at := nonFinite(m.base.LogProb(v, context).Data()); at >= 0 {
		return fmt.Sprintf("the log-density of the base (%T)", m.base), at
	}
	return "the sum over the batch", -1
}
