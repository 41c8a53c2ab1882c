package nfkit

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// gaussian is a correlated normal distribution as a source of training data.
type gaussian struct{ mean, covariance []float64 }

var correlated = gaussian{[]float64{1, -2}, []float64{2, 1.2, 1.2, 1.5}}

func (g gaussian) distribution(src rand.Source) *distmv.Normal {
	n, ok := distmv.NewNormal(g.mean, mat.NewSymDense(len(g.mean), g.covariance), src)
	if !ok {
		panic("covariance is not positive definite")
	}
	return n
}

func (g gaussian) Sample(n int, src rand.Source) *mat.Dense {
	x := mat.NewDense(n, len(g.mean), nil)
	d := g.distribution(src)
	for i := range n {
		d.Rand(x.RawRowView(i))
	}
	return x
}

// gaussianModel can represent every normal distribution in two dimensions.
func gaussianModel(seed uint64) *NormalizingFlow {
	return NewNormalizingFlow(NewDiagGaussian(2, nil), []Flow{NewLULinearPermute(2, nil, rand.NewPCG(seed, 1))})
}

// The loss of a model that is fitted to data ends within 0.005 nats of the entropy of the data's distribution, on the
// same rows: with 5 parameters and 400·512 rows the expected excess is below 1e-4, and Adam's last steps wander by
// more.
func TestFitLearnsAGaussian(t *testing.T) {
	model := gaussianModel(1)
	history, err := Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{
		Steps: 400, Adam: NewAdam(model.Params(), &AdamOptions{LearningRate: 0.05}), Schedule: Cosine(0.05, 10, 400),
	}, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	held := correlated.Sample(20_000, rand.NewPCG(3, 4))
	got, err := model.NLL(nil).Loss(held, nil)
	if err != nil {
		t.Fatal(err)
	}
	var entropy float64
	for i := range 20_000 {
		entropy -= correlated.distribution(nil).LogProb(held.RawRowView(i)) / 20_000
	}
	if math.Abs(got-entropy) > 0.005 {
		t.Errorf("negative log-likelihood %v, want %v", got, entropy)
	}
	if len(history.Loss) != 400 || history.Best != 400 || history.Skipped != 0 || history.Validation != nil {
		t.Errorf("history has %d losses, best step %d, %d skipped, validation %v", len(history.Loss), history.Best, history.Skipped, history.Validation)
	}
	if history.Loss[0] < entropy+0.5 {
		t.Errorf("the first loss is %v: the model knew the answer before", history.Loss[0])
	}
}

// A conditional model finds the mean of x given its context: rows are x, then the context.
func TestFitConditional(t *testing.T) {
	src := rand.NewPCG(1, 2)
	model := NewNormalizingFlow(NewDiagGaussian(2, nil), []Flow{
		NewAffineCouplingBlock(NewMLP([]int{1, 16, 2}, &MLPOptions{Context: 1}, src), nil), NewPermute(2, PermuteSwap, nil),
		NewAffineCouplingBlock(NewMLP([]int{1, 16, 2}, &MLPOptions{Context: 1}, src), nil)})
	r := rand.New(src)
	rows := mat.NewDense(2000, 3, nil)
	for i := range 2000 {
		c := float64(i%2)*4 - 2
		rows.SetRow(i, []float64{c + r.NormFloat64(), -c + r.NormFloat64(), c})
	}
	valid := mat.DenseCopyOf(rows.Slice(1800, 2000, 0, 3))
	history, err := Fit(context.Background(), model.NLL(nil), NewRows(rows.Slice(0, 1800, 0, 3)), &FitOptions{
		Epochs: 40, BatchSize: 200, Validation: valid, Adam: NewAdam(model.Params(), &AdamOptions{LearningRate: 0.01}),
	}, src)
	if err != nil {
		t.Fatal(err)
	}
	if len(history.Loss) != 40*9 {
		t.Errorf("40 epochs of 1800 rows in batches of 200 took %d steps, want 360", len(history.Loss))
	}
	for _, c := range []float64{-2, 2} {
		x := model.Given(mat.NewDense(1, 1, []float64{c})).Sample(4000, src)
		for j, want := range []float64{c, -c} {
			// The mean of 1000 rows of training data is known to 0.03, that of the sample to 0.02.
			if got := mat.Sum(x.ColView(j)) / 4000; math.Abs(got-want) > 0.2 {
				t.Errorf("given %v, column %d has mean %v, want %v", c, j, got, want)
			}
		}
	}
	loss, err := model.Given(valid.Slice(0, 200, 2, 3)).NLL(nil).Loss(valid.Slice(0, 200, 0, 2), nil)
	if err != nil || loss != slices.Min(history.Validation) {
		t.Errorf("validation loss of the model is %v, %v, want the lowest of the history, %v", loss, err, slices.Min(history.Validation))
	}
	fixed := model.Given(mat.NewDense(1, 1, []float64{2}))
	if _, err := Fit(context.Background(), fixed.NLL(nil), correlated, &FitOptions{Steps: 2}, src); err != nil {
		t.Errorf("with a context given beforehand: %v", err)
	}
}

