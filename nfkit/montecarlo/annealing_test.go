package montecarlo_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// Both estimate ln Z without bias, and their errors are as large as they say: over 30 runs the z-scores have mean 0 and variance 1.
func TestAnnealingNormalizer(t *testing.T) {
	const runs = 30
	base := nf.NewDiagGaussian(2, nil)
	for name, sample := range map[string]annealer{"AnnealedImportanceSample": montecarlo.AnnealedImportanceSample, "SequentialMonteCarlo": montecarlo.SequentialMonteCarlo} {
		var scores []float64
		for seed := range uint64(runs) {
			a, err := sample(context.Background(), base, targets.DoubleWell{}, 200, nil, rand.NewPCG(seed, 1))
			if err != nil {
				t.Fatal(err)
			}
			scores = append(scores, (a.LogNormalizer.Value-targets.DoubleWell{}.LogNormalizer())/a.LogNormalizer.Error)
			if seed == 0 {
				t.Logf("%s: %v", name, a)
			}
		}
		mean, sd := stat.MeanStdDev(scores, nil)
		// 5 standard errors of the mean, of which 0.3 may be bias; the standard deviation of 30 numbers is within 0.6 of 1.
		if t.Logf("%s: z-scores have mean %.2f and standard deviation %.2f", name, mean, sd); math.Abs(mean) > 0.3+5/math.Sqrt(runs) || sd > 1.6 || sd < 0.4 {
			t.Errorf("%s: z-scores have mean %.2f and standard deviation %.2f, want 0 and 1", name, mean, sd)
		}
	}
}

type annealer func(context.Context, nf.Base, nf.Target, int, *montecarlo.AnnealingOptions, rand.Source) (*montecarlo.Annealed, error)

// The points stand for the target: on given temperatures as well, and from a model.
func TestAnnealedPoints(t *testing.T) {
	const n = 2000
	model := nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2, Hidden: 8}, rand.NewPCG(1, 2))
	for name, o := range map[string]*montecarlo.AnnealingOptions{
		"adaptive": nil,
		"given":    {Betas: floats.Span(make([]float64, 21), 0, 1), Moves: 2, Leapfrogs: 3},
	} {
		for sampler, sample := range map[string]annealer{"AnnealedImportanceSample": montecarlo.AnnealedImportanceSample, "SequentialMonteCarlo": montecarlo.SequentialMonteCarlo} {
			a, err := sample(context.Background(), nf.NewModelBase(model), targets.DoubleWell{}, n, o, rand.NewPCG(3, 4))
			if err != nil {
				t.Fatal(err)
			}
			right, squares := make([]float64, n), make([]float64, n)
			for i := range right {
				if a.X.At(i, 0) > 0 {
					right[i] = 1
				}
				squares[i] = a.X.At(i, 1) * a.X.At(i, 1)
			}
			share, square := eval.Expectation(right, a.LogWeights), eval.Expectation(squares, a.LogWeights)
			// The error of the share is that of the first points that go there, which come from the base and move no more.
			if math.Abs(share.Value-0.844307) > 0.1 || math.Abs(square.Value-1) > 0.18 || math.Abs(a.LogNormalizer.Value-10.293480) > 0.2 {
				t.Errorf("%s, %s: got the share %v of the right well, %v as the second moment, and %v", sampler, name, share, square, a)
			}
			last := a.Steps[len(a.Steps)-1]
			if moved := !math.IsNaN(last.Acceptance); last.Beta != 1 || moved != (sampler == "SequentialMonteCarlo") {
				t.Errorf("%s, %s: the last step is %+v", sampler, name, last)
			}
			if late := a.Steps[len(a.Steps)-2]; name == "given" && math.Abs(late.Acceptance-0.7) > 0.15 {
				t.Errorf("%s, %s: the acceptance comes to %v, want about 0.7", sampler, name, late.Acceptance)
			}
		}
	}
}

