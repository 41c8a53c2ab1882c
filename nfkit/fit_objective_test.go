package nfkit_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Everything that Fit offers works for every objective: schedule, clipping, validation, patience, progress, a checkpoint in the middle.
func TestFitEveryObjective(t *testing.T) {
	target := targets.TwoModes{Scale: 0.4}
	for name, c := range map[string]struct {
		objective func(m *nf.NormalizingFlow) nf.Objective
		data      nf.Sampler
	}{
		"likelihood": {func(m *nf.NormalizingFlow) nf.Objective { return m.NLL(nil) }, target},
		"reverse KL": {func(m *nf.NormalizingFlow) nf.Objective {
			return m.ReverseKL(target, 64, &nf.ReverseKLOptions{PathGradient: true, Beta: func(step int) float64 { return min(1, 0.1+float64(step)/50) }})
		}, nil},
		"alpha-divergence": {func(m *nf.NormalizingFlow) nf.Objective { return m.AlphaDivergence(target, 64, 2, nil) }, nil},
	} {
		start := func() (nf.Objective, *nf.NormalizingFlow, *nf.FitOptions, *rand.PCG) {
			src := rand.NewPCG(1, 2)
			m := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewActNorm(2), newCoupling(nf.ScaleExp, nf.SplitChannel, 2, 0, src)})
			opts := &nf.FitOptions{Steps: 60, Adam: nf.NewAdam(m.Params(), nil), Schedule: nf.Cosine(0.02, 5, 100), MaxGradNorm: 5, ValidateEvery: 10, Patience: 50}
			if c.data != nil {
				opts.BatchSize, opts.Validation = 64, target.Sample(200, rand.NewPCG(5, 6))
			}
			return c.objective(m), m, opts, src
		}
		objective, _, opts, src := start()
		told := 0
		opts.Progress = func(s nf.Step) { told++ }
		history, err := nf.Fit(context.Background(), objective, c.data, opts, src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(history.Validation) != 7 || !(slices.Min(history.Validation) < history.Validation[0]-0.1) || told != 61 {
			t.Errorf("%s: validation losses %v, %d calls of Progress; want 7 that fall, and 61", name, history.Validation, told)
		}

		// With a validation, a run ends with its best parameters; without, in two runs as in one.
		again := func(opts *nf.FitOptions) *nf.FitOptions {
			opts.Validation, opts.ValidateEvery, opts.Patience = nil, 0, 0
			return opts
		}
		var m *nf.NormalizingFlow
		objective, m, opts, src = start()
		nf.Must(nf.Fit(context.Background(), objective, c.data, again(opts), src))
		want := nf.StateText(m.State())
		path := filepath.Join(t.TempDir(), "training.safetensors")
		objective, _, opts, src = start()
		opts.Steps = 20
		nf.Must(nf.Fit(context.Background(), objective, c.data, again(opts), src))
		nf.Check(nf.Checkpoint{Model: objective, Adam: opts.Adam, Source: src}.Save(path))
		objective, m, opts, src = start()
		nf.Check(nf.Checkpoint{Model: objective, Adam: opts.Adam, Source: src}.Load(path))
		nf.Must(nf.Fit(context.Background(), objective, c.data, again(opts), src))
		if nf.StateText(m.State()) != want {
			t.Errorf("%s: two runs give other bytes than one", name)
		}
		history, err = nf.Fit(context.Background(), objective, c.data, opts, src)
		if err != nil || len(history.Loss) != 0 || nf.StateText(m.State()) != want {
			t.Errorf("%s: a run whose steps are done took %d more (error %v)", name, len(history.Loss), err)
		}
	}
}