func TestFitKeepsTheBest(t *testing.T) {
	// Few rows and a high learning rate: the model gets worse on the validation set after a while.
	model := smallModel(32, 1)
	saved := map[int]string{}
	var steps []int
	history, err := Fit(context.Background(), model.NLL(nil), NewRows(correlated.Sample(12, rand.NewPCG(5, 6))), &FitOptions{
		Steps: 500, BatchSize: 12, Validation: correlated.Sample(500, rand.NewPCG(7, 8)), ValidateEvery: 5, Patience: 8,
		Adam: NewAdam(model.Params(), &AdamOptions{LearningRate: 0.02}),
		OnStep: func(s Step) error {
			steps = append(steps, s.Number)
			if s.Of != 500 || math.IsNaN(s.Validation) != (s.Number%5 != 0) {
				t.Errorf("step %+v, want Of 500 and a validation every 5 steps", s)
			}
			saved[s.Number] = StateText(model.State())
			return nil
		},
	}, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	n := len(steps)
	if n == 500 || n != history.Best+8*5 {
		t.Errorf("stopped after %d steps, want 8 validations of 5 steps after the best, %d", n, history.Best)
	}
	if history.Best == 0 || StateText(model.State()) != saved[history.Best] || StateText(model.State()) == saved[n] {
		t.Errorf("the model does not have the parameters of step %d", history.Best)
	}
	at := slices.Index(history.ValidationSteps, float64(history.Best))
	if at < 0 || history.Validation[at] != slices.Min(history.Validation) {
		t.Errorf("best step %d, but validation losses are %v after %v", history.Best, history.Validation, history.ValidationSteps)
	}
	if history.ValidationSteps[0] != 0 || len(history.ValidationSteps) != 1+n/5 {
		t.Errorf("validated after steps %v, want 0, 5, …, %d", history.ValidationSteps, n)
	}
}

// The best model is kept with its buffers.
func TestSnapshot(t *testing.T) {
	m := newTwoTensors()
	s := newSnapshot(m.State())
	s.take()
	before := StateText(m.State())
	m.w.Data[0], m.mask[1], m.perm[0], m.perm[1] = 9, 9, 0, 1
	s.restore()
	if got := StateText(m.State()); got != before {
		t.Errorf("restored\n%s\nwant\n%s", got, before)
	}
}

func TestFitEndsEarly(t *testing.T) {
	failure := errors.New("no more room")
	valid := correlated.Sample(100, rand.NewPCG(1, 1))
	for name, c := range map[string]struct {
		seventh func(cancel context.CancelCauseFunc) error
		want    error
	}{
		"stop":      {func(context.CancelCauseFunc) error { return ErrStop }, nil},
		"error":     {func(context.CancelCauseFunc) error { return failure }, failure},
		"cancelled": {func(cancel context.CancelCauseFunc) error { cancel(nil); return nil }, context.Canceled},
		"cause":     {func(cancel context.CancelCauseFunc) error { cancel(failure); return nil }, failure},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			history, err := Fit(ctx, gaussianModel(1).NLL(nil), correlated, &FitOptions{Steps: 50, BatchSize: 64, Validation: valid, OnStep: func(s Step) error {
				if s.Number == 7 {
					return c.seventh(cancel)
				}
				return nil
			}}, rand.NewPCG(1, 2))
			if !errors.Is(err, c.want) || ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
			if len(history.Loss) != 7 || history.Best != 7 || !slices.Equal(history.ValidationSteps, []float64{0, 7}) {
				t.Errorf("got %d losses, best step %d and validations after %v, want 7, 7 and [0 7]", len(history.Loss), history.Best, history.ValidationSteps)
			}
		})
	}
}

