package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// NLLOptions are the options of [NormalizingFlow.NLL].
type NLLOptions struct {
	// Weighted says that the last column of a row is its weight, 0 or more: see [JoinColumns].
	Weighted bool
}

// NLL returns the mean negative log-likelihood of rows as an objective for [Fit]:
//
//	−Σ wᵢ·ln q(xᵢ) / Σ wᵢ,
//
// in nats, with all weights 1 unless Weighted. It estimates the cross-entropy of the data's density p under the model,
//
//	−E_p[ln q(x)] = H(p) + KL(p‖q),
//
// so it is bounded by the entropy H(p) and may be negative, which a divergence may not. Its twin in normflows is
// forward_kld.
//
// A row has the columns of a point; if the model takes a context, those of the context follow, unless the model has its context already, see
// [NormalizingFlow.Given]; with Weighted its weight comes last. A nil opts means the defaults. Loss ignores its source.
//
// Both methods of the objective return a [*NonFiniteError] when the result is NaN or infinite, and an error for a batch that is empty or
// whose weights are negative or all 0. LossGrad returns the error of a layer that cannot take what it needs from the batch as well: see
// [ActNorm] and [BatchNorm]. They panic on a wrong number of columns.
func (m *NormalizingFlow) NLL(opts *NLLOptions) Objective {
	o := &likelihood{model: m.view()}
	if opts != nil {
		o.NLLOptions = *opts
	}
	if m.context == nil {
		o.context = m.ContextDim()
	}
	o.sum = func(t *ad.Tape, lo, hi int) *ad.Value {
		v, x := o.of, &o.of.x
		logQ := v.model.logProb(t.Rows(x, lo, hi), v.model.contextRows(t, lo, hi))
		if o.Weighted {
			logQ = logQ.Mul(t.Rows(&v.weights, lo, hi))
		}
		return logQ.Sum().Neg()
	}
	return o
}

// likelihood is the objective of NLL.
type likelihood struct {
	NLLOptions
	model   *NormalizingFlow
	context int // columns of a row

	mu  sync.Mutex // of a training step
	of  *dataRows  // that of the step in hand, or empty; kept, so that a step allocates nothing
	sum func(t *ad.Tape, lo, hi int) *ad.Value
}

// dataRows are the columns of a batch, and the model with its context.
type dataRows struct {
	model               *NormalizingFlow
	x, context, weights mat.Dense
	total               float64 // of the weights
}

// State lists the tensors of the model.
func (o *likelihood) State() State { return o.model.State() }

// Columns returns the number of columns of a row: point, context and weight.
func (o *likelihood) Columns() int {
	n := o.model.Dim() + o.context
	if o.Weighted {
		n++
	}
	return n
}

// release lets go of the batch.
func (d *dataRows) release() { d.x, d.context, d.weights = mat.Dense{}, mat.Dense{}, mat.Dense{} }

// take makes the columns of rows those of d.
func (o *likelihood) take(d *dataRows, method string, rows mat.Matrix) (n int, err error) {
	if d, ok := rows.(*mat.Dense); rows != nil && (!ok || d != nil) {
		if n, c := rows.Dims(); n > 0 && c != o.Columns() {
			panic(fmt.Sprintf("nfkit: %s: got a %d×%d batch, want %d columns: %d of a point, %d of its context, %d of its weight",
				method, n, c, o.Columns(), o.model.Dim(), o.context, o.Columns()-o.model.Dim()-o.context))
		}
	}
	if n, err = checkRows(method, rows, o.Columns()); err != nil {
		return 0, err
	}
	batch, at := dense(rows), o.model.Dim()
	viewColumns(&d.x, batch, 0, at)
	if o.context > 0 {
		viewColumns(&d.context, batch, at, at+o.context)
		d.model.context = &d.context
	}
	d.model.checkContext("NLL", n)
	d.total = float64(n)
	if o.Weighted {
		viewColumns(&d.weights, batch, at+o.context, at+o.context+1)
		d.total = 0
		for i := range n {
			w := d.weights.At(i, 0)
			if !(w >= 0) || math.IsInf(w, 1) {
				return 0, fmt.Errorf("nfkit: %s: the weight of row %d is %v, want a finite number, 0 or more", method, i, w)
			}
			d.total += w
		}
		if d.total == 0 {
			return 0, fmt.Errorf("nfkit: %s: the weights of all %d rows are 0", method, n)
		}
	}
	return n, nil
}

// Loss returns the mean negative log-likelihood.
func (o *likelihood) Loss(rows mat.Matrix, _ rand.Source) (float64, error) {
	d := &dataRows{model: o.model.view()}
	n, err := o.take(d, "NormalizingFlow.NLL: Loss", rows)
	if err != nil {
		return math.NaN(), err
	}
	logQ := make([]float64, n)
	d.model.engine.forget()
	d.model.LogProbTo(logQ, &d.x)
	var sum float64
	for i, l := range logQ {
		if !o.Weighted {
			sum -= l
		} else if w := d.weights.At(i, 0); w > 0 { // where it is 0, the row does not count, even if its density is 0
			sum -= w * l
		}
	}
	return d.check(sum / d.total)
}

// LossGrad returns the mean negative log-likelihood and sets its gradients.
func (o *likelihood) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = &dataRows{model: o.model.view()}
	}
	defer o.of.release()
	n, err := o.take(o.of, "NormalizingFlow.NLL: LossGrad", rows)
	if err != nil {
		return math.NaN(), err
	}
	checkSource("NormalizingFlow.NLL: LossGrad", src)
	if o.model.engine.observing() { // before a layer takes something from it
		if err := o.of.badInput(math.NaN()); err != nil {
			return math.NaN(), err
		}
	}
	return o.model.engine.step(o.model.precision, n, 1/o.of.total, src, o.sum, o.of)
}

