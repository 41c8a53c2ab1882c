package montecarlo_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// splines is a model of independent components, which double wells have.
func splines(dim int) *nf.NormalizingFlow {
	return nf.NewNormalizingFlow(nf.NewDiagGaussian(dim, nil), []nf.Flow{nf.NewElementwiseRationalQuadraticSpline(dim, &nf.SplineOptions{Bound: 4}, rand.NewPCG(1, 2))})
}

// The reverse KL of a narrow start loses a well of a double one, and FAB finds both; the check of coverage tells them apart, and weights alone do not.
func TestFAB(t *testing.T) {
	target := targets.DoubleWell{}
	check := func(m *nf.NormalizingFlow) *montecarlo.Coverage {
		c, err := montecarlo.CheckCoverage(context.Background(), m, target, nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), 2000, nil, rand.NewPCG(5, 6))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	lost := splines(2)
	copy(lost.Params()[0].Data, []float64{1.7, 0})           // the mean is in the well on the right
	copy(lost.Params()[1].Data, []float64{math.Log(0.2), 0}) // which the model does not leave
	if _, err := nf.Fit(context.Background(), lost.ReverseKL(target, 64, nil), nil, &nf.FitOptions{Steps: 200, Schedule: nf.Cosine(0.01, 0, 200)}, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	c := check(lost)
	if !c.ModeLost() || math.Abs(c.Missed.Value-(1-0.844307)) > 4*c.Missed.Error || !strings.Contains(c.String(), "lost a mode") {
		t.Errorf("one well: got %v", c)
	}
	if c.EffectiveSampleSize < 1000 || c.ParetoShape > 0.5 {
		t.Errorf("one well: the weights of the model look bad: %v", c)
	}

	found := splines(2)
	if _, err := nf.Fit(context.Background(), montecarlo.NewFAB(found, target, 64, nil), nil, &nf.FitOptions{Steps: 200, Schedule: nf.Cosine(0.02, 0, 200)}, rand.NewPCG(1, 2)); err != nil {
		t.Fatal(err)
	}
	_, logWeights := found.ImportanceSample(target, 10_000, rand.NewPCG(3, 4))
	if ess := eval.EffectiveSampleSize(logWeights) / 10_000; ess < 0.8 {
		t.Errorf("FAB: 10,000 points are worth %.2f of their number, want 0.8 or more", ess)
	}
	if l := eval.LogNormalizer(logWeights); math.Abs(l.Value-target.LogNormalizer()) > 5*l.Error {
		t.Errorf("FAB: ln Z is %v, want %v", l, target.LogNormalizer())
	}
	if c := check(found); c.ModeLost() || c.Missed.Value > 0.01 || c.KL.Value > 0.2 {
		t.Errorf("FAB: got %v", c)
	}
}

// The gradient of FAB is that of the cross-entropy of p²/q and q. For q = N(0, 1) and p = N(0.3, 0.9²), p²/q is normal too.
func TestFABGradient(t *testing.T) {
	const runs, mean, variance = 30, 0.3, 0.81
	target := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Shift(-mean).Square().Scale(-0.5 / variance).RowSum() })
	var loc, scale []float64
	for seed := range uint64(runs) {
		m := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
		f := montecarlo.NewFAB(m, target, 300, &montecarlo.FABOptions{Updates: 1, Buffer: 4, Temperatures: 2, Moves: 2})
		if _, err := f.LossGrad(nil, rand.NewPCG(seed, 1)); err != nil {
			t.Fatal(err)
		}
		loc, scale = append(loc, m.Params()[0].Grad[0]), append(scale, m.Params()[1].Grad[0])
	}
	precision := 2/variance - 1
	at := 2 * mean / variance / precision // 0.504
	for name, g := range map[string]struct {
		got  []float64
		want float64
	}{"mean": {loc, -at}, "logarithmic standard deviation": {scale, 1 - 1/precision - at*at}} {
		got, sd := stat.MeanStdDev(g.got, nil)
		if math.Abs(got-g.want) > 4.5*sd/math.Sqrt(runs)+0.01 { // 0.01 for what is drawn without replacement
			t.Errorf("the gradient of the %s is %v ± %v, want %v", name, got, sd/math.Sqrt(runs), g.want)
		}
	}
}

func TestFABState(t *testing.T) {
	f := montecarlo.NewFAB(splines(2), targets.DoubleWell{}, 32, nil)
	state := f.State()
	if got := state[len(state)-1]; got.Name != "fab.step_size" || len(got.Floats) != 5 {
		t.Errorf("the state ends in %+v, want the sizes of 5 steps", got)
	}
	before := append([]float64(nil), state[len(state)-1].Floats...)
	var losses []float64
	testkit.OnCores(func(int) {
		f := montecarlo.NewFAB(splines(2), targets.DoubleWell{}, 32, nil)
		src := rand.NewPCG(1, 2)
		var loss float64
		for range 6 {
			l, err := f.LossGrad(nil, src)
			if err != nil {
				t.Fatal(err)
			}
			loss += l
		}
		losses = append(losses, loss)
	})
	if losses[0] != losses[1] || losses[0] != losses[2] {
		t.Errorf("losses differ with the number of cores: %v", losses)
	}
	if _, err := f.LossGrad(nil, rand.NewPCG(1, 2)); err != nil || floats.Equal(before, state[len(state)-1].Floats) {
		t.Errorf("the sizes of steps stay at %v (%v)", before, err)
	}
	holed := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Log().RowSum() })
	if _, err := montecarlo.NewFAB(splines(2), holed, 32, nil).LossGrad(nil, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), "FAB: the log-density of the target is NaN") {
		t.Errorf("got error %v", err)
	}
	testkit.WantPanic(t, "NewFAB: got a model that is nil: true", func() { montecarlo.NewFAB(nil, holed, 32, nil) })
	testkit.WantPanic(t, "a buffer of as many batches", func() { montecarlo.NewFAB(splines(2), holed, 32, &montecarlo.FABOptions{Buffer: 2}) })
}