// trap is data with a number that is not finite in every fifth batch.
type trap struct{ batches int }

func (d *trap) Sample(n int, src rand.Source) *mat.Dense {
	x := correlated.Sample(n, src)
	if d.batches++; d.batches%5 == 0 {
		x.Set(3, 1, math.Inf(1))
	}
	return x
}

func TestFitNonFinite(t *testing.T) {
	model := gaussianModel(1)
	adam := NewAdam(model.Params(), nil)
	var before string
	options := FitOptions{Steps: 12, BatchSize: 64, Adam: adam, OnStep: func(Step) error {
		before = StateText(model.State())
		return nil
	}}
	history, err := Fit(context.Background(), model.NLL(nil), &trap{}, &options, rand.NewPCG(1, 2))
	var fault *NonFiniteError
	if !errors.As(err, &fault) || fault.Row != 3 || !strings.Contains(err.Error(), "step 5") || !strings.Contains(err.Error(), "column 1 of the data") {
		t.Errorf("got error %v, want one that names step 5, row 3, column 1", err)
	}
	if StateText(model.State()) != before || adam.Steps() != 4 || history.Best != 4 {
		t.Errorf("after the error: %d steps of Adam, best step %d, want 4 of each, and the parameters of step 4", adam.Steps(), history.Best)
	}

	options.SkipNonFinite, options.Steps = true, 16
	history, err = Fit(context.Background(), model.NLL(nil), &trap{}, &options, rand.NewPCG(1, 2))
	if err != nil || history.Skipped != 2 || len(history.Loss) != 12 || isFinite(history.Loss[4]) || !isFinite(history.Loss[5]) || adam.Steps() != 4+10 {
		t.Errorf("got %v, %d skipped, losses %v, %d steps of Adam; want 2 skipped, the 5th and 10th loss not finite, 14 steps",
			err, history.Skipped, history.Loss, adam.Steps())
	}
}

func TestFitBadData(t *testing.T) {
	bad := correlated.Sample(30, rand.NewPCG(1, 2))
	bad.Set(17, 1, math.NaN())
	good := NewRows(correlated.Sample(30, rand.NewPCG(1, 2)))
	for name, c := range map[string]struct {
		data  Sampler
		valid mat.Matrix
	}{
		"the data":           {NewRows(bad), nil},
		"the validation set": {good, bad},
	} {
		model := gaussianModel(1)
		before := StateText(model.State())
		history, err := Fit(context.Background(), model.NLL(nil), c.data, &FitOptions{Validation: c.valid, SkipNonFinite: true}, rand.NewPCG(1, 2))
		mustFail(t, err, "row 17, column 1 of "+name+" is NaN")
		if len(history.Loss) != 0 || StateText(model.State()) != before {
			t.Errorf("%s: the model was trained on a NaN", name)
		}
	}
}

