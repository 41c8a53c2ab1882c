package nfkit_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// A layer that stands in two places observes in the first that the batch comes to.
func TestObserveLayerInTwoPlaces(t *testing.T) {
	norm := nf.NewActNorm(2)
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{norm, nf.NewPermute(2, nf.PermuteSwap, nil), norm, nf.NewActNorm(2)})
	if _, err := m.NLL(nil).LossGrad(targets.TwoModes{}.Sample(100, rand.NewPCG(1, 2)), rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	for i, f := range m.Flows() {
		if o, ok := f.(nf.Observer); ok && o.Observing() {
			t.Errorf("flow %d still observes after the first batch", i)
		}
	}
}

// witness is a flow that counts what it is told of training steps, and keeps the mean of what it is shown.
type witness struct {
	*nf.AffineConstFlow
	prepared, observed int
	inverse            bool
	mean               float64
}

func newWitness(dim int) *witness { return &witness{AffineConstFlow: nf.NewAffineConstFlow(dim, nil)} }

func (w *witness) Prepare()        { w.prepared++ }
func (w *witness) Observing() bool { return true }

func (w *witness) State() nf.State { return w.AffineConstFlow.State().OwnedBy(w) }

func (w *witness) Forward(z, context *ad.Value) (x, logDet *ad.Value) {
	w.observe(z, false)
	return w.AffineConstFlow.Forward(z, context)
}

func (w *witness) Inverse(x, context *ad.Value) (z, logDet *ad.Value) {
	w.observe(x, true)
	return w.AffineConstFlow.Inverse(x, context)
}

func (w *witness) observe(v *ad.Value, inverse bool) {
	if v.Tape().Observing() {
		w.observed++
		w.inverse, w.mean = inverse, v.Mean().At(0, 0)
	}
}

// wrapper is a flow of a user's around another, which knows nothing of what that one needs.
type wrapper struct{ inner nf.Flow }

func (w wrapper) Dim() int                                     { return w.inner.Dim() }
func (w wrapper) Forward(z, c *ad.Value) (x, logDet *ad.Value) { return w.inner.Forward(z, c) }
func (w wrapper) Inverse(x, c *ad.Value) (z, logDet *ad.Value) { return w.inner.Inverse(x, c) }
func (w wrapper) State() nf.State                              { return w.inner.State().Under("inner") }

// However a layer is wrapped, it is prepared, sees the first batch, and gets its context.
func TestWrappedLayers(t *testing.T) {
	src := rand.NewPCG(1, 2)
	norm, seen := nf.NewActNorm(2), newWitness(2)
	given := nf.NewAffineCouplingBlock(nf.NewMLP([]int{1, 8, 2}, &nf.MLPOptions{Context: 3}, src), nil)
	twice := func(f nf.Flow) nf.Flow { return wrapper{nf.NewChain(nf.NewInvert(wrapper{nf.NewInvert(f)}))} }
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{twice(given), twice(norm), twice(seen)})
	if m.ContextDim() != 3 {
		t.Errorf("the model takes a context of %d columns, want 3", m.ContextDim())
	}
	rows := nf.JoinColumns(actNormBatch(100, 1), mat.NewDense(100, 3, nil))
	for step := range 2 {
		if _, err := m.NLL(nil).LossGrad(rows, src); err != nil {
			t.Fatal(err)
		}
		if norm.Observing() || seen.observed != step+1 || seen.prepared != step+1 {
			t.Errorf("after step %d: the ActNorm observes: %t, the other layer was shown %d batches and prepared %d times", step+1, norm.Observing(), seen.observed, seen.prepared)
		}
	}
}

