package nfkit_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// scaled is a sampler whose points are multiplied by a factor.
type scaled struct {
	of     nf.Sampler
	factor float64
}

func (s scaled) Sample(n int, src rand.Source) *mat.Dense {
	x := s.of.Sample(n, src)
	x.Scale(s.factor, x)
	return x
}

// A run that ends with a useless model is an error.
func TestNothingLearned(t *testing.T) {
	moons := targets.TwoMoons{}
	huge := scaled{moons, 1e6}
	adam := func(m *nf.NormalizingFlow, rate float64) *nf.Adam {
		return nf.NewAdam(m.Params(), &nf.AdamOptions{LearningRate: rate})
	}
	for name, c := range map[string]struct {
		want      string
		data      nf.Sampler
		objective func(m *nf.NormalizingFlow) nf.Objective
		opts      func(m *nf.NormalizingFlow) nf.FitOptions
	}{
		"a large scale":         {want: "that of a normal distribution for each column", data: huge},
		"a large scale of rows": {want: "that of a normal distribution for each column", data: nf.NewRows(huge.Sample(100, rand.NewPCG(1, 2)))},
		"a large scale, validated": {want: "that of a normal distribution for each column", data: huge, opts: func(*nf.NormalizingFlow) nf.FitOptions {
			return nf.FitOptions{Validation: huge.Sample(100, rand.NewPCG(1, 2))}
		}},
		"a large rate": {want: "the loss went from", data: moons, opts: func(m *nf.NormalizingFlow) nf.FitOptions { return nf.FitOptions{Adam: adam(m, 10)} }},
		"a large rate, validated": {want: "the loss went from", data: moons, opts: func(m *nf.NormalizingFlow) nf.FitOptions {
			return nf.FitOptions{Adam: adam(m, 10), Validation: moons.Sample(100, rand.NewPCG(1, 2)), ValidateEvery: 40, SkipNonFinite: true}
		}},
		"a large rate without data": {want: "the loss went from", objective: func(m *nf.NormalizingFlow) nf.Objective { return m.ReverseKL(targets.TwoModes{}, 64, nil) },
			opts: func(m *nf.NormalizingFlow) nf.FitOptions { return nf.FitOptions{Adam: adam(m, 10)} }},
	} {
		m := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16}, rand.NewPCG(1, 2))
		o := nf.FitOptions{}
		if c.opts != nil {
			o = c.opts(m)
		}
		o.Steps = 60
		objective := m.NLL(nil)
		if c.objective != nil {
			objective = c.objective(m)
		}
		if _, err := nf.Fit(t.Context(), objective, c.data, &o, rand.NewPCG(3, 4)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", name, err, c.want)
		}
	}
}

// The same holds for a loss of one's own.
func TestNothingLearnedOfARegression(t *testing.T) {
	net := nf.NewMLP([]int{1, 16, 16, 1}, nil, rand.NewPCG(1, 2))
	objective := nf.NewObjective(net.State(), 2, func(v *ad.Value) *ad.Value {
		return net.Apply(v.Slice(0, 1), nil).Sub(v.Slice(1, 2)).Square().RowSum()
	})
	adam := nf.NewAdam(net.State().Params(), &nf.AdamOptions{LearningRate: 10})
	history, err := nf.Fit(t.Context(), objective, targets.TwoMoons{}, &nf.FitOptions{Steps: 60, Adam: adam}, rand.NewPCG(1, 2))
	if err == nil || !strings.Contains(err.Error(), "the loss went from") {
		t.Errorf("losses %v and error %v, want one that the loss has grown", history.Loss, err)
	}
}

