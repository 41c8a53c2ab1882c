package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Target is a density that a model learns without samples of it: every target of package targets, or a type of the
// user's. If it has parameters of its own, they are constants here.
type Target interface {
	// LogDensity returns ln p̃(x) of each row of x, n×1, where p̃ is the density up to a factor.
	LogDensity(x *ad.Value) *ad.Value
}

// TargetFunc is a function ln p̃(x | context) as a [Target]. It sees the context of the model, nil if there is none:
//
//	model.Given(context).ReverseKLGrad(nf.TargetFunc(targets.ConditionalDiagGaussian{}.LogDensity), n, nil, src)
type TargetFunc func(x, context *ad.Value) *ad.Value

var _ Target = TargetFunc(nil)

// LogDensity calls f without a context.
func (f TargetFunc) LogDensity(x *ad.Value) *ad.Value { return f(x, nil) }

// ReverseKLOptions are the options of [NormalizingFlow.ReverseKL] and [NormalizingFlow.ReverseKLGrad].
type ReverseKLOptions struct {
	// Beta is the weight β of the target. A training that raises it from a small positive number to 1 finds more of the
	// target's modes. 0 means 1.
	Beta float64

	// PathGradient leaves the score ∇ ln q at fixed x out of the gradient. Its mean is 0, so that the gradient's is the
	// same; its variance goes to 0 as the model comes to the target. It costs an evaluation of Inverse and changes no
	// value. Roeder et al. 2017, arXiv:1703.09194. Its twin in normflows is score_fn=False.
	PathGradient bool
}

// beta returns β. It panics when β is negative or not finite.
func (o *ReverseKLOptions) beta(method string) float64 {
	switch {
	case o == nil || o.Beta == 0:
		return 1
	case !(o.Beta > 0) || math.IsInf(o.Beta, 1):
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got Beta %v, want a positive number, or 0 for 1", method, o.Beta))
	}
	return o.Beta
}

// ReverseKL returns the mean of ln q(x) − β·ln p̃(x) over n points drawn from the model, in nats. With β = 1 it
// estimates
//
//	KL(q‖p) − ln Z,  Z = ∫p̃,
//
// which is at least −ln Z and may be negative unless the target is normalised. A nil opts means the defaults. Its twin
// in normflows is reverse_kld.
//
// It returns a [*NonFiniteError] when the result is NaN or infinite. It panics when n is not positive, or an option is
// out of range.
func (m *NormalizingFlow) ReverseKL(target Target, n int, opts *ReverseKLOptions, src rand.Source) (float64, error) {
	d, beta := m.draw("ReverseKL", target, n, src), opts.beta("ReverseKL")
	terms := make([]float64, n)
	m.each(n, func(t *ad.Tape, lo, hi int) {
		_, logQ, logP := d.rows(t, lo, hi)
		logQ.Sub(logP.Scale(beta)).DataTo(terms[lo:hi])
	})
	return d.checkLoss(mean(terms))
}

// ReverseKLGrad returns [NormalizingFlow.ReverseKL], and sets Grad of each parameter to its gradient; there is nothing
// to reset before. After an error the gradients are not to be used.
func (m *NormalizingFlow) ReverseKLGrad(target Target, n int, opts *ReverseKLOptions, src rand.Source) (float64, error) {
	d, beta := m.draw("ReverseKLGrad", target, n, src), opts.beta("ReverseKLGrad")
	path := opts != nil && opts.PathGradient
	if err := m.beginStep(d.noise, false); err != nil {
		return math.NaN(), err
	}
	sum, bad := m.sumGradient(n, 1/float64(n), func(t *ad.Tape, lo, hi int) *ad.Value {
		x, logQ, logP := d.rows(t, lo, hi)
		if path {
			logQ = d.withoutScore(x, logQ, lo, hi)
		}
		return logQ.Sub(logP.Scale(beta)).Sum()
	})
	if loss, err := d.checkLoss(sum / float64(n)); err != nil {
		return loss, err
	}
	return sum / float64(n), bad
}

// sumGradient returns the sum of loss over n rows, and sets the gradients to those of scale times the sum. The error
// names a parameter whose gradient is not finite.
func (m *NormalizingFlow) sumGradient(n int, scale float64, loss func(t *ad.Tape, lo, hi int) *ad.Value) (sum float64, err error) {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	sum = m.train(n, scale, loss)
	return sum, m.checkGradient()
}

