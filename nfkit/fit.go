package nfkit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// FitOptions are the options of [Fit].
type FitOptions struct {
	Steps     int // steps that Adam is to have taken in the end; 0 means what Epochs says, or 1000 if it has taken none yet
	Epochs    int // passes over the data, which must have a number of rows, a Len() int as [Rows] and grids.Dequantized do; instead of Steps
	BatchSize int // rows of a step, at most all of [Rows]; 0 means 512. For an objective that takes data

	Adam          *Adam                  // the optimiser; nil means one with its defaults
	Schedule      func(step int) float64 // learning rate by the number of steps that Adam has taken, as [Cosine] makes it; nil leaves it alone
	MaxGradNorm   float64                // longer gradients are scaled to this norm, see [ClipGradNorm]; 0 means no limit
	Average       float64                // decay of an exponential moving average of the parameters, as 0.999, which is validated and kept in their place; 0 means none
	SkipNonFinite bool                   // pass over steps whose loss or gradient is not finite, instead of stopping

	Validation    mat.Matrix // rows to judge by, like those of the data; nil means none
	ValidateEvery int        // steps from one validation to the next; 0 means 100
	Patience      int        // stop after as many validations in a row without a new best; 0 means never

	OnStep   func(Step) error // called after each step; an error ends the run, ErrStop without being one
	Progress func(Step)       // called after each step, and once more in the end: [ProgressLine], or nfplot.FitProgress in a notebook; nil means nothing
}

// Step is what [FitOptions].OnStep and Progress are told. The model is as the step left it.
type Step struct {
	Number     int      // of the step: how many Adam has taken
	Of         int      // the number of the last step of the whole run
	Loss       float64  // of the step's batch, before the step
	Validation float64  // loss of the validation after this step; NaN if there was none
	Done       bool     // the run has ended, with this step as its last; Validation is that of the parameters kept
	Remarks    []string // those of the History, when the run has ended
}

// ErrStop is returned by [FitOptions].OnStep to end the run without an error, and the cause of a context that ends it so: see [UntilInterrupt].
var ErrStop = errors.New("stop training")

// History is the record of a run of [Fit].
type History struct {
	Loss            []float64 // of each step's batch; not finite for a step that was skipped
	Validation      []float64 // losses of the validations
	ValidationSteps []float64 // and the steps after which they were computed, to plot them over; the first is before all of this run
	Best            int       // the step whose parameters the model has now
	Skipped         int       // steps that changed nothing because their loss or gradient was not finite
	Stopped         string    // why the run ended before its last step; empty if it did not
	Remarks         []string  // what is unusual about the data of a likelihood, see [Fit]
}

// Fit trains what an objective depends on: in each step it draws a batch, computes the loss and its gradient, and takes a step of [Adam]. A nil
// opts means the defaults.
//
//	history, err := nf.Fit(nf.UntilInterrupt(), model.NLL(nil), data, &nf.FitOptions{Steps: 2000, Progress: nf.ProgressLine(os.Stdout)}, rand.NewPCG(1, 2))
//
// Rows of the data have the columns that the objective wants. For one that takes no data, as [NormalizingFlow.ReverseKL], data is nil.
//
// With a validation, the model has in the end the parameters and buffers with which its loss was lowest: never higher than at the start. That
// is the loss of the rows in Validation; an objective without data is validated when ValidateEvery or Patience are set. It is
// evaluated before the first step, at the intervals asked for, and after the last; randomness in it is the same each time and in all
// runs, so that they can be compared.
//
// The run ends early, with the history so far and the parameters so far (the best ones with a validation), when
//   - Patience is exhausted, OnStep returns [ErrStop], or ctx is cancelled with ErrStop as its cause: without an error, and History says why,
//   - OnStep returns another error, which Fit returns,
//   - ctx is cancelled otherwise: the error wraps that of ctx and its cause,
//   - a loss or gradient is not finite: the error wraps a [*NonFiniteError], which says where it began. Adam took no
//     step,
//   - the data give fewer rows than asked for, or a batch cannot be observed by a layer: see [ActNorm] and [BatchNorm].
//
// A number that is not finite in [Rows] or in the validation rows is an error before the first step. It is an error as well when nothing was
// learned: when
//   - with SkipNonFinite, all steps were passed over, or no validation after the first was finite,
//   - the loss has grown from l to more than l + 100(1 + |l|), and no validation was better than the first: that of the validation, else that of
//     an evaluation before and after a run without data, else the lowest loss of the first ten steps and the median of the last ten,
//   - a [NormalizingFlow.NLL] ends more than 100 nats for each column above the best model of independent normal distributions with the means
//     and variances of the rows, as for data of a large scale; the loss is the lowest of the validations, or that median.
//
// A run that is stopped on purpose, by OnStep or ctx, may end in the last two ways.
//
// Before the first step, [History].Remarks says which columns of the data of a [NormalizingFlow.NLL] are constant, which have a mean or standard
// deviation far from 0 and 1 after the [NewStandardization] of the model, and of which a tenth or more lies outside of the interval of the
// first splines that they come to.
//
// With Average, validations are those of the averaged parameters, and they are what the model has in the end; steps are taken from, and losses of steps
// are those of, the parameters themselves, which the end of the run discards. A run that goes on begins its average anew. Averages even out the noise of
// a constant learning rate, by which they gain as much as a schedule that brings it to 0, or more; with such a schedule they gain nothing.
//
// Steps counts those of Adam: to go on with a run, give it the Adam that has taken the steps so far, as a [Checkpoint] keeps it, and the same
// options. A run whose steps are all done already changes nothing. An Adam that has taken steps wants Steps or Epochs to be said.
//
// The same arguments give the same bytes, for any GOMAXPROCS, in one build (see the conventions of this package). Fit panics when options are out of range, or rows have
// another number of columns than the objective wants.
func Fit(ctx context.Context, objective Objective, data Sampler, opts *FitOptions, src rand.Source) (*History, error) {
	f := newFit(ctx, objective, data, opts, src)
	if err := f.checkData(); err != nil {
		return f.history, err
	}
	err := f.run(ctx)
	if e := f.finish(); err == nil {
		err = e
	}
	if r, ok := objective.(interface{ rest() }); ok {
		r.rest()
	}
	return f.history, err
}