// A run that has nothing to learn, goes on with one that has learned, or is stopped before it could, is none.
func TestSomethingLearned(t *testing.T) {
	src := rand.NewPCG(1, 2)
	normal := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	m := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16}, src)
	adam := nf.NewAdam(m.Params(), nil)
	moons := targets.TwoMoons{}
	stop := func(nf.Step) error { return nf.ErrStop }
	for name, run := range map[string]func() error{
		"an optimal start": func() error {
			for _, validation := range []mat.Matrix{nil, normal.Sample(300, src)} {
				n := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 16}, src)
				if _, err := nf.Fit(t.Context(), n.NLL(nil), normal, &nf.FitOptions{Steps: 40, BatchSize: 64, Validation: validation}, src); err != nil {
					return err
				}
			}
			return nil
		},
		"an optimal start without data": func() error {
			target := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return normalLog(x) })
			_, err := nf.Fit(t.Context(), m.Clone().ReverseKL(target, 64, nil), nil, &nf.FitOptions{Steps: 20}, src)
			return err
		},
		"one step, and then others": func() error {
			for steps := 1; steps < 5; steps++ {
				if _, err := nf.Fit(t.Context(), m.NLL(nil), moons, &nf.FitOptions{Steps: steps, Adam: adam}, src); err != nil {
					return err
				}
			}
			return nil
		},
		"a stop at once": func() error {
			n := m.Clone()
			_, err := nf.Fit(t.Context(), n.NLL(nil), scaled{moons, 1e6}, &nf.FitOptions{OnStep: stop}, src)
			return err
		},
		"a few rows that are all learned": func() error {
			_, err := nf.Fit(t.Context(), m.Clone().NLL(nil), nf.NewRows(moons.Sample(3, src)), &nf.FitOptions{Steps: 200}, src)
			return err
		},
		"constant data": func() error {
			_, err := nf.Fit(t.Context(), m.Clone().NLL(nil), nf.NewRows(mat.NewDense(10, 2, nil)), &nf.FitOptions{Steps: 10}, src)
			return err
		},
	} {
		if err := run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func normalLog(x *ad.Value) *ad.Value { return x.Square().RowSum().Scale(-0.5) }

// A run that goes on says how many steps there are to be: no number of them is the default for an optimiser that has taken some.
func TestResumingWantsSteps(t *testing.T) {
	m := testModel(2, 0)
	moons := targets.TwoMoons{}
	adam := nf.NewAdam(m.Params(), nil)
	nf.Must(nf.Fit(t.Context(), m.NLL(nil), moons, &nf.FitOptions{Steps: 3, BatchSize: 16, Adam: adam}, rand.NewPCG(1, 2)))
	testkit.WantPanic(t, "got no Steps and an Adam that has taken 3", func() {
		nf.Fit(t.Context(), m.NLL(nil), moons, &nf.FitOptions{Adam: adam}, rand.NewPCG(1, 2))
	})
	history := nf.Must(nf.Fit(t.Context(), m.NLL(nil), nf.NewRows(moons.Sample(16, rand.NewPCG(1, 2))), &nf.FitOptions{Epochs: 5, Adam: adam}, rand.NewPCG(1, 2)))
	if len(history.Loss) != 2 || adam.Steps() != 5 {
		t.Errorf("5 epochs of a batch each, after 3 steps, took %d steps to step %d, want 2 to step 5", len(history.Loss), adam.Steps())
	}
}

// Fit remarks on data that a model cannot learn well, names the columns, and on no others.
func TestRemarks(t *testing.T) {
	column := func(j int, f func(v float64) float64) *mat.Dense {
		x := testkit.NormalRows(200, 3, 1)
		for i := range 200 {
			x.Set(i, j, f(x.At(i, j)))
		}
		return x
	}
	spline := func(x mat.Matrix) *nf.NormalizingFlow {
		return nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Layers: 1, Hidden: 8, Context: 1, Standardize: x}, Coupling: true}, rand.NewPCG(1, 2))
	}
	affine := func(x mat.Matrix) *nf.NormalizingFlow {
		return nf.NewMAF(2, &nf.ModelOptions{Layers: 1, Hidden: 8, Context: 1, Standardize: x}, rand.NewPCG(1, 2))
	}
	far := column(1, func(v float64) float64 { return 1e3 * v })
	for name, c := range map[string]struct {
		model *nf.NormalizingFlow
		rows  *mat.Dense
		want  []string
	}{
		"ordinary data":   {spline(nil), testkit.NormalRows(200, 3, 1), nil},
		"a constant":      {affine(nil), column(0, func(float64) float64 { return 3 }), []string{"column 0 of the data is 3 in all 200 rows"}},
		"a large scale":   {affine(nil), far, []string{"column 1 of the data has mean"}},
		"a small scale":   {affine(nil), column(1, func(v float64) float64 { return 1e-3 * v }), []string{"column 1 of the data has mean"}},
		"a large mean":    {affine(nil), column(0, func(v float64) float64 { return 100 + v }), []string{"column 0 of the data has mean 100 and standard deviation"}},
		"a context":       {affine(nil), column(2, func(v float64) float64 { return 1e4 + v }), []string{"column 0 of the context has mean 1e+04"}},
		"a spline":        {spline(nil), column(1, func(v float64) float64 { return 6 * v }), []string{"of the interval that flow 0 (Coupling(RationalQuadraticSpline 8 bins"}},
		"standardized":    {affine(far.Slice(0, 200, 0, 2)), far, nil},
		"one row":         {affine(nil), testkit.NormalRows(1, 3, 1), []string{"the data are a single row"}},
		"spline and mean": {spline(nil), column(1, func(v float64) float64 { return 1e3 + v }), []string{"column 1 of the data has mean 1e+03", "100 % of column"}},
	} {
		var line bytes.Buffer
		history, err := nf.Fit(t.Context(), c.model.NLL(nil), nf.NewRows(c.rows), &nf.FitOptions{Steps: 2, Progress: nf.ProgressLine(&line)}, rand.NewPCG(1, 2))
		if err != nil && !strings.Contains(err.Error(), "nothing was learned") {
			t.Fatalf("%s: %v", name, err)
		}
		if len(history.Remarks) != len(c.want) {
			t.Errorf("%s: remarks %q, want %d with %q", name, history.Remarks, len(c.want), c.want)
			continue
		}
		for i, r := range history.Remarks {
			if !strings.Contains(r, c.want[i]) || !strings.Contains(line.String(), "\nremark: "+r+"\n") {
				t.Errorf("%s: remark %q and output %q, want %q in both", name, r, line.String(), c.want[i])
			}
		}
	}
	wide := testkit.NormalRows(50, 8, 1)
	wide.Scale(100, wide)
	m := nf.NewRealNVP(8, &nf.ModelOptions{Layers: 1, Hidden: 8}, rand.NewPCG(1, 2))
	history, _ := nf.Fit(t.Context(), m.NLL(nil), nf.NewRows(wide), &nf.FitOptions{Steps: 1}, rand.NewPCG(1, 2))
	if got := fmt.Sprint(history.Remarks); strings.Count(got, "of the data has mean") != 3 || !strings.Contains(got, "and 5 more") {
		t.Errorf("remarks %s, want three columns named and 5 more counted", got)
	}
}

// Validations come as often as they are asked for, however few the rows.
func TestFewRowsAreValidated(t *testing.T) {
	for _, rows := range []int{1, 3, 10} {
		m := testModel(2, 0)
		x := testkit.NormalRows(rows, 2, 1)
		history, err := nf.Fit(t.Context(), m.NLL(nil), nf.NewRows(x), &nf.FitOptions{Epochs: 20, Validation: x, ValidateEvery: 2, Patience: 100}, rand.NewPCG(1, 2))
		if err != nil || len(history.Loss) != 20 || len(history.Validation) != 11 {
			t.Errorf("20 epochs of %d rows: %d steps and %d validations, error %v, want 20 and 11", rows, len(history.Loss), len(history.Validation), err)
		}
		if math.IsNaN(history.Loss[0]) {
			t.Errorf("%d rows: the first loss is NaN", rows)
		}
	}
}
