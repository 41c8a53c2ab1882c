package nfkit

import (
	"fmt"
	"math"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// BatchNormOptions are the options of [NewBatchNorm].
type BatchNormOptions struct {
	Epsilon  float64 // added to variances; 0 means 10⁻¹⁰, as in the reference
	Momentum float64 // weight of a new batch in the running statistics; 0 means 0.1
}

// BatchNorm standardises each component:
//
//	x = (z − μ)/√(v + ε),  ln|det J| = −½ Σ ln(v + ε).
//
// In training, Forward takes mean μ and (n−1) variance v from the rows on its tape, and gradients flow through them.
// These are the rows of one shard, see [ad.Shards], and not the whole batch: the ghost batches of Hoffer et al. 2017,
// arXiv:1705.08741. So x depends on the other rows, and a loss is not quite that of a density. A rest of fewer than 6
// rows, whose variances are too rough, is treated as in evaluation.
//
// In evaluation, and in Inverse always, μ and v are running statistics: a fixed map, with a density. They start as 0
// and 1, follow the whole batches that Forward is trained on, as μ ← (1−m)·μ + m·mean with the momentum m, and are
// plain averages over the first 1/m batches. Keeping them costs another pass, on one core, through the layers before
// this one.
//
// To train on data, where Inverse is what sees the batch, use NewInvert(NewBatchNorm(d, nil)). Cost O(nd).
// Ioffe & Szegedy 2015, arXiv:1502.03167; Dinh et al. 2017, arXiv:1605.08803, section 3.7. Its twin in normflows is
// BatchNorm, which has no running statistics and no inverse; they have the names of torch.nn.BatchNorm1d.
type BatchNorm struct {
	momentum       float64
	epsilon        []float64 // one number
	mean, variance []float64
	batches        []int // one number: those that were observed
}

var (
	_ Flow     = (*BatchNorm)(nil)
	_ Observer = (*BatchNorm)(nil)
)

// batchNormRows is the least number of normal rows whose inverse variance, a factor of gradients, has itself a finite
// variance.
const batchNormRows = 6

// NewBatchNorm returns the flow for dim components. A nil opts means the defaults. It panics when dim is not positive,
// Epsilon negative or not finite, or Momentum not between 0 and 1.
func NewBatchNorm(dim int, opts *BatchNormOptions) *BatchNorm {
	o := BatchNormOptions{Epsilon: 1e-10, Momentum: 0.1}
	if opts != nil && opts.Epsilon != 0 {
		o.Epsilon = opts.Epsilon
	}
	if opts != nil && opts.Momentum != 0 {
		o.Momentum = opts.Momentum
	}
	if dim < 1 {
		panic(fmt.Sprintf("nfkit: NewBatchNorm: got dimension %d, want 1 or more", dim))
	}
	if !(o.Epsilon > 0 && isFinite(o.Epsilon) && o.Momentum > 0 && o.Momentum <= 1) {
		panic(fmt.Sprintf("nfkit: NewBatchNorm: got epsilon %v and momentum %v, want a positive number and one above 0 and up to 1", o.Epsilon, o.Momentum))
	}
	b := &BatchNorm{momentum: o.Momentum, epsilon: []float64{o.Epsilon}, mean: make([]float64, dim), variance: make([]float64, dim), batches: []int{0}}
	for j := range b.variance {
		b.variance[j] = 1
	}
	return b
}

// Dim returns the number of components.
func (b *BatchNorm) Dim() int { return len(b.mean) }

// running returns the running mean and v + ε, both 1×d.
func (b *BatchNorm) running(t *ad.Tape) (mean, variance *ad.Value) {
	return t.Const(1, b.Dim(), b.mean), t.Const(1, b.Dim(), b.variance).Shift(b.epsilon[0])
}

// Forward returns x = (z − μ)/√(v + ε), with the statistics of z in training.
func (b *BatchNorm) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("BatchNorm.Forward", z, b.Dim())
	if z.Tape().Observing() {
		b = b.observe(z)
	}
	n := z.Rows()
	mean, variance := b.running(z.Tape())
	if z.Tape().Training() && n >= batchNormRows {
		mean = z.ColSum().Scale(1 / float64(n))
		variance = z.Sub(mean).Square().ColSum().Scale(1 / float64(n-1)).Shift(b.epsilon[0])
	}
	return z.Sub(mean).Div(variance.Sqrt()), variance.Log().RowSum().Scale(-0.5).Repeat(n)
}

// Inverse returns z = x·√(v + ε) + μ, with running statistics.
func (b *BatchNorm) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("BatchNorm.Inverse", x, b.Dim())
	mean, variance := b.running(x.Tape())
	return x.Mul(variance.Sqrt()).Add(mean), variance.Log().RowSum().Scale(0.5).Repeat(x.Rows())
}

// Observing reports that running statistics follow every batch.
func (b *BatchNorm) Observing() bool { return true }

// observe returns the layer with its running statistics updated by those of a whole batch. It fails for fewer than two rows, and for a component
// that is constant or not finite.
func (b *BatchNorm) observe(v *ad.Value) *BatchNorm {
	now, ok := v.Tape().Observed(b).(*BatchNorm) // it stands in two places
	if !ok {
		now = b
	}
	mean, variance, err := columnMoments("BatchNorm", v)
	if err != nil {
		v.Tape().Fail(err)
		return now
	}
	next := *now
	next.mean, next.variance, next.batches = slices.Clone(now.mean), slices.Clone(now.variance), []int{now.batches[0] + 1}
	weight := math.Max(b.momentum, 1/float64(next.batches[0]))
	for j := range mean {
		next.mean[j] += weight * (mean[j] - now.mean[j])
		next.variance[j] += weight * (variance[j] - now.variance[j])
	}
	v.Tape().Observe(b, &next, func() {
		copy(b.mean, next.mean)
		copy(b.variance, next.variance)
		b.batches[0] = next.batches[0]
	})
	return &next
}

// State lists eps, running_mean, running_var, and num_batches_tracked, the number of batches observed.
func (b *BatchNorm) State() State {
	d := b.Dim()
	check := func(t Tensor) error { return checkPositive(t.Floats) }
	return State{
		{Name: "eps", Floats: b.epsilon, Check: check},
		{Name: "running_mean", Shape: []int{d}, Floats: b.mean},
		{Name: "running_var", Shape: []int{d}, Floats: b.variance, Check: check},
		{Name: "num_batches_tracked", Ints: b.batches, Check: func(t Tensor) error { return atLeast0(t.Ints[0]) }},
	}.OwnedBy(b)
}