// fit is a run.
type fit struct {
	FitOptions
	objective Objective
	data      Sampler
	src       rand.Source
	columns   int // of a row
	validates bool
	guard     *ad.Guard
	average   *average // or nil

	history  *History
	first    int      // steps done before this run
	step     int      // steps done
	last     Step     // what was told of it
	at       int      // steps done when the validation was last evaluated; −1 if it was not
	lowest   float64  // validation loss
	best     snapshot // of the state then
	patience int      // validations since then

	start float64    // loss of an objective without data before the first step
	batch mat.Matrix // the first one
	rows  *mat.Dense // of the others
	asked bool       // the run was stopped on purpose
}

func newFit(ctx context.Context, objective Objective, data Sampler, opts *FitOptions, src rand.Source) *fit {
	for _, a := range []struct {
		name    string
		missing bool
	}{
		{"context; want one as nf.UntilInterrupt() or context.Background()", ctx == nil},
		{"objective; want one as model.NLL(nil)", objective == nil},
		{"source of random numbers; want one as rand.NewPCG(1, 2)", src == nil},
	} {
		if a.missing {
			panic("nfkit: Fit: got a nil " + a.name)
		}
	}
	f := &fit{objective: objective, data: data, src: src, history: &History{}, at: -1, lowest: math.Inf(1), columns: objective.Columns()}
	if opts != nil {
		f.FitOptions = *opts
	}
	o := &f.FitOptions
	if min(o.Steps, o.Epochs, o.BatchSize, o.ValidateEvery, o.Patience) < 0 || !(o.MaxGradNorm >= 0) {
		panic(fmt.Sprintf("nfkit: Fit: got %d steps, %d epochs, batches of %d, a validation every %d steps, patience %d, maximal norm %v, want none negative",
			o.Steps, o.Epochs, o.BatchSize, o.ValidateEvery, o.Patience, o.MaxGradNorm))
	}
	f.checkArguments()
	o.BatchSize = orDefault(o.BatchSize, 512)
	if rows, ok := data.(*Rows); ok {
		o.BatchSize = min(o.BatchSize, rows.Len())
	}
	if o.Epochs > 0 {
		rows, ok := data.(interface{ Len() int })
		if !ok || o.Steps > 0 {
			panic(fmt.Sprintf("nfkit: Fit: got %d epochs with %d steps and data of type %T, want epochs of data that have a Len, or steps", o.Epochs, o.Steps, data))
		}
		o.Steps = (o.Epochs*rows.Len() + o.BatchSize - 1) / o.BatchSize
	}
	if o.Steps == 0 && o.Adam != nil && o.Adam.Steps() > 0 {
		panic(fmt.Sprintf("nfkit: Fit: got no Steps and an Adam that has taken %d; say how many it is to have taken in the end", o.Adam.Steps()))
	}
	o.Steps = orDefault(o.Steps, 1000)
	o.ValidateEvery = orDefault(o.ValidateEvery, 100)
	state := objective.State()
	params := state.Params()
	if o.Adam == nil {
		o.Adam = NewAdam(params, nil)
	}
	for _, p := range o.Adam.params {
		if !slices.Contains(params, p) {
			panic("nfkit: Fit: got an Adam with parameters that the objective does not have")
		}
	}
	f.guard = ad.NewGuard(params)
	f.average = newAverage(f.Adam.params, o.Average)
	f.first, f.step = o.Adam.Steps(), o.Adam.Steps()
	if f.validates {
		f.best = newSnapshot(state)
	}
	f.history.Loss = make([]float64, 0, min(max(o.Steps-f.first, 0), 1<<16))
	return f
}