// What the points are does not depend on the number of cores.
func TestAnnealingOnCores(t *testing.T) {
	var first *montecarlo.Annealed
	testkit.OnCores(func(cores int) {
		a, err := montecarlo.SequentialMonteCarlo(context.Background(), nf.NewDiagGaussian(4, nil), targets.ManyWell{Dims: 4}, 500, nil, rand.NewPCG(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = a
		} else if !floats.Equal(a.X.RawMatrix().Data, first.X.RawMatrix().Data) || !floats.Equal(a.LogWeights, first.LogWeights) {
			t.Errorf("%d cores give other points", cores)
		}
	})
}

// Points that are cut off end the run with what is wrong.
func TestAnnealingErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	of := func(f func(x *ad.Value) *ad.Value) nf.Target {
		return nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return f(x) })
	}
	for want, c := range map[string]struct {
		ctx    context.Context
		target nf.Target
	}{
		"ended at β = 0: context canceled":                 {cancelled, targets.DoubleWell{}},
		"the log-density of the target is NaN at x":        {context.Background(), of(func(x *ad.Value) *ad.Value { return x.Log().RowSum() })},
		"the log-density of the target is +Inf at x":       {context.Background(), of(func(x *ad.Value) *ad.Value { return x.Scale(1e308).Scale(10).Square().RowSum() })},
		"the density of the target is 0 at all 300 points": {context.Background(), of(func(x *ad.Value) *ad.Value { return x.LogIndicator(50, 60).RowSum() })},
		"the target may have no normaliser":                {context.Background(), of(func(x *ad.Value) *ad.Value { return x.RowSum().Scale(0) })},
		"its gradient, is NaN on a trajectory": {context.Background(), of(func(x *ad.Value) *ad.Value {
			return x.Square().RowSum().Neg().Add(x.ReLU().Neg().Scale(0).Sqrt().RowSum()) // 0, of gradient 0/0
		})},
	} {
		a, err := montecarlo.SequentialMonteCarlo(c.ctx, nf.NewDiagGaussian(2, nil), c.target, 300, nil, rand.NewPCG(1, 2))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v and error %v, want one with %q", a, err, want)
		}
		if c.ctx == cancelled && !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want one that is context.Canceled", err)
		}
	}
	base := nf.NewDiagGaussian(2, nil)
	for want, o := range map[string]montecarlo.AnnealingOptions{
		"got β = 0.2 after 0.5":      {Betas: []float64{0.5, 0.2, 1}},
		"got 0.5 as the last β":      {Betas: []float64{0, 0.5}},
		"got β = +Inf after 0.5":     {Betas: []float64{0.5, math.Inf(1)}},
		"got β = 0 after 0.5":        {Betas: []float64{0.5, 0}},
		"got StepSize NaN":           {StepSize: math.NaN()},
		"got ConditionalESS 1, want": {ConditionalESS: 1},
		"got -1 moves":               {Moves: -1},
	} {
		testkit.WantPanic(t, want, func() {
			_, _ = montecarlo.SequentialMonteCarlo(context.Background(), base, targets.DoubleWell{}, 300, &o, rand.NewPCG(1, 2))
		})
	}
}

func TestResample(t *testing.T) {
	x := mat.NewDense(4, 1, []float64{0, 1, 2, 3})
	inf := math.Inf(-1)
	y, err := montecarlo.Resample(x, []float64{math.Log(1) + 900, inf, math.Log(2) + 900, math.Log(1) + 900}, 400, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, 4)
	for _, v := range y.RawMatrix().Data {
		counts[int(v)]++
	}
	if !slices.Equal(counts, []int{100, 0, 200, 100}) {
		t.Errorf("rows come %v times, want 100, 0, 200, 100", counts)
	}
	// Rows whose share is no whole number come once or not at all, on average as often as they should.
	var often float64
	for seed := range uint64(4000) {
		y, err := montecarlo.Resample(x, []float64{0, 0, 0, math.Log(0.2)}, 1, rand.NewPCG(seed, 0))
		if err != nil {
			t.Fatal(err)
		}
		if y.At(0, 0) == 3 {
			often++
		}
	}
	if share := often / 4000; math.Abs(share-0.0625) > 0.02 { // 5 standard errors
		t.Errorf("a row of the share 1/16 comes with frequency %v", share)
	}
	for want, w := range map[string][]float64{"weight 1 is NaN": {0, math.NaN(), 0, 0}, "all 4 weights are 0": {inf, inf, inf, inf}} {
		if _, err := montecarlo.Resample(x, w, 4, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	testkit.WantPanic(t, "got 4 points of 4 rows with 2 weights", func() { _, _ = montecarlo.Resample(x, []float64{0, 0}, 4, rand.NewPCG(1, 2)) })
}