// Training in two runs, with a checkpoint loaded into fresh objects between them, is training in one.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "training.safetensors")
	set := correlated.Sample(300, rand.NewPCG(5, 6))
	start := func(seed uint64) (Checkpoint, *NormalizingFlow) {
		model := smallModel(8, seed)
		return Checkpoint{Model: model, Adam: NewAdam(model.Params(), &AdamOptions{LearningRate: 0.01, WeightDecay: 1e-3}),
			Source: rand.NewPCG(seed, seed), Data: NewRows(set)}, model
	}
	run := func(c Checkpoint, model *NormalizingFlow, steps int) []float64 {
		c.Adam.LearningRate *= 0.5 // what a checkpoint must remember
		history, err := Fit(context.Background(), model.NLL(nil), c.Data, &FitOptions{Steps: steps, BatchSize: 64, Adam: c.Adam, MaxGradNorm: 1}, c.Source)
		if err != nil {
			t.Fatal(err)
		}
		return history.Loss
	}
	whole, wholeModel := start(1)
	losses := append(run(whole, wholeModel, 20), run(whole, wholeModel, 40)...)

	first, firstModel := start(1)
	again := run(first, firstModel, 20)
	Check(first.Save(path))
	second, secondModel := start(2)
	Check(second.Load(path))
	again = append(again, run(second, secondModel, 40)...)

	if !slices.Equal(again, losses) {
		t.Errorf("losses after resuming %v, want %v", again, losses)
	}
	want, _ := whole.state()
	got, _ := second.state()
	if StateText(got) != StateText(want) {
		t.Errorf("state after resuming\n%s\nwant\n%s", StateText(got), StateText(want))
	}
	if want, got := rand.New(whole.Source).Uint64(), rand.New(second.Source).Uint64(); got != want {
		t.Errorf("next random number %d, want %d", got, want)
	}
}

// Training that draws random numbers, for dropout and estimates, resumes to the same bytes as well, statistics
// included.
func TestResumeWithNoise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "training.safetensors")
	const dim = 10 // so that log-determinants are estimated
	x := mat.NewDense(200, dim, nil)
	fillNormal(x.RawMatrix().Data, rand.New(rand.NewPCG(3, 4)))
	for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
		start := func(seed uint64) (Checkpoint, *NormalizingFlow) {
			src := rand.NewPCG(seed, seed)
			coupling := NewAffineCouplingBlock(NewMLP([]int{5, 8, 10}, &MLPOptions{Dropout: 0.3}, src), nil)
			model := NewNormalizingFlow(NewDiagGaussian(dim, nil), []Flow{
				NewActNorm(dim), NewInvert(NewBatchNorm(dim, nil)), coupling, NewResidual(NewLipschitzMLP([]int{dim, 8, dim}, nil, src), nil), coupling})
			return Checkpoint{Model: model, Adam: NewAdam(model.Params(), nil), Source: src}, model.WithPrecision(precision)
		}
		run := func(c Checkpoint, model *NormalizingFlow) {
			for range 5 {
				if _, err := model.NLL(nil).LossGrad(x, c.Source); err != nil {
					t.Fatal(err)
				}
				c.Adam.Step()
			}
		}
		whole, wholeModel := start(1)
		run(whole, wholeModel)
		Check(whole.Save(path))
		run(whole, wholeModel)
		resumed, resumedModel := start(2)
		Check(resumed.Load(path))
		run(resumed, resumedModel)
		want, _ := whole.state()
		got, _ := resumed.state()
		if StateText(got) != StateText(want) {
			t.Errorf("%v: state after resuming\n%s\nwant\n%s", precision, StateText(got), StateText(want))
		}
	}
}

