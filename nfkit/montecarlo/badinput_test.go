package montecarlo_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
)

// A target that is wrong somewhere is an error of all that learns or samples, and its weights are NaN: none gives numbers that look right.
func TestBadTargets(t *testing.T) {
	of := func(f func(x *ad.Value) *ad.Value) nf.Target {
		return nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return f(x).Sub(x.Square().RowSum()) })
	}
	bad := map[string]nf.Target{
		"NaN below −1":     of(func(x *ad.Value) *ad.Value { return x.Shift(1).Log().Scale(0).RowSum() }),
		"+Inf above 1":     of(func(x *ad.Value) *ad.Value { return x.LogIndicator(math.Inf(-1), 1).RowSum().Neg() }),
		"NaN everywhere":   of(func(x *ad.Value) *ad.Value { return x.RowSum().Scale(math.NaN()) }),
		"+Inf everywhere":  of(func(x *ad.Value) *ad.Value { return x.RowSum().Scale(0).Shift(math.Inf(1)) }),
		"gradients of NaN": of(func(x *ad.Value) *ad.Value { return x.ReLU().Neg().Scale(0).Sqrt().RowSum() }),
	}
	ctx, base := context.Background(), nf.NewDiagGaussian(2, nil)
	model := nf.NewNormalizingFlow(base, nil)
	for name, target := range bad {
		src := rand.NewPCG(1, 2)
		layers := montecarlo.NewStochasticFlow(base, montecarlo.NewHamiltonianMonteCarlo(target, 2, 0.3, 3))
		for who, f := range map[string]func() error{
			"HamiltonianChains": func() error {
				_, err := montecarlo.HamiltonianChains(ctx, model, target, 50, 5, nil, src)
				return err
			},
			"AnnealedImportanceSample": func() error {
				_, err := montecarlo.AnnealedImportanceSample(ctx, base, target, 200, nil, src)
				return err
			},
			"SequentialMonteCarlo": func() error {
				_, err := montecarlo.SequentialMonteCarlo(ctx, base, target, 200, nil, src)
				return err
			},
			"CheckCoverage": func() error {
				_, err := montecarlo.CheckCoverage(ctx, model, target, base, 200, nil, src)
				return err
			},
			"FAB": func() error {
				_, err := montecarlo.NewFAB(model, target, 100, nil).LossGrad(nil, src)
				return err
			},
			"StochasticFlow.ReverseKL": func() error {
				_, err := layers.ReverseKL(target, 200).LossGrad(nil, src)
				return err
			},
			"NormalizingFlow.ReverseKL": func() error {
				_, err := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil).ReverseKL(target, 200, nil).LossGrad(nil, src)
				return err
			},
		} {
			err := f()
			if err == nil {
				t.Errorf("%s, a target that is %s: got no error", who, name)
			} else if text := err.Error(); !strings.Contains(text, "NaN") && !strings.Contains(text, "Inf") && !strings.Contains(text, "not finite") {
				t.Errorf("%s, a target that is %s: got the error %q, want one that says what was found", who, name, text)
			}
		}
		if strings.HasPrefix(name, "gradients") {
			continue
		}
		for who, logWeights := range map[string][]float64{
			"ImportanceSample": weightsOf(model.ImportanceSample(target, 500, src)),
			"SampleWeights":    weightsOf(layers.SampleWeights(target, 500, src)),
		} {
			if l := eval.LogNormalizer(logWeights).Value; !math.IsNaN(l) && !math.IsInf(l, 1) {
				t.Errorf("%s, a target that is %s: got ln Z = %v, want NaN or +Inf", who, name, l)
			}
			if _, _, err := montecarlo.IndependenceMetropolis(logWeights, src); err == nil {
				t.Errorf("IndependenceMetropolis of %s, a target that is %s: got no error", who, name)
			}
			if _, err := montecarlo.Resample(mat.NewDense(500, 1, nil), logWeights, 10, src); err == nil {
				t.Errorf("Resample of %s, a target that is %s: got no error", who, name)
			}
		}
	}
}

func weightsOf(_ *mat.Dense, logWeights []float64) []float64 { return logWeights }