// rest lets go of what steps have in common.
func (o *likelihood) rest() { o.model.engine.rest() }

// check returns loss, with an error that says where it began if it is not finite.
func (d *dataRows) check(loss float64) (float64, error) {
	if isFinite(loss) {
		return loss, nil
	}
	if err := d.badInput(loss); err != nil {
		return loss, err
	}
	return loss, firstOrigin(loss, d.model.origins(&d.x))
}

// badInput returns an error for the first number of the batch that is not finite, nil if there is none.
func (d *dataRows) badInput(loss float64) error {
	for _, in := range []struct {
		name string
		rows *mat.Dense
	}{{"data", &d.x}, {"context", d.model.context}} {
		if in.rows == nil {
			continue
		}
		if where, row := badInput(in.name, in.rows); row >= 0 {
			return &NonFiniteError{What: "loss", Value: loss, Where: where, Row: row}
		}
	}
	return nil
}

// viewColumns makes dst a view of columns lo to hi of m, without allocating.
func viewColumns(dst, m *mat.Dense, lo, hi int) {
	raw := m.RawMatrix()
	raw.Data = raw.Data[lo : (raw.Rows-1)*raw.Stride+hi]
	raw.Cols = hi - lo
	dst.SetRawMatrix(raw)
}

// inversePath is the way of data to latent space and the density there.
func (m *NormalizingFlow) inversePath(x *mat.Dense) path {
	return func(t *ad.Tape, lo, hi int, see func(v *ad.Value, where string)) {
		z, c := t.Rows(x, lo, hi), m.contextRows(t, lo, hi)
		see(z, fmt.Sprintf("the data, which are too large for %v", m.precision))
		for k := len(m.chain.flows) - 1; k >= 0; k-- {
			var logDet *ad.Value
			z, logDet = m.chain.flows[k].Inverse(z, c)
			layer := fmt.Sprintf("flow %d (%T)", k, m.chain.flows[k])
			see(z, "the inverse of "+layer)
			see(logDet, "the log-determinant of the inverse of "+layer)
		}
		see(m.base.LogProb(z, c), fmt.Sprintf("the log-density of the base (%T)", m.base))
	}
}

// origins follows the rows of x, which are finite, from data to latent space.
func (m *NormalizingFlow) origins(x *mat.Dense) []origin {
	n, _ := x.Dims()
	m.engine.guard.RLock()
	defer m.engine.guard.RUnlock()
	return origins(m.precision, n, [2]uint64{}, m.inversePath(x))
}

// latentStep reports whether step number k of inversePath is a point, and not a log-determinant or log-density.
func (m *NormalizingFlow) latentStep(k int) bool {
	return k%2 == 1 && k < 2*len(m.chain.flows)+1 || k == 0
}

// settleOverflow replaces NaN by −Inf where it came of numbers that overflowed: of a latent point that became infinite, or inside of a layer, for a
// point so far out that its density is below the smallest positive number, as that of an infinite one is. Other NaNs stay.
func (m *NormalizingFlow) settleOverflow(logProb []float64, x *mat.Dense) {
	bad := rowsWhere(x, func(i int, row []float64) bool { return math.IsNaN(logProb[i]) && !floats.HasNaN(row) })
	if bad == nil {
		return
	}
	v, points := m.pick(x, bad)
	for i, o := range v.origins(points) {
		if o.where != "" && m.latentStep(o.step) && !o.nan {
			logProb[bad[i]] = math.Inf(-1)
		}
	}
	limit := farOut
	if m.precision == ad.Float32 {
		limit = farOut32
	}
	far := rowsWhere(x, func(i int, row []float64) bool {
		return math.IsNaN(logProb[i]) && !floats.HasNaN(row) && floats.Norm(row, math.Inf(1)) > limit
	})
	if far == nil {
		return
	}
	v, points = m.pick(x, far) // if it is NaN by its size alone, there is none nearer to the origin
	points.Apply(func(_, _ int, c float64) float64 { return max(-limit, min(limit, c)) }, points)
	v.each(len(far), func(t *ad.Tape, lo, hi int) {
		for i, l := range v.logProb(t.Rows(points, lo, hi), v.contextRows(t, lo, hi)).Data() {
			if !math.IsNaN(l) {
				logProb[far[lo+i]] = math.Inf(-1)
			}
		}
	})
}

// A component may be farOut from the origin before the sums of a network overflow whose weights are no extreme numbers themselves.
const (
	farOut   = 1e100
	farOut32 = 1e12
)

// rowsWhere returns the numbers of the rows of x for which f holds.
func rowsWhere(x *mat.Dense, f func(i int, row []float64) bool) []int {
	var found []int
	n, _ := x.Dims()
	for i := range n {
		if f(i, x.RawRowView(i)) {
			found = append(found, i)
		}
	}
	return found
}

// pick returns the rows of x with the given numbers, and the model with their context.
func (m *NormalizingFlow) pick(x *mat.Dense, index []int) (*NormalizingFlow, *mat.Dense) {
	v := m.view()
	if v.context != nil {
		if r, _ := v.context.Dims(); r > 1 {
			v.context = pick(v.context, index)
		}
	}
	return v, pick(x, index)
}

// pick returns the rows of x with the given numbers.
func pick(x *mat.Dense, index []int) *mat.Dense {
	_, c := x.Dims()
	p := mat.NewDense(len(index), c, nil)
	for i, j := range index {
		p.SetRow(i, x.RawRowView(j))
	}
	return p
}