func TestCheckpointRefuses(t *testing.T) {
	folder := t.TempDir()
	model := gaussianModel(1)
	all := Checkpoint{Model: model, Adam: NewAdam(model.Params(), nil), Source: rand.NewPCG(1, 2), Data: NewRows(mat.NewDense(3, 2, nil))}
	path := filepath.Join(folder, "training.safetensors")
	Check(all.Save(path))
	mustFail(t, Checkpoint{Model: model}.Load(path), "Checkpoint.Load "+path, "the model has no adam (", "the model has no source (20 numbers in the file)", "the model has no data (2 tensors in the file)")
	mustFail(t, Checkpoint{Model: model, Adam: all.Adam, Source: rand.NewChaCha8([32]byte{}), Data: all.Data}.Load(path), "source has 20 numbers in the file, 48 numbers in the model")

	s, _ := all.state()
	for name, c := range map[string]struct {
		tensor string
		value  int
		want   string
	}{
		"step":   {"adam.step", -1, "got -1, want 0 or more"},
		"place":  {"data.next", 4, "at most the 3 rows"},
		"order":  {"data.order", 3, "not a permutation"},
		"byte":   {"source", 300, "300 is not a byte"},
		"source": {"source", 0, "not the state of a *rand.PCG"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := slices.Clone(s)
			at := slices.IndexFunc(bad, func(t Tensor) bool { return t.Name == c.tensor })
			bad[at].Ints = slices.Clone(bad[at].Ints)
			bad[at].Ints[0] = c.value
			path := filepath.Join(folder, "bad.safetensors")
			Check(Save(path, stateOf(bad)))
			all.Adam.step, all.Data.next = 5, 2
			mustFail(t, all.Load(path), c.tensor+": ", c.want)
			if all.Adam.step != 5 || all.Data.next != 2 || rand.New(all.Source).Uint64() != rand.New(rand.NewPCG(1, 2)).Uint64() {
				t.Error("a Load that failed changed something")
			}
			all.Source.(*rand.PCG).Seed(1, 2)
		})
	}
}

func TestFitDeterministic(t *testing.T) {
	run := func(p ad.Precision) ([]float64, string) {
		model := smallModel(16, 1)
		history, err := Fit(context.Background(), model.WithPrecision(p).NLL(nil), correlated, &FitOptions{
			Steps: 30, Validation: correlated.Sample(300, rand.NewPCG(3, 4)), ValidateEvery: 10, MaxGradNorm: 1}, rand.NewPCG(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		return append(history.Loss, history.Validation...), StateText(model.State())
	}
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		var want []float64
		var wantState string
		testkit.OnCores(func(cores int) {
			losses, state := run(p)
			if want == nil {
				want, wantState = losses, state
			}
			if !slices.Equal(losses, want) || state != wantState {
				t.Errorf("%v: a run on %d cores differs from that on one: %v and %v", p, cores, losses, want)
			}
		})
	}
}

// Every step is taken with the learning rate of the schedule and a gradient that is short enough.
func TestFitScheduleAndNorm(t *testing.T) {
	model := smallModel(16, 1)
	schedule := Cosine(0.01, 5, 40)
	adam := NewAdam(model.Params(), nil)
	var longest, steps float64
	for range 2 { // the second run goes on where the first one ended
		_, err := Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Steps: 20, Adam: adam, Schedule: schedule, MaxGradNorm: 0.5, OnStep: func(Step) error {
			if got, want := adam.LearningRate, schedule(int(steps)); got != want {
				t.Errorf("learning rate %v in step %v, want %v", got, steps, want)
			}
			steps++
			longest = max(longest, ClipGradNorm(model.Params(), 1e9))
			return nil
		}}, rand.NewPCG(1, 2))
		Check(err)
	}
	if math.Abs(longest-0.5) > 1e-12 { // rounding
		t.Errorf("the longest gradient has norm %v, want the limit, 0.5", longest)
	}
}

// still is data that allocates nothing.
type still struct{ x *mat.Dense }

func (d still) Sample(int, rand.Source) *mat.Dense { return d.x }