// A weight counts as so many rows, in loss and gradient, as a column of a batch and of a data set; a row of weight 0 does not count even where
// its density is 0.
func TestWeightedRows(t *testing.T) {
	m := testModel(2, 3)
	x, context := testkit.NormalRows(5, 2, 1), testkit.NormalRows(5, 3, 2)
	weights := []float64{1, 0, 2, 3, 1}
	var index []int
	for i, w := range weights {
		for range int(w) {
			index = append(index, i)
		}
	}
	repeated := mat.NewDense(len(index), 5, nil)
	for i, j := range index {
		copy(repeated.RawRowView(i), append(x.RawRowView(j)[:2:2], context.RawRowView(j)...))
	}
	x.Set(1, 0, 1e300) // its weight is 0
	rows := nf.JoinColumns(x, context, mat.NewVecDense(5, weights))
	plain, weighted := m.NLL(nil), m.NLL(&nf.NLLOptions{Weighted: true})
	want := nf.Must(plain.Loss(repeated, nil))
	if got := nf.Must(weighted.Loss(rows, nil)); math.Abs(got-want) > 1e-12*math.Abs(want) {
		t.Errorf("the weighted loss is %v, want %v", got, want)
	}
	x.Set(1, 0, 0.5)
	rows = nf.JoinColumns(x, context, mat.NewVecDense(5, weights))
	nf.Must(plain.LossGrad(repeated, rand.NewPCG(1, 2)))
	var gradients [][]float64
	for _, p := range m.Params() {
		gradients = append(gradients, append([]float64(nil), p.Grad...))
	}
	nf.Must(weighted.LossGrad(rows, rand.NewPCG(1, 2)))
	for k, p := range m.Params() {
		compareSlices(t, "the gradient", p.Grad, gradients[k], 1e-11)
	}
	if err := nftest.Objective(weighted, rows, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
	for want, w := range map[string][]float64{"the weight of row 2 is -1": {1, 1, -1, 1, 1}, "the weights of all 5 rows are 0": make([]float64, 5), "row 0 is NaN": {math.NaN(), 1, 1, 1, 1}} {
		for _, loss := range []func(mat.Matrix, rand.Source) (float64, error){weighted.Loss, weighted.LossGrad} {
			if _, err := loss(nf.JoinColumns(x, context, mat.NewVecDense(5, w)), rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("weights %v: got error %v, want %q", w, err, want)
			}
		}
	}
}

// few gives fewer rows than it is asked for.
type few struct{ n int }

func (f few) Sample(_ int, src rand.Source) *mat.Dense {
	if f.n == 0 {
		return nil
	}
	return targets.TwoModes{}.Sample(f.n, src)
}

// A run that learned nothing is an error, and says why.
func TestFitNothingLearned(t *testing.T) {
	x := targets.TwoModes{}.Sample(50, rand.NewPCG(1, 2))
	overflow := func() *nf.NormalizingFlow { // whose loss becomes infinite after the first step
		return nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{newCoupling(nf.ScaleExp, nf.SplitChannel, 2, 0, rand.NewPCG(1, 2))})
	}
	for want, f := range map[string]func() (*nf.History, error){
		"gave 3 rows, want 512": func() (*nf.History, error) {
			return nf.Fit(context.Background(), overflow().NLL(nil), few{3}, nil, rand.NewPCG(1, 2))
		},
		"gave no rows": func() (*nf.History, error) {
			return nf.Fit(context.Background(), overflow().NLL(nil), few{0}, nil, rand.NewPCG(1, 2))
		},
		"not finite in all 4 steps": func() (*nf.History, error) {
			return nf.Fit(context.Background(), overflow().NLL(nil), always{with(mat.DenseCopyOf(x), 3, 1, math.NaN())}, &nf.FitOptions{Steps: 4, BatchSize: 50, SkipNonFinite: true}, rand.NewPCG(1, 2))
		},
		"not finite after any of the 3 steps": func() (*nf.History, error) {
			m := overflow()
			return nf.Fit(context.Background(), m.NLL(nil), nf.NewRows(x), &nf.FitOptions{Steps: 3, SkipNonFinite: true, Validation: x, ValidateEvery: 1,
				Adam: nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: 1e6})}, rand.NewPCG(1, 2))
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

type always struct{ x *mat.Dense }

func (a always) Sample(int, rand.Source) *mat.Dense { return a.x }

// Few rows: a batch has at most all of them, and an epoch is a step at least.
func TestFitFewRows(t *testing.T) {
	m := nf.NewRealNVP(2, nil, rand.NewPCG(1, 2))
	history, err := nf.Fit(context.Background(), m.NLL(nil), nf.NewRows(targets.TwoModes{}.Sample(10, rand.NewPCG(1, 2))), &nf.FitOptions{Epochs: 50}, rand.NewPCG(1, 2))
	if err != nil || len(history.Loss) != 50 {
		t.Errorf("50 epochs of 10 rows took %d steps (error %v), want 50", len(history.Loss), err)
	}
}

// An interrupt ends a run without an error; what was learned is there, and the history says after which step it ended.
func TestFitInterrupted(t *testing.T) {
	m := nf.NewRealNVP(2, nil, rand.NewPCG(1, 2))
	start := nf.StateText(m.State())
	ctx := nf.UntilInterrupt()
	history, err := nf.Fit(ctx, m.NLL(nil), targets.TwoModes{}, &nf.FitOptions{Steps: 100_000, BatchSize: 16, OnStep: func(s nf.Step) error {
		if s.Number == 5 {
			p, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = p.Signal(os.Interrupt)
			}
			if err != nil {
				return err
			}
			<-ctx.Done()
		}
		return nil
	}}, rand.NewPCG(1, 2))
	if err != nil || history.Stopped != "stopped after step 5 of 100000: interrupted" || history.Best != 5 || nf.StateText(m.State()) == start {
		t.Errorf("got error %v, %q and best step %d; want none, the fifth step, and what it learned", err, history.Stopped, history.Best)
	}
	if !errors.Is(context.Cause(ctx), nf.ErrStop) {
		t.Errorf("the cause is %v, want ErrStop", context.Cause(ctx))
	}
}