// checkArguments panics when the options do not fit the objective, and decides whether there are validations.
func (f *fit) checkArguments() {
	o := &f.FitOptions
	if f.columns == 0 {
		if f.data != nil || o.Validation != nil || o.BatchSize > 0 || o.Epochs > 0 {
			panic(fmt.Sprintf("nfkit: Fit: got data of type %T, a validation set: %t, batches of %d and %d epochs, but the objective takes no data", f.data, o.Validation != nil, o.BatchSize, o.Epochs))
		}
		f.validates = o.ValidateEvery > 0 || o.Patience > 0
		return
	}
	if f.data == nil {
		panic(fmt.Sprintf("nfkit: Fit: got nil data, want rows of %d columns: nf.NewRows of a matrix, or another Sampler", f.columns))
	}
	if o.Validation == nil && (o.Patience > 0 || o.ValidateEvery > 0) {
		panic(fmt.Sprintf("nfkit: Fit: got patience %d and a validation every %d steps, but no validation set", o.Patience, o.ValidateEvery))
	}
	if o.Validation != nil {
		f.validates = true
		if n, c := o.Validation.Dims(); n == 0 || c != f.columns {
			panic(fmt.Sprintf("nfkit: Fit: got a %d×%d validation set, want rows of %d columns", n, c, f.columns))
		}
	}
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (f *fit) run(ctx context.Context) error {
	if f.step >= f.Steps {
		return nil
	}
	if _, err := f.validate(); err != nil {
		return err
	}
	if f.columns == 0 && !f.validates {
		f.start = f.evaluated()
	}
	for f.step < f.Steps {
		if err := ctx.Err(); err != nil {
			return f.cancelled(ctx, err)
		}
		loss, err := f.train()
		f.history.Loss = append(f.history.Loss, loss)
		if err != nil {
			if !f.passOver(err) {
				return fmt.Errorf("nfkit: Fit: step %d: %w", f.step+1, err)
			}
			f.history.Skipped++
		}
		f.step++
		validation := math.NaN()
		if (f.step-f.first)%f.ValidateEvery == 0 || f.step == f.Steps {
			if validation, err = f.validate(); err != nil {
				return err
			}
		}
		f.last = Step{Number: f.step, Of: f.Steps, Loss: loss, Validation: validation}
		if f.Progress != nil {
			f.Progress(f.last)
		}
		if f.OnStep != nil {
			err := f.OnStep(f.last)
			if errors.Is(err, ErrStop) {
				f.asked = true
				f.history.Stopped = fmt.Sprintf("stopped by OnStep after step %d of %d", f.step, f.Steps)
				return nil
			}
			if err != nil {
				return err
			}
		}
		if f.Patience > 0 && f.patience >= f.Patience {
			f.history.Stopped = fmt.Sprintf("stopped after step %d of %d: no better validation loss for %d validations", f.step, f.Steps, f.patience)
			return nil
		}
	}
	return nil
}

// cancelled says why the context ended the run.
func (f *fit) cancelled(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrStop) {
		f.asked = true
		f.history.Stopped = fmt.Sprintf("stopped after step %d of %d", f.step, f.Steps)
		if cause != ErrStop {
			f.history.Stopped += ": " + cause.Error()
		}
		return nil
	}
	if cause != err {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return fmt.Errorf("nfkit: Fit: ended after step %d of %d: %w", f.step, f.Steps, err)
}

// passOver reports whether err is no reason to stop.
func (f *fit) passOver(err error) bool {
	var fault *NonFiniteError
	return f.SkipNonFinite && errors.As(err, &fault)
}

// sample draws a batch. Those of a data set are in one place, for objectives that keep none, but the first, which is looked at later.
func (f *fit) sample() *mat.Dense {
	r, ok := f.data.(*Rows)
	switch f.objective.(type) {
	case *likelihood, *RowObjective:
	default:
		ok = false
	}
	if !ok || f.batch == nil {
		return f.data.Sample(f.BatchSize, f.src)
	}
	if f.rows == nil {
		_, c := r.x.Dims()
		f.rows = mat.NewDense(f.BatchSize, c, nil)
	}
	r.sampleTo(f.rows, f.src)
	return f.rows
}

// train takes one step, and returns the loss before it.
func (f *fit) train() (float64, error) {
	var batch mat.Matrix
	if f.data != nil {
		rows := f.sample()
		if rows == nil {
			return math.NaN(), fmt.Errorf("the data (%T) gave no rows, want %d", f.data, f.BatchSize)
		}
		if n, _ := rows.Dims(); n != f.BatchSize {
			return math.NaN(), fmt.Errorf("the data (%T) gave %d rows, want %d", f.data, n, f.BatchSize)
		}
		batch = rows
		if f.batch == nil {
			f.batch = batch
			if l, ok := f.objective.(*likelihood); ok {
				f.history.Remarks = l.remarks(f.someRows())
				if r, ok := f.data.(*Rows); ok && r.Len() == 1 {
					f.history.Remarks = []string{"the data are a single row: its likelihood has no upper bound"}
				}
			}
		}
	}
	loss, err := f.objective.LossGrad(batch, f.src)
	if err != nil {
		return loss, err
	}
	if f.MaxGradNorm > 0 {
		ClipGradNorm(f.Adam.params, f.MaxGradNorm)
	}
	if f.Schedule != nil {
		rate := f.Schedule(f.Adam.Steps())
		if !(rate >= 0) || math.IsInf(rate, 1) {
			panic(fmt.Sprintf("nfkit: Fit: the schedule gave the learning rate %v for step %d, want a finite one, 0 or more", rate, f.Adam.Steps()))
		}
		f.Adam.LearningRate = rate
	}
	f.Adam.Step()
	f.average.add()
	return loss, nil
}

// validate returns the validation loss, NaN if there is none, and keeps parameters that are the best so far.
func (f *fit) validate() (float64, error) {
	if !f.validates {
		f.history.Best = f.step
		return math.NaN(), nil
	}
	f.at = f.step
	f.average.swap(f.guard)
	defer f.average.swap(f.guard)
	loss, err := f.objective.Loss(f.Validation, rand.NewPCG(0, 0))
	f.history.Validation = append(f.history.Validation, loss)
	f.history.ValidationSteps = append(f.history.ValidationSteps, float64(f.step))
	f.patience++
	if loss < f.lowest {
		f.lowest, f.patience, f.history.Best = loss, 0, f.step
		f.best.take()
	}
	if err != nil && !f.passOver(err) {
		return loss, fmt.Errorf("nfkit: Fit: validation after step %d: %w", f.step, err)
	}
	return loss, nil
}

// finish leaves the model as [Fit] says, and tells the end.
func (f *fit) finish() error {
	var err error
	if f.at != f.step && f.step > f.first {
		_, err = f.validate()
	}
	if math.IsInf(f.lowest, 1) { // there was no finite one
		f.average.swap(f.guard)
		f.history.Best = f.step
	} else {
		f.guard.Lock()
		f.best.restore()
		f.guard.Unlock()
	}
	if f.Progress != nil && f.step > f.first {
		f.last.Done, f.last.Remarks = true, f.history.Remarks
		f.last.Validation = math.NaN()
		if !math.IsInf(f.lowest, 1) {
			f.last.Validation = f.lowest
		}
		f.Progress(f.last)
	}
	if err == nil {
		err = f.nothingLearned()
	}
	return err
}

// checkData returns an error for the first number of fixed data that is not finite.
func (f *fit) checkData() error {
	if rows, ok := f.data.(*Rows); ok {
		if err := checkFinite("data", rows.x); err != nil {
			return err
		}
	}
	if f.Validation == nil {
		return nil
	}
	return checkFinite("validation set", dense(f.Validation))
}

func checkFinite(what string, x *mat.Dense) error {
	n, _ := x.Dims()
	for i := range n {
		if j := nonFinite(x.RawRowView(i)); j >= 0 {
			return fmt.Errorf("nfkit: Fit: row %d, column %d of the %s is %v", i, j, what, x.At(i, j))
		}
	}
	return nil
}