// The layers of a model that is the base of another one are prepared and shown each training batch, in either
// direction.
func TestTrainingReachesTheBase(t *testing.T) {
	shift := func(by float64) nf.Flow {
		f := nf.NewAffineConstFlow(2, nil)
		for _, s := range f.State() {
			if s.Name == "t" {
				s.Param.Data[0], s.Param.Data[1] = by, by
			}
		}
		return f
	}
	inner := newWitness(2)
	base := nf.NewModelBase(nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{shift(10), inner}))
	m := nf.NewNormalizingFlow(nf.NewModelBase(nf.NewNormalizingFlow(base, []nf.Flow{shift(100)})), []nf.Flow{shift(1000)})

	if _, err := m.NLL(nil).LossGrad(mat.NewDense(100, 2, nil), rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	if inner.prepared != 1 || inner.observed != 1 || !inner.inverse || inner.mean != -1100 {
		t.Errorf("after a step of the likelihood: prepared %d times, shown %d batches, the last with mean %v and inverse %v; want 1, 1, -1100 and true",
			inner.prepared, inner.observed, inner.mean, inner.inverse)
	}
	if _, err := m.ReverseKL(targets.TwoModes{}, 1000, nil).LossGrad(nil, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	if inner.prepared != 2 || inner.observed != 2 || inner.inverse || math.Abs(inner.mean-10) > 0.2 {
		t.Errorf("after a step of the reverse KL: prepared %d times, shown %d batches, the last with mean %v and inverse %v; want 2, 2, about 10 and false",
			inner.prepared, inner.observed, inner.mean, inner.inverse)
	}
	m.LogProb(mat.NewDense(100, 2, nil))
	if inner.prepared != 2 || inner.observed != 2 {
		t.Errorf("an evaluation prepared the flow or showed it a batch")
	}
}

// A batch that a layer cannot observe stops a training that passes over what is not finite; one with a NaN does not.
func TestFitStopsAtWhatCannotBeObserved(t *testing.T) {
	fit := func(data nf.Sampler) (*nf.History, error) {
		m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewInvert(nf.NewBatchNorm(2, nil))})
		return nf.Fit(context.Background(), m.NLL(nil), data, &nf.FitOptions{Steps: 6, BatchSize: 64, SkipNonFinite: true}, rand.NewPCG(1, 2))
	}
	constant := mat.NewDense(64, 2, nil)
	for i := range 64 {
		constant.Set(i, 0, float64(i))
	}
	if _, err := fit(nf.NewRows(constant)); err == nil || !strings.Contains(err.Error(), "component 1 of the training batch is 0 in all 64 rows") {
		t.Errorf("data with a constant component: got error %v, want one that says so", err)
	}
	history, err := fit(&spoiled{})
	if err != nil || history.Skipped != 2 {
		t.Errorf("every third batch with a NaN: got error %v and %d steps skipped, want none and 2", err, history.Skipped)
	}
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewActNorm(2)})
	var fault *nf.NonFiniteError
	if _, err := m.NLL(nil).LossGrad(with(constant, 5, 1, math.Inf(1)), rand.NewPCG(1, 2)); !errors.As(err, &fault) || fault.Row != 5 {
		t.Errorf("an infinite number before an ActNorm: got error %v, want one that names row 5", err)
	}
	if !m.Flows()[0].(*nf.ActNorm).Observing() {
		t.Error("an ActNorm took its scale from a batch with an infinite number")
	}
}

// spoiled is data with a NaN in every third batch.
type spoiled struct{ batches int }

func (d *spoiled) Sample(n int, src rand.Source) *mat.Dense {
	x := targets.TwoModes{}.Sample(n, src)
	if d.batches++; d.batches%3 == 0 {
		x.Set(7, 0, math.NaN())
	}
	return x
}

// What a layer takes from the first batch, behind layers that draw random numbers, follows from the source of the call.
func TestObservedNoiseIsTheCallers(t *testing.T) {
	first := func(seed uint64) string {
		src := rand.NewPCG(1, 2)
		norm := nf.NewActNorm(2)
		coupling := nf.NewAffineCouplingBlock(nf.NewMLP([]int{1, 8, 2}, &nf.MLPOptions{Dropout: 0.5}, src), nil)
		m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{norm, coupling})
		if _, err := m.NLL(nil).LossGrad(actNormBatch(100, 1), rand.NewPCG(seed, 3)); err != nil {
			t.Fatal(err)
		}
		return nf.StateText(norm.State())
	}
	scale := first(1)
	if first(1) != scale {
		t.Error("the same seed gives another scale")
	}
	if first(2) == scale {
		t.Error("another seed gives the same scale: the layer saw no dropout, or one that is always the same")
	}
}
