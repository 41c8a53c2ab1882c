package nfkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// FitOptions are the options of [Fit].
type FitOptions struct {
	Steps     int // 0 means 1000, or what Epochs says
	Epochs    int // passes over the data, which must be [Rows]; instead of Steps
	BatchSize int // rows of a step; 0 means 512

	Adam          *Adam                  // the optimiser; nil means one with its defaults
	Schedule      func(step int) float64 // learning rate by the number of steps that Adam has taken, as [Cosine] makes it; nil leaves it alone
	MaxGradNorm   float64                // longer gradients are scaled to this norm, see [ClipGradNorm]; 0 means no limit
	SkipNonFinite bool                   // pass over steps whose loss or gradient is not finite, instead of stopping

	Validation    mat.Matrix // rows to judge the model by, like those of the data; nil means none
	ValidateEvery int        // steps from one validation to the next; 0 means 100
	Patience      int        // stop after as many validations in a row without a new best; 0 means never

	OnStep   func(Step) error // called after each step; an error ends the run, ErrStop without being one
	Progress io.Writer        // where a line of progress is kept up to date; nil means nowhere
}

// Step is what [FitOptions].OnStep is told. The model is as the step left it.
type Step struct {
	Number     int     // of the step, from 1
	Of         int     // steps of the whole run
	Loss       float64 // of the step's batch, before the step
	Validation float64 // loss of the validation set after this step; NaN if it was not computed
}

// ErrStop is returned by [FitOptions].OnStep to end the run without an error.
var ErrStop = errors.New("stop training")

// History is the record of a run of [Fit].
type History struct {
	Loss            []float64 // of each step's batch; not finite for a step that was skipped
	Validation      []float64 // losses of the validation set
	ValidationSteps []float64 // and after how many steps they were computed, to plot them over; 0 is before the first
	Best            int       // the step whose parameters the model has now
	Skipped         int       // steps that changed nothing because their loss or gradient was not finite
}

// Fit trains a model to maximise the likelihood of data: in each step it draws a batch, computes the mean negative
// log-likelihood and its gradient, see [NormalizingFlow.NLLGrad], and takes a step of [Adam]. A nil opts means the
// defaults.
//
// Rows of the data have the columns of a point; if the model takes a context, those of the context follow, unless the
// model has its context already, see [NormalizingFlow.Given].
//
// With a validation set, the model has in the end the parameters and buffers with which the loss of that set was
// lowest: never higher than at the start. The set is evaluated before the first step, at the intervals asked for, and
// after the last.
//
// The run ends early, with the history so far and the parameters so far (the best ones with a validation set), when
//   - Patience is exhausted, or OnStep returns [ErrStop]: without an error,
//   - OnStep returns another error, which Fit returns,
//   - ctx is cancelled: the error wraps that of ctx and its cause,
//   - a loss or gradient is not finite: the error wraps a [*NonFiniteError], which says where it began. Adam took no
//     step,
//   - a batch cannot be observed by a layer: see [ActNorm] and [BatchNorm].
//
// A number that is not finite in [Rows] or in the validation set is an error before the first step.
//
// To stop a run by hand and keep what it learned, give it a context that ends with an interrupt:
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer stop()
//	history, err := nf.Fit(ctx, model, data, &nf.FitOptions{Progress: os.Stdout}, rand.NewPCG(1, 2))
//
// To go on with a run later, give both runs an Adam, and keep it in a [Checkpoint].
//
// The same arguments give the same bytes, for any GOMAXPROCS. Fit panics when options are out of range, or rows have
// another number of columns than the model wants.
func Fit(ctx context.Context, model *NormalizingFlow, data Sampler, opts *FitOptions, src rand.Source) (*History, error) {
	f := newFit(model, data, opts, src)
	if err := f.checkData(); err != nil {
		return f.history, err
	}
	err := f.run(ctx)
	if e := f.finish(); err == nil {
		err = e
	}
	return f.history, err
}

// fit is a run.
type fit struct {
	FitOptions
	data    Sampler
	src     rand.Source
	columns int // of a row: point, then context

	model      *NormalizingFlow // its context, if the rows have one, is context
	x, context mat.Dense        // the columns of a batch
	valid      *NormalizingFlow // the same for the validation set
	validX     mat.Dense

	history  *History
	step     int      // steps done
	at       int      // steps done when the validation set was last evaluated; −1 if it was not
	lowest   float64  // validation loss
	best     snapshot // of the model then
	patience int      // validations since then
	bar      *progress
}