func TestFitAllocatesNothingPerStep(t *testing.T) {
	data := still{correlated.Sample(256, rand.NewPCG(1, 2))}
	model := smallModel(16, 1)
	// The count is of the whole process, where others allocate now and then: the least of a few is that of the steps.
	allocs := func(steps int) float64 {
		least := math.Inf(1)
		for range 5 {
			adam := NewAdam(model.Params(), nil)
			least = min(least, testing.AllocsPerRun(1, func() {
				_, err := Fit(context.Background(), model.NLL(nil), data, &FitOptions{Steps: steps, BatchSize: 256, Adam: adam, MaxGradNorm: 1,
					Schedule: Cosine(1e-3, 0, 500), OnStep: func(Step) error { return nil }}, rand.NewPCG(1, 2))
				Check(err)
			}))
		}
		return least
	}
	if few, many := allocs(10), allocs(110); many > few {
		t.Errorf("10 steps allocate %v times, 110 steps %v times", few, many)
	}
}

func TestFitPanics(t *testing.T) {
	model, src := gaussianModel(1), rand.NewPCG(1, 2)
	valid := mat.NewDense(1, 2, nil)
	for want, f := range map[string]func(){
		"batches of -1": func() { Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{BatchSize: -1}, src) },
		"-5 steps":      func() { Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Steps: -5}, src) },
		"maximal norm NaN": func() {
			Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{MaxGradNorm: math.NaN()}, src)
		},
		"nil source of random numbers": func() { Fit(context.Background(), model.NLL(nil), correlated, nil, nil) },
		"patience 3":                   func() { Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Patience: 3}, src) },
		"want epochs":                  func() { Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Epochs: 3}, src) },
		"with 4 steps": func() {
			Fit(context.Background(), model.NLL(nil), NewRows(valid), &FitOptions{Epochs: 3, Steps: 4}, src)
		},
		"512×3 batch": func() { Fit(context.Background(), model.NLL(nil), still{mat.NewDense(512, 3, nil)}, nil, src) },
		"got a 1×3 validation": func() {
			Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Validation: mat.NewDense(1, 3, nil)}, src)
		},
		"objective does not have": func() {
			Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Adam: NewAdam(gaussianModel(1).Params(), nil)}, src)
		},
		"learning rate -1": func() {
			Fit(context.Background(), model.NLL(nil), correlated, &FitOptions{Schedule: func(int) float64 { return -1 }}, src)
		},
		"NewRows":                 func() { NewRows(&mat.Dense{}) },
		"Rows.Sample: got 0":      func() { NewRows(valid).Sample(0, src) },
		"Cosine: got peak 1":      func() { Cosine(1, 10, 10) },
		"ClipGradNorm: got limit": func() { ClipGradNorm(model.Params(), 0) },
		"source of type":          func() { Checkpoint{Source: rand.New(src)}.Save("never written") },
	} {
		testkit.WantPanic(t, want, f)
	}
}

func TestFitProgress(t *testing.T) {
	var b bytes.Buffer
	_, err := Fit(context.Background(), gaussianModel(1).NLL(nil), correlated, &FitOptions{
		Steps: 50, BatchSize: 64, Progress: ProgressLine(&b), Validation: correlated.Sample(10, rand.NewPCG(1, 2)),
		OnStep: func(s Step) error {
			if s.Number == 20 {
				return ErrStop
			}
			return nil
		},
	}, rand.NewPCG(1, 2))
	Check(err)
	out := b.String()
	last := out[strings.LastIndex(out, "\r")+1:]
	for _, want := range []string{"step 20/50  loss ", "  validation ", " steps/s  in ", "\n"} {
		if !strings.Contains(last, want) {
			t.Errorf("the last line is %q, want %q in it", last, want)
		}
	}
	if strings.Count(out, "\n") != 1 {
		t.Errorf("got %q, want one line that is written over", out)
	}
}

func TestProgressLines(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b}
	p.step(Step{Number: 1, Of: 100, Loss: 1.5, Validation: math.NaN()})
	if b.Len() > 0 {
		t.Errorf("the first line came at once: %q", b.String())
	}
	p.line(25, 1.5, math.NaN(), 5e9, "15s left")
	p.line(26, -1.25, 1.0/3, 52e9, "x")
	want := "\rstep 25/100  loss 1.5000  5.0 steps/s  15s left" +
		"\rstep 26/100  loss -1.2500  validation 0.3333  0.5 steps/s  x"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	p.line(27, 1, math.NaN(), 1e9, "x")
	if got, want := b.String(), "\rstep 27/100  loss 1.0000  27 steps/s  x"; strings.TrimRight(got, " ") != want || len(got) != len("\rstep 26/100  loss -1.2500  validation 0.3333  0.5 steps/s  x") {
		t.Errorf("got %q, want %q with spaces over the rest of the longer line before", got, want)
	}
}

