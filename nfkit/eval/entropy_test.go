package eval_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// gaussModel is the normal distribution with the given means and standard deviations.
func gaussModel(mean, sd []float64) *nf.NormalizingFlow {
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(len(mean), nil), nil)
	for j := range mean {
		m.Params()[0].Data[j], m.Params()[1].Data[j] = mean[j], math.Log(sd[j])
	}
	return m
}

func uniformModel(dim int) *nf.NormalizingFlow {
	return nf.NewNormalizingFlow(nf.NewUniform(dim, nil), nil)
}

// Entropies and divergences are those of the formulas and of the literature.
func TestEntropyAndKL(t *testing.T) {
	p1, q1 := gaussModel([]float64{1}, []float64{2}), gaussModel([]float64{0}, []float64{3})
	p2, q2 := gaussModel([]float64{1, -1}, []float64{2, 0.3}), gaussModel([]float64{0, 0}, []float64{3, 1})
	p3, q3 := gaussModel([]float64{1, -1, 0}, []float64{2, 0.3, 1}), gaussModel([]float64{0, 0, 0}, []float64{3, 1, 1})
	h := 0.5 + 0.5*math.Log(2*math.Pi)
	kl := func(mean, s, r float64) float64 { return math.Log(r/s) + (s*s+mean*mean)/(2*r*r) - 0.5 }
	square := &eval.EvaluateOptions{Box: [][2]float64{{1, 2}, {-12, 16}}, Points: 1500}
	for _, c := range []struct {
		what string
		p    eval.Density
		q    eval.Density // nil for the entropy of p
		opts *eval.EvaluateOptions
		want float64
		tol  float64 // of quadrature
	}{
		{"H, 1-D", p1, nil, nil, h + math.Log(2), 1e-6},
		{"H, 2-D", p2, nil, nil, 2*h + math.Log(2*0.3), 1e-6},
		{"H, 3-D", p3, nil, nil, 3*h + math.Log(2*0.3), 0},
		{"H, 1-D, Monte Carlo", p1, nil, &eval.EvaluateOptions{MonteCarlo: true, Samples: 10_000}, h + math.Log(2), 0},
		{"H of TwoMoons", targets.TwoMoons{}, nil, nil, 1.571062, 1e-5},
		{"H of the tutorial's density", targets.UniformNormal{}, nil, square, 1.612086, 1e-5},
		{"KL, 1-D", p1, q1, nil, kl(1, 2, 3), 1e-6},
		{"KL, 2-D", p2, q2, nil, kl(1, 2, 3) + kl(1, 0.3, 1), 1e-6},
		{"KL, 3-D", p3, q3, nil, kl(1, 2, 3) + kl(1, 0.3, 1), 0},
		{"KL, 2-D, Monte Carlo", p2, q2, &eval.EvaluateOptions{MonteCarlo: true}, kl(1, 2, 3) + kl(1, 0.3, 1), 0},
		{"KL of a distribution and itself", p2, p2, nil, 0, 1e-15},
		{"KL of a uniform distribution", uniformModel(1), q1, &eval.EvaluateOptions{Box: [][2]float64{{-1, 1}}}, -math.Ln2 + math.Log(3) + 0.5*math.Log(2*math.Pi) + 1./54, 1e-6},
	} {
		var got eval.Estimate
		var err error
		if c.q == nil {
			got, err = eval.Entropy(c.p, c.opts, rand.NewPCG(1, 2))
		} else {
			got, err = eval.KL(c.p, c.q, c.opts, rand.NewPCG(1, 2))
		}
		switch off := math.Abs(got.Value - c.want); {
		case err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.tol > 0 && !(off <= c.tol):
			t.Errorf("%s = %v, want %v", c.what, got.Value, c.want)
		case c.tol == 0 && (!(off <= 4*got.Error) || got.Error > 0.02):
			t.Errorf("%s = %v ± %v, want %v", c.what, got.Value, got.Error, c.want)
		case c.tol > 0 && !(got.Error <= 0.01):
			t.Errorf("%s has an error of %v", c.what, got.Error)
		}
	}
}

// The error of quadrature is not far below what it is off.
func TestQuadratureKnowsItsError(t *testing.T) {
	got, err := eval.Entropy(targets.TwoMoons{}, &eval.EvaluateOptions{Points: 36}, rand.NewPCG(1, 2))
	if off := math.Abs(got.Value - 1.571062); err != nil || off < 1e-5 || off > got.Error {
		t.Errorf("with 36 points the entropy is %v ± %v, off by %v", got.Value, got.Error, off)
	}
}

func TestKLOfMissingSupport(t *testing.T) {
	got, err := eval.KL(gaussModel([]float64{0, 0}, []float64{1, 1}), uniformModel(2), nil, rand.NewPCG(1, 2))
	if err != nil || !math.IsInf(got.Value, 1) {
		t.Errorf("KL to a density that is 0 in places is %v with error %v, want +Inf", got.Value, err)
	}
}

// scaled is a density that does not integrate to 1, or is NaN.
type scaled struct {
	eval.Density
	shift float64
}

func (s scaled) LogProb(x mat.Matrix) []float64 {
	l := s.Density.LogProb(x)
	for i := range l {
		l[i] += s.shift
	}
	return l
}

func TestEvaluateErrors(t *testing.T) {
	p := gaussModel([]float64{0, 0}, []float64{1, 1})
	if _, err := eval.Entropy(scaled{p, math.Ln2}, nil, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), "integrates to 2 over the box") {
		t.Errorf("twice a density gives error %v", err)
	}
	if _, err := eval.KL(p, scaled{p, math.NaN()}, nil, rand.NewPCG(1, 2)); err == nil || !strings.Contains(err.Error(), "the result is NaN") {
		t.Errorf("a density that is NaN gives error %v", err)
	}
	if _, err := eval.Entropy(scaled{p, math.NaN()}, &eval.EvaluateOptions{MonteCarlo: true}, rand.NewPCG(1, 2)); err == nil {
		t.Error("a density that is NaN gives no error")
	}
	src := rand.NewPCG(1, 2)
	testkit.WantPanic(t, "got a nil density", func() { eval.Entropy(nil, nil, src) })
	testkit.WantPanic(t, "a box of 1 sides for dimension 2", func() { eval.Entropy(p, &eval.EvaluateOptions{Box: [][2]float64{{0, 1}}}, src) })
	testkit.WantPanic(t, "from 1 to 1", func() { eval.Entropy(p, &eval.EvaluateOptions{Box: [][2]float64{{0, 1}, {1, 1}}}, src) })
	testkit.WantPanic(t, "for Monte Carlo in dimension 3; they are for quadrature", func() {
		eval.Entropy(gaussModel(make([]float64, 3), []float64{1, 1, 1}), &eval.EvaluateOptions{Points: 10}, src)
	})
	testkit.WantPanic(t, "got 10 samples for quadrature in dimension 2", func() { eval.Entropy(p, &eval.EvaluateOptions{Samples: 10}, src) })
}
