package inference

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// EstimatorOptions are the options of [NewNPE] and [NewNLE].
type EstimatorOptions struct {
	Members int     // flows whose densities are averaged; 0 means 5
	NewFlow NewFlow // nil means [Spline]
}

// NewFlow makes the flow of one member, as it is before training, for dim components, roughly of mean 0 and covariance 1, and a context of the given number
// of columns.
type NewFlow func(dim, context int, src rand.Source) *nf.NormalizingFlow

// Spline is the [NewFlow] of estimators that are not told another: five couplings with rational-quadratic splines and networks of 64 hidden units, as
// [nf.NewNSF] has them, or an autoregressive layer of one component.
func Spline(dim, context int, src rand.Source) *nf.NormalizingFlow {
	o := nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 5, Hidden: 64, Context: context}, Coupling: dim > 1}
	if dim == 1 {
		o.Layers = 1
	}
	return nf.NewNSF(dim, &o, src)
}

// FitOptions are the options of [NPE.Fit] and [NLE.Fit].
//
// Each member takes batches of a twentieth of its rows, 32 to 256, with [nf.Cosine] from 2e-3, gradients of at most norm 5, and a small weight decay, until
// the likelihood of the rows that it leaves out has not been better for 15 validations.
type FitOptions struct {
	Steps    int           // at most, for each member; 0 means 100 passes over the rows, and no more than 3000
	Progress func(nf.Step) // called after each step of any member, and once more in the end: nf.ProgressLine; nil means nothing
}

// estimator is a density of y ∈ Rᵈ given c ∈ Rᵐ: the mean of the densities of its members, each of which has the features of c as its context and
// models what a linear regression on them leaves of y.
type estimator struct {
	features   *features
	regression *regression
	members    []*nf.NormalizingFlow
}

func newEstimator(caller string, dim, given int, opts *EstimatorOptions, src rand.Source) *estimator {
	var o EstimatorOptions
	if opts != nil {
		o = *opts
	}
	if o.Members < 0 {
		panic(fmt.Sprintf("inference: %s: got %d members, want 1 or more, or 0 for the default", caller, o.Members))
	}
	if o.Members == 0 {
		o.Members = 5
	}
	if o.NewFlow == nil {
		o.NewFlow = Spline
	}
	e := &estimator{features: newFeatures(given)}
	c := e.features.columns()
	e.regression = newRegression(dim, c)
	for range o.Members {
		flow := o.NewFlow(dim, c, src)
		if flow == nil || flow.Dim() != dim || flow.ContextDim() != c {
			got := "nil"
			if flow != nil {
				got = fmt.Sprintf("one of %d components and a context of %d columns", flow.Dim(), flow.ContextDim())
			}
			panic(fmt.Sprintf("inference: %s: NewFlow made the flow %s, want one of %d components and a context of %d columns", caller, got, dim, c))
		}
		e.members = append(e.members, flow)
	}
	return e
}

// dim and given return the numbers of columns of y and c.
func (e *estimator) dim() int   { return e.regression.dim }
func (e *estimator) given() int { return len(e.features.mean) }

// State lists features, regression and members.
func (e *estimator) State() nf.State {
	s := append(e.features.State().Under("features"), e.regression.State().Under("regression")...)
	for k, m := range e.members {
		s = append(s, m.State().Under(fmt.Sprintf("members.%d", k))...)
	}
	return s
}

// fit trains on rows of y and c. Of ten parts of the rows, or as many as there are members, each member leaves another one out to stop by.
func (e *estimator) fit(ctx context.Context, y, c *mat.Dense, opts *FitOptions, src rand.Source) ([]*nf.History, error) {
	var o FitOptions
	if opts != nil {
		o = *opts
	}
	if ctx == nil || src == nil || o.Steps < 0 {
		panic(fmt.Sprintf("inference: Fit: got a nil context: %t, a nil source: %t and %d steps, want none nil, and steps not negative", ctx == nil, src == nil, o.Steps))
	}
	e.features.fit(c)
	f := e.features.of(c)
	e.regression.fit(y, f)
	residuals := mat.DenseCopyOf(y)
	e.regression.remove(residuals, f)
	r := rand.New(src)
	n, _ := y.Dims()
	k := len(e.members)
	rows := permuted(nf.JoinColumns(residuals, f), r.Perm(n))
	var sources []rand.Source
	for range k {
		sources = append(sources, rand.NewPCG(r.Uint64(), r.Uint64()))
	}
	histories, failed := make([]*nf.History, k), make([]error, k)
	report := &progress{report: o.Progress, members: k}
	team.Do(runtime.GOMAXPROCS(0), k, func(_, i int) {
		parts := max(k, 10)
		lo := i * n / parts
		train, held := without(rows, lo, max((i+1)*n/parts, lo+1))
		histories[i], failed[i] = fitMember(ctx, e.members[i].WithPrecision(ad.Float32), train, held, o.Steps, report.of(i), sources[i])
	})
	report.finish()
	return histories, errors.Join(failed...)
}