// draw is a batch of points of a model that are still to be made from noise, and a target to hold them against.
type draw struct {
	m      *NormalizingFlow
	target Target
	noise  *mat.Dense // a row for each point
}

func (m *NormalizingFlow) draw(method string, target Target, n int, src rand.Source) *draw {
	if target == nil {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got a nil target", method))
	}
	if n < 1 {
		panic(fmt.Sprintf("nfkit: NormalizingFlow.%s: got %d points, want 1 or more", method, n))
	}
	m.checkContext(method, n)
	noise := mat.NewDense(n, m.base.NoiseDim(), nil)
	m.base.Noise(noise.RawMatrix().Data, rand.New(src))
	return &draw{m, target, noise}
}

// rows returns points lo to hi (excluded), with ln q and ln p̃ of each.
func (d *draw) rows(t *ad.Tape, lo, hi int) (x, logQ, logP *ad.Value) {
	context := d.m.contextRows(t, lo, hi)
	z, logQ := d.m.base.Sample(t.Rows(d.noise, lo, hi), context)
	x, logDet := d.m.chain.Forward(z, context)
	return x, logQ.Sub(logDet), d.logDensity(x, context)
}

func (d *draw) logDensity(x, context *ad.Value) *ad.Value {
	var l *ad.Value
	if f, ok := d.target.(TargetFunc); ok {
		l = f(x, context)
	} else {
		l = d.target.LogDensity(x)
	}
	if r, c := l.Dims(); r != x.Rows() || c != 1 {
		panic(fmt.Sprintf("nfkit: %T.LogDensity: got a %d×%d value for %d points, want %d×1", d.target, r, c, x.Rows(), x.Rows()))
	}
	return l
}

// withoutScore returns logQ, whose gradient is the total one, with the gradient along the path of x alone: the total
// less that at fixed x. What is frozen or constant stays so, as the parameters are not touched.
func (d *draw) withoutScore(x, logQ *ad.Value, lo, hi int) *ad.Value {
	score := d.m.logProb(x.Detach(), d.m.contextRows(x.Tape(), lo, hi))
	return logQ.Sub(score).Add(score.Detach())
}

// checkLoss returns loss, with an error that says where it began if it is not finite.
func (d *draw) checkLoss(loss float64) (float64, error) {
	if isFinite(loss) {
		return loss, nil
	}
	where, row := d.firstNonFinite()
	return loss, &NonFiniteError{What: "loss", Value: loss, Where: where, Row: row}
}

// firstNonFinite names the first place on the way of the points from noise to the target where a number is not finite.
func (d *draw) firstNonFinite() (where string, row int) {
	if d.m.context != nil {
		if where, row := badInput("context", d.m.context); row >= 0 {
			return where, row
		}
	}
	n, _ := d.noise.Dims()
	first := math.MaxInt
	where, row = "the sum over the batch, or the way back to latent space", -1
	t := ad.NewEvalTape(d.m.precision)
	const rows = 256 // at a time
	for lo := 0; lo < n; lo += rows {
		t.Reset()
		hi := min(lo+rows, n)
		step := 0
		see := func(v *ad.Value, place string) {
			if i := nonFinite(v.Data()); i >= 0 && step < first {
				where, row, first = place, lo+i/v.Cols(), step
			}
			step++
		}
		context := d.m.contextRows(t, lo, hi)
		x, logQ := d.m.base.Sample(t.Rows(d.noise, lo, hi), context)
		see(x, fmt.Sprintf("the sample of the base (%T)", d.m.base))
		see(logQ, fmt.Sprintf("the log-density of the base (%T)", d.m.base))
		for k, f := range d.m.chain.flows {
			var logDet *ad.Value
			x, logDet = f.Forward(x, context)
			see(x, fmt.Sprintf("flow %d (%T)", k, f))
			see(logDet, fmt.Sprintf("the log-determinant of flow %d (%T)", k, f))
		}
		see(d.logDensity(x, context), fmt.Sprintf("the log-density of the target (%T)", d.target))
	}
	return where, row
}

// mean returns the mean of x.
func mean(x []float64) float64 {
	var sum float64
	for _, x := range x {
		sum += x
	}
	return sum / float64(len(x))
}