func TestRows(t *testing.T) {
	x := mat.NewDense(5, 2, nil)
	for i := range 5 {
		x.SetRow(i, []float64{float64(i), float64(10 * i)})
	}
	rows, src := NewRows(x), rand.NewPCG(1, 2)
	var drawn []float64
	for range 6 {
		b := rows.Sample(7, src) // 42 rows: 8 epochs and 2 rows
		for i := range 7 {
			if b.At(i, 1) != 10*b.At(i, 0) {
				t.Fatalf("got row %v, which is not in the data", b.RawRowView(i))
			}
			drawn = append(drawn, b.At(i, 0))
		}
	}
	orders := map[string]bool{}
	for epoch := range slices.Chunk(drawn[:40], 5) {
		orders[string(floatsToBytes(epoch))] = true
		slices.Sort(epoch)
		if !slices.Equal(epoch, []float64{0, 1, 2, 3, 4}) {
			t.Errorf("an epoch has rows %v, want each once", epoch)
		}
	}
	if len(orders) < 4 {
		t.Errorf("8 epochs have %d different orders, want most of them different", len(orders))
	}
}

func floatsToBytes(s []float64) []byte {
	b := make([]byte, len(s))
	for i, x := range s {
		b[i] = byte(x)
	}
	return b
}

func TestCosine(t *testing.T) {
	f := Cosine(2, 4, 24)
	for step, want := range map[int]float64{0: 0.5, 1: 1, 3: 2, 4: 2, 14: 1, 23: 1 - math.Cos(math.Pi/20), 24: 0, 100: 0} {
		if got := f(step); math.Abs(got-want) > 1e-15 { // rounding of a number near 1
			t.Errorf("Cosine(2, 4, 24)(%d) = %v, want %v", step, got, want)
		}
	}
}

func TestClipGradNorm(t *testing.T) {
	a, b := ad.NewParam(1, 2, []float64{0, 0}), ad.NewParam(1, 1, []float64{0})
	set := func() { a.Grad[0], a.Grad[1], b.Grad[0] = 2, -3, 6 }
	set()
	if norm := ClipGradNorm([]*ad.Param{a, b}, 7); norm != 7 || a.Grad[0] != 2 {
		t.Errorf("norm %v, gradient %v %v, want 7 and no change", norm, a.Grad, b.Grad)
	}
	if norm := ClipGradNorm([]*ad.Param{a, b}, 3.5); norm != 7 || !floats.Equal(append(a.Grad, b.Grad...), []float64{1, -1.5, 3}) {
		t.Errorf("norm %v, gradient %v %v, want 7 and [1 -1.5 3]", norm, a.Grad, b.Grad)
	}
	for _, scale := range []float64{1e-320, 1e-170, 1e-100, 1e100, 1e170, 1e307} { // squares of most are 0 or infinite
		set()
		floats.Scale(scale, a.Grad)
		floats.Scale(scale, b.Grad)
		want := math.Hypot(math.Hypot(a.Grad[0], a.Grad[1]), b.Grad[0])
		if norm := ClipGradNorm([]*ad.Param{a, b}, math.Inf(1)); math.Abs(norm/want-1) > 1e-3 { // the smallest have three digits
			t.Errorf("norm %v of a gradient of size %v, want %v", norm, scale, want)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		set()
		a.Grad[1] = bad
		if norm := ClipGradNorm([]*ad.Param{a, b}, 7); !(math.IsNaN(norm) || norm == bad) {
			t.Errorf("norm %v of a gradient with %v", norm, bad)
		}
	}
}