// permuted returns the rows of x in the given order.
func permuted(x *mat.Dense, order []int) *mat.Dense {
	n, c := x.Dims()
	y := mat.NewDense(n, c, nil)
	for i, k := range order {
		y.SetRow(i, x.RawRowView(k))
	}
	return y
}

// without returns the rows of x but for lo to hi, and these.
func without(x *mat.Dense, lo, hi int) (rest, part *mat.Dense) {
	n, c := x.Dims()
	rest = mat.NewDense(n-(hi-lo), c, nil)
	for i := range n {
		switch {
		case i < lo:
			rest.SetRow(i, x.RawRowView(i))
		case i >= hi:
			rest.SetRow(i-(hi-lo), x.RawRowView(i))
		}
	}
	return rest, x.Slice(lo, hi, 0, c).(*mat.Dense)
}

// fitMember trains one flow.
func fitMember(ctx context.Context, m *nf.NormalizingFlow, train, held *mat.Dense, steps int, report func(nf.Step), src rand.Source) (*nf.History, error) {
	const (
		epochs, most          = 100, 3000
		smallest, largest     = 32, 256
		batches, validations  = 20, 100
		rate, decay, patience = 2e-3, 1e-5, 15
	)
	n, _ := train.Dims()
	batch := min(max(n/batches, smallest), largest)
	perEpoch := (n + batch - 1) / batch
	if steps == 0 {
		steps = min(epochs*perEpoch, most)
	}
	return nf.Fit(ctx, m.NLL(nil), nf.NewRows(train), &nf.FitOptions{
		Steps: steps, BatchSize: batch, MaxGradNorm: 5,
		Adam:       nf.NewAdam(m.Params(), &nf.AdamOptions{WeightDecay: decay}),
		Schedule:   nf.Cosine(rate, steps/50, steps),
		Validation: held, ValidateEvery: max(perEpoch, steps/validations), Patience: patience,
		Progress: report,
	}, src)
}

// logProb returns ln q(y | c) of each row of y, n×d, for the rows of c, n×m or 1×m.
func (e *estimator) logProb(y, c *mat.Dense) []float64 {
	n, d := y.Dims()
	if n == 0 {
		return nil
	}
	f := e.features.of(c)
	residuals := mat.NewDense(n, d, nil)
	residuals.Copy(y)
	logDet := e.regression.remove(residuals, f)
	logs := make([][]float64, len(e.members))
	for k, m := range e.members {
		logs[k] = m.Given(f).LogProb(residuals)
	}
	mean, each := make([]float64, n), make([]float64, len(logs))
	for i := range mean {
		for k := range logs {
			each[k] = logs[k][i]
		}
		mean[i] = logMeanExp(each) + logDet
	}
	return mean
}

// logMeanExp returns ln (1/n)Σ exp lᵢ, also where all are −Inf or one is NaN.
func logMeanExp(l []float64) float64 {
	if floats.HasNaN(l) {
		return math.NaN()
	}
	if top := floats.Max(l); math.IsInf(top, 0) {
		return top
	}
	return floats.LogSumExp(l) - math.Log(float64(len(l)))
}

// sample returns n draws of y given the single row of c, in an order of no meaning: as many of each member as of the others, but for chance.
func (e *estimator) sample(n int, c *mat.Dense, src rand.Source) *mat.Dense {
	f := e.features.of(c)
	k := len(e.members)
	r := rand.New(src)
	order := r.Perm(n)
	y := mat.NewDense(n, e.dim(), nil)
	for i, m := range e.members {
		lo, hi := i*n/k, (i+1)*n/k
		if lo == hi {
			continue
		}
		x := m.Given(f).Sample(hi-lo, src)
		for j := lo; j < hi; j++ {
			y.SetRow(order[j], x.RawRowView(j-lo))
		}
	}
	e.regression.add(y, f)
	return y
}

// progress makes one run of those of all members.
type progress struct {
	report  func(nf.Step)
	members int
	mu      sync.Mutex
	step    nf.Step
}

// of returns what [nf.FitOptions].Progress of a member is.
func (p *progress) of(member int) func(nf.Step) {
	if p.report == nil {
		return nil
	}
	return func(s nf.Step) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s.Done {
			return
		}
		p.step.Number++
		p.step.Of, p.step.Loss, p.step.Validation = s.Of*p.members, s.Loss, s.Validation
		p.report(p.step)
	}
}

func (p *progress) finish() {
	if p.report != nil && p.step.Number > 0 {
		p.step.Done = true
		p.report(p.step)
	}
}
