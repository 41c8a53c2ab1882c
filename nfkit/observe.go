package nfkit

import (
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
	// Observe takes what it needs from the batch that Forward, or Inverse, is about to see. After an error
	// nothing has changed.
	Observe(v, context *ad.Value, inverse bool) error
}

var (
	_ Observer = (*Chain)(nil)
	_ Observer = (*Invert)(nil)
)

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

// Observe shows the batch to each flow, on its way through the chain.
func (c *Chain) Observe(v, context *ad.Value, inverse bool) error {
	for i := range c.flows {
		f := c.flows[i]
		if inverse {
			f = c.flows[len(c.flows)-1-i]
		}
		if observing(f) {
			if err := f.(Observer).Observe(v, context, inverse); err != nil {
				return err
			}
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

// observe shows x to the flows that want to see it.
func (m *NormalizingFlow) observe(x *mat.Dense, inverse bool) error {
	if !m.chain.Observing() {
		return nil
	}
	n, _ := x.Dims()
	t := ad.NewEvalTape(ad.Float64)
	return m.chain.Observe(t.Rows(x, 0, n), m.contextRows(t, 0, n), inverse)
}