// Gradients that explode: moves are rejected until the steps are small enough, and the distribution is right; or chains stay where they are, which is an
// error. Langevin's weights are NaN or small, never large.
func TestExplodingGradients(t *testing.T) {
	steep := func(c float64) nf.Target {
		return nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Scale(c).Square().Square().RowSum().Neg() })
	}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	chains := func(target nf.Target, warmUp int) (*montecarlo.Chains, error) {
		return montecarlo.HamiltonianChains(context.Background(), model, target, 200, 200, &montecarlo.ChainsOptions{WarmUp: warmUp, StepSize: 1}, rand.NewPCG(1, 2))
	}
	for _, scale := range []float64{1.5, 1000} {
		c, err := chains(steep(scale), 300)
		if err != nil {
			t.Fatal(err)
		}
		var mean float64
		for _, chain := range c.Column(0) {
			for _, x := range chain {
				mean += scale * scale * x * x / (200 * 200)
			}
		}
		// E[u²] under e^{−u⁴} is Γ(3/4)/Γ(1/4), of standard deviation 0.37: 40,000 draws that are worth 5000 have 5 standard errors of 0.026.
		if want := math.Gamma(0.75) / math.Gamma(0.25); math.Abs(mean-want) > 0.026 || c.StepSize > 1/scale {
			t.Errorf("the mean square is %v with steps of %v, want %v with small ones", mean, c.StepSize, want)
		}
	}
	cut := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.LogIndicator(-1, math.Inf(1)).Sub(x.Square()).RowSum() })
	for want, f := range map[string]func() (*montecarlo.Chains, error){
		"of the moves are accepted": func() (*montecarlo.Chains, error) { return chains(steep(1e6), 1) },
		"stays at z = [-":           func() (*montecarlo.Chains, error) { return chains(cut, 50) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "gradients may be too large") {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	m := montecarlo.NewStochasticFlow(nf.NewDiagGaussian(1, nil), montecarlo.NewLangevin(steep(1000), 1, 1, 5))
	_, logWeights := m.SampleWeights(steep(1000), 200, rand.NewPCG(1, 2))
	for i, l := range logWeights {
		if l > 0 {
			t.Fatalf("Langevin's point %d has the log-weight %v, want NaN or one below 0", i, l)
		}
	}
}

// A temperature of 0 is refused wherever there is one.
func TestTemperatures(t *testing.T) {
	base := nf.NewDiagGaussian(2, nil)
	model := nf.NewNormalizingFlow(base, nil)
	for want, f := range map[string]func(){
		"β = NaN, want a target, a base and a number from 0 to 1": func() { montecarlo.NewLinearInterpolation(broad, base, math.NaN()) },
		"β = 1.5, want a target, a base and a number from 0 to 1": func() { montecarlo.NewLinearInterpolation(broad, base, 1.5) },
		"got target <nil>": func() { montecarlo.NewLinearInterpolation(nil, base, 0.5) },
		"ReverseKL: got β = 0 in step 0": func() {
			_, _ = model.ReverseKL(broad, 10, &nf.ReverseKLOptions{Beta: func(int) float64 { return 0 }}).LossGrad(nil, rand.NewPCG(1, 2))
		},
		"got temperature 0, want a positive number": func() {
			cold := nf.NewDiagGaussian(2, nil)
			cold.Temperature = 0
			nf.NewNormalizingFlow(cold, nil).Sample(1, rand.NewPCG(1, 2))
		},
		"step size 0 and 1 steps":    func() { montecarlo.NewHamiltonianMonteCarlo(broad, 2, 0, 1) },
		"step size +Inf and 1 steps": func() { montecarlo.NewLangevin(broad, 2, math.Inf(1), 1) },
	} {
		testkit.WantPanic(t, want, f)
	}
}

// A target without a normaliser: annealing, and what rests on it, finds that it does not come to an end, or that points run away.
func TestNoNormalizer(t *testing.T) {
	ctx, base := context.Background(), nf.NewDiagGaussian(2, nil)
	model := nf.NewNormalizingFlow(base, nil)
	for name, target := range map[string]nf.Target{
		"constant": nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.RowSum().Scale(0) }),
		"growing":  nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Square().RowSum().Scale(0.1) }),
	} {
		if a, err := montecarlo.SequentialMonteCarlo(ctx, base, target, 100, nil, rand.NewPCG(1, 2)); err == nil {
			t.Errorf("%s: got %v", name, a)
		} else if !strings.Contains(err.Error(), "no normaliser") && !strings.Contains(err.Error(), "NaN") && !strings.Contains(err.Error(), "Inf") {
			t.Errorf("%s: got the error %v", name, err)
		}
		if c, err := montecarlo.CheckCoverage(ctx, model, target, base, 100, nil, rand.NewPCG(1, 2)); err == nil {
			t.Errorf("%s: got %v", name, c)
		}
	}
}