func newFit(model *NormalizingFlow, data Sampler, opts *FitOptions, src rand.Source) *fit {
	f := &fit{data: data, src: src, history: &History{}, at: -1, lowest: math.Inf(1)}
	if opts != nil {
		f.FitOptions = *opts
	}
	o := &f.FitOptions
	if model == nil || data == nil || src == nil {
		panic(fmt.Sprintf("nfkit: Fit: got model %v, data %v, source %v, want none of them nil", model, data, src))
	}
	if min(o.Steps, o.Epochs, o.BatchSize, o.ValidateEvery, o.Patience) < 0 || !(o.MaxGradNorm >= 0) {
		panic(fmt.Sprintf("nfkit: Fit: got %d steps, %d epochs, batches of %d, a validation every %d steps, patience %d, maximal norm %v, want none negative",
			o.Steps, o.Epochs, o.BatchSize, o.ValidateEvery, o.Patience, o.MaxGradNorm))
	}
	if o.Validation == nil && (o.Patience > 0 || o.ValidateEvery > 0) {
		panic(fmt.Sprintf("nfkit: Fit: got patience %d and a validation every %d steps, but no validation set", o.Patience, o.ValidateEvery))
	}
	o.BatchSize = orDefault(o.BatchSize, 512)
	if o.Epochs > 0 {
		rows, ok := data.(*Rows)
		if !ok || o.Steps > 0 {
			panic(fmt.Sprintf("nfkit: Fit: got %d epochs with %d steps and data of type %T, want epochs of *nfkit.Rows alone, or steps", o.Epochs, o.Steps, data))
		}
		o.Steps = (o.Epochs*rows.Len() + o.BatchSize - 1) / o.BatchSize
	}
	o.Steps = orDefault(o.Steps, 1000)
	o.ValidateEvery = orDefault(o.ValidateEvery, 100)
	if o.Adam == nil {
		o.Adam = NewAdam(model.Params(), nil)
	}
	for _, p := range o.Adam.params {
		if !slices.Contains(model.Params(), p) {
			panic("nfkit: Fit: got an Adam with parameters that the model does not have")
		}
	}
	f.columns = model.Dim()
	f.model, f.valid = model.view(), model.view()
	if model.ContextDim() > 0 && model.context == nil {
		f.columns += model.ContextDim()
		f.model.context, f.valid.context = &f.context, &mat.Dense{}
	}
	if o.Validation != nil {
		f.split("validation set", dense(o.Validation), &f.validX, f.valid.context)
		f.best = newSnapshot(model.State())
	}
	if o.Progress != nil {
		f.bar = newProgress(o.Progress, o.Steps)
	}
	f.history.Loss = make([]float64, 0, min(o.Steps, 1<<16))
	return f
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// split makes x and context views of the columns of rows. A context that is not part of the rows is left alone.
func (f *fit) split(what string, rows *mat.Dense, x, context *mat.Dense) {
	n, c := rows.Dims()
	if n == 0 || c != f.columns {
		panic(fmt.Sprintf("nfkit: Fit: got a %d×%d %s, want rows of %d columns: %d of a point and %d of its context",
			n, c, what, f.columns, f.model.Dim(), f.columns-f.model.Dim()))
	}
	d := f.model.Dim()
	columns(x, rows, 0, d)
	if f.columns > d {
		columns(context, rows, d, f.columns)
	}
}

// columns makes dst a view of columns lo to hi of m, without allocating.
func columns(dst, m *mat.Dense, lo, hi int) {
	raw := m.RawMatrix()
	raw.Data = raw.Data[lo : (raw.Rows-1)*raw.Stride+hi]
	raw.Cols = hi - lo
	dst.SetRawMatrix(raw)
}

func (f *fit) run(ctx context.Context) error {
	if _, err := f.validate(); err != nil {
		return err
	}
	for f.step < f.Steps {
		if err := ctx.Err(); err != nil {
			if cause := context.Cause(ctx); cause != err {
				err = fmt.Errorf("%w (%w)", err, cause)
			}
			return fmt.Errorf("nfkit: Fit: ended after step %d of %d: %w", f.step, f.Steps, err)
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
		if f.step%f.ValidateEvery == 0 || f.step == f.Steps {
			if validation, err = f.validate(); err != nil {
				return err
			}
		}
		if f.bar != nil {
			f.bar.update(f.step, loss, f.lastValidation())
		}
		if f.OnStep != nil {
			err := f.OnStep(Step{Number: f.step, Of: f.Steps, Loss: loss, Validation: validation})
			if errors.Is(err, ErrStop) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if f.Patience > 0 && f.patience >= f.Patience {
			return nil
		}
	}
	return nil
}

// passOver reports whether err is no reason to stop.
func (f *fit) passOver(err error) bool {
	var fault *NonFiniteError
	return f.SkipNonFinite && errors.As(err, &fault)
}

// train takes one step, and returns the loss before it.
func (f *fit) train() (float64, error) {
	f.split("batch", f.data.Sample(f.BatchSize, f.src), &f.x, f.model.context)
	loss, err := f.model.NLLGrad(&f.x)
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
	return loss, nil
}

// validate returns the loss of the validation set, NaN if there is none, and keeps a model that is the best so far.
func (f *fit) validate() (float64, error) {
	if f.Validation == nil {
		f.history.Best = f.step
		return math.NaN(), nil
	}
	f.at = f.step
	loss, err := f.valid.NLL(&f.validX)
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

// lastValidation returns the loss of the validation set when it was last evaluated, NaN if it was not.
func (f *fit) lastValidation() float64 {
	if n := len(f.history.Validation); n > 0 {
		return f.history.Validation[n-1]
	}
	return math.NaN()
}

// finish leaves the model as [Fit] says, and completes the line of progress.
func (f *fit) finish() error {
	var err error
	if f.at != f.step {
		_, err = f.validate()
	}
	if math.IsInf(f.lowest, 1) { // there was no finite one
		f.history.Best = f.step
	} else {
		f.best.restore()
	}
	if f.bar != nil && f.step > 0 {
		f.bar.finish(f.step, f.history.Loss[f.step-1], f.lastValidation())
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
