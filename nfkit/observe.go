package nfkit

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Observer is a flow that takes something from training batches beside its gradient: [ActNorm] its first scale
// and shift, [BatchNorm] running statistics. A training step shows it the whole batch, before the batch is cut into
// shards; an evaluation never does.
type Observer interface {
	Flow
	// Observing reports whether there is something left to observe.
	Observing() bool
	// Observe takes what it needs from the batch that Forward, or Inverse, is about to see. A layer that returns an
	// error has not changed.
	Observe(v, context *ad.Value, inverse bool) error
}

// Preparer is a flow that has something to do before each training step for which it needs no batch: [Residual] brings
// spectral norms up to date. A flow that is made of others passes it on.
type Preparer interface {
	Flow
	// Prepare is called once before the gradient of a training step, and never before an evaluation.
	Prepare()
}

var (
	_ Observer = (*Chain)(nil)
	_ Observer = (*Invert)(nil)
	_ Preparer = (*Chain)(nil)
	_ Preparer = (*Invert)(nil)
)

func prepare(f Flow) {
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

func observing(f Flow) bool {
	o, ok := f.(Observer)
	return ok && o.Observing()
}

// Observing reports whether one of the flows has something left to observe.
func (c *Chain) Observing() bool {
	for _, f := range c.flows {
		if observing(f) {
			return true
		}
	}
	return false
}

// Observe shows the batch to each flow, on its way through the chain as far as the last one that observes.
func (c *Chain) Observe(v, context *ad.Value, inverse bool) error {
	left := 0
	for _, f := range c.flows {
		if observing(f) {
			left++
		}
	}
	for i := 0; left > 0; i++ {
		f := c.flows[i]
		if inverse {
			f = c.flows[len(c.flows)-1-i]
		}
		if observing(f) {
			if err := f.(Observer).Observe(v, context, inverse); err != nil {
				return err
			}
			left--
		}
		if left == 0 {
			break
		}
		if inverse {
			v, _ = f.Inverse(v, context)
		} else {
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

// observing prepares the flows for a training step and reports whether some want to see its batch.
func (m *NormalizingFlow) observing() bool {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	m.chain.Prepare()
	return m.chain.Observing()
}

// observe begins a training step on x: it prepares the flows, and shows x to those that want to see it.
func (m *NormalizingFlow) observe(x *mat.Dense, inverse bool) error {
	if !m.observing() {
		return nil
	}
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	if m.engine.observer == nil {
		m.engine.observer = ad.NewEvalTape(ad.Float64)
	}
	t := m.engine.observer
	t.Reset()
	t.SetTraining(true) // each layer is shown what it will get in the training step
	n, _ := x.Dims()
	return m.chain.Observe(t.Rows(x, 0, n), m.contextRows(t, 0, n), inverse)
}

// columnMoments returns mean and (n−1) variance of each column of a training batch that a layer observes. It returns an error
// for fewer than two rows, and for a column that is constant or not finite.
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
			return nil, nil, fmt.Errorf("nfkit: %s: component %d of the training batch has mean %v and variance %v; remove what is not finite", layer, j, mean[j], variance[j])
		}
	}
	return mean, variance, nil
}
