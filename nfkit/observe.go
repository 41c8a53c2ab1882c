package nfkit

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Observer is a flow or base that takes something from training batches beside its gradient: [ActNorm] its first scale
// and shift, [BatchNorm] running statistics. A training step shows it the whole batch, before the batch is cut into
// shards; an evaluation never does. What is made of other flows or bases passes it on.
type Observer interface {
	// Observing reports whether there is something left to observe.
	Observing() bool
	// Observe takes what it needs from the batch that Forward, or Inverse, is about to see; for a base, from the noise
	// of Sample, or the points of LogProb if inverse. A layer that returns an error has not changed.
	Observe(v, context *ad.Value, inverse bool) error
}

// Preparer is a flow or base that has something to do before each training step for which it needs no batch: [Residual]
// brings spectral norms up to date. What is made of other flows or bases passes it on.
type Preparer interface {
	// Prepare is called before the gradient of a training step, and never before an evaluation: once, or more often for
	// a layer that stands in several places.
	Prepare()
}

var (
	_ Observer = (*Chain)(nil)
	_ Observer = (*Invert)(nil)
	_ Observer = (*ModelBase)(nil)
	_ Preparer = (*Chain)(nil)
	_ Preparer = (*Invert)(nil)
	_ Preparer = (*ModelBase)(nil)
)

// prepare prepares a flow or base.
func prepare(f any) {
	if p, ok := f.(Preparer); ok {
		p.Prepare()
	}
}

// Prepare prepares each flow.
func (c *Chain) Prepare() {
	for _, f := range c.flows {
		prepare(f)
	}
}

// Prepare prepares the flow.
func (v *Invert) Prepare() { prepare(v.flow) }

// observing reports whether a flow or base has something left to observe.
func observing(f any) bool {
	o, ok := f.(Observer)
	return ok && o.Observing()
}

// Observing reports whether one of the flows has something left to observe.
func (c *Chain) Observing() bool {
	return slices.ContainsFunc(c.flows, func(f Flow) bool { return observing(f) })
}

// Observe shows the batch to each flow, on its way through the chain as far as the last one that observes.
func (c *Chain) Observe(v, context *ad.Value, inverse bool) error {
	order := slices.Clone(c.flows)
	if inverse {
		slices.Reverse(order)
	}
	last := -1
	for i, f := range order {
		if observing(f) {
			last = i
		}
	}
	for i, f := range order[:last+1] {
		if observing(f) { // a layer that is there twice may be done
			if err := f.(Observer).Observe(v, context, inverse); err != nil {
				return err
			}
		}
		switch {
		case i == last:
		case inverse:
			v, _ = f.Inverse(v, context)
		default:
			v, _ = f.Forward(v, context)
		}
	}
	return nil
}

// Observing reports whether the flow has something left to observe.
func (v *Invert) Observing() bool { return observing(v.flow) }

// Observe shows the flow the batch, in the other direction.
func (v *Invert) Observe(x, context *ad.Value, inverse bool) error {
	return v.flow.(Observer).Observe(x, context, !inverse)
}

// Prepare prepares the layers of the model.
func (b *ModelBase) Prepare() { b.model.prepare() }

// Observing reports whether one of the layers of the model has something left to observe.
func (b *ModelBase) Observing() bool { return b.model.observing() }

// Observe shows the batch to the layers of the model.
func (b *ModelBase) Observe(v, context *ad.Value, inverse bool) error {
	return b.model.observe(v, context, inverse)
}

func (m *NormalizingFlow) prepare() {
	prepare(m.base)
	m.chain.Prepare()
}

func (m *NormalizingFlow) observing() bool { return observing(m.base) || m.chain.Observing() }

// observe shows a batch to base and flows: points, on their way to latent space, if inverse; else noise, on its way to
// points.
func (m *NormalizingFlow) observe(v, context *ad.Value, inverse bool) error {
	if inverse {
		if err := m.chain.Observe(v, context, true); err != nil || !observing(m.base) {
			return err
		}
		z, _ := m.chain.Inverse(v, context)
		return m.base.(Observer).Observe(z, context, true)
	}
	if observing(m.base) {
		if err := m.base.(Observer).Observe(v, context, false); err != nil {
			return err
		}
	}
	z, _ := m.base.Sample(v, context)
	return m.chain.Observe(z, context, false)
}

// beginStep begins a training step on a batch, points if inverse, else noise: it prepares base and flows, and shows the
// batch to those that want to see it.
func (m *NormalizingFlow) beginStep(batch *mat.Dense, inverse bool) error {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	m.prepare()
	if !m.observing() {
		return nil
	}
	if where, row := badInput("data", batch); row >= 0 {
		return &NonFiniteError{What: "loss", Value: math.NaN(), Where: where, Row: row}
	}
	if m.engine.observer == nil {
		m.engine.observer = ad.NewEvalTape(ad.Float64)
	}
	t := m.engine.observer
	t.Reset()
	t.SetTraining(true) // each layer is shown what it will get in the training step
	n, _ := batch.Dims()
	t.Seed([2]uint64{m.engine.steps[m.precision] + 1, 0}, 0, n)
	return m.observe(t.Rows(batch, 0, n), m.contextRows(t, 0, n), inverse)
}

// columnMoments returns mean and (n−1) variance of each column of a training batch that a layer observes. It returns an
// error for fewer than two rows and for a column that is constant, and a [*NonFiniteError] for one that is not finite.
func columnMoments(layer string, v *ad.Value) (mean, variance []float64, err error) {
	n, d := v.Dims()
	if n < 2 {
		return nil, nil, fmt.Errorf("nfkit: %s: the training batch has %d row; the layer takes standard deviations from it and needs at least 2", layer, n)
	}
	data := v.Data()
	mean, variance = make([]float64, d), make([]float64, d)
	constant := slices.Repeat([]bool{true}, d)
	for k, x := range data {
		mean[k%d] += x / float64(n)
		constant[k%d] = constant[k%d] && x == data[k%d]
	}
	for k, x := range data {
		variance[k%d] += (x - mean[k%d]) * (x - mean[k%d]) / float64(n-1)
	}
	for j := range d {
		if constant[j] {
			return nil, nil, fmt.Errorf("nfkit: %s: component %d of the training batch is %v in all %d rows; a constant component has no density", layer, j, data[j], n)
		}
		if !isFinite(mean[j]) || !isFinite(variance[j]) {
			return nil, nil, &NonFiniteError{What: "training batch", Row: -1,
				Where: fmt.Sprintf("what %s observes, component %d, with mean %v and variance %v", layer, j, mean[j], variance[j])}
		}
	}
	return mean, variance, nil
}
