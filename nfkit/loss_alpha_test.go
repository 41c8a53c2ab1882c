package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

func TestAlphaDivergenceGradient(t *testing.T) {
	const n = 70 // more than a shard
	m, target := testModel(2, 0), targets.TwoModes{Scale: 0.4}
	for _, alpha := range []float64{-0.5, 0.5, 2} {
		loss, err := m.AlphaDivergence(target, n, alpha, nil).LossGrad(nil, seedOfDraw())
		divergence := func() float64 {
			l, err := m.AlphaDivergence(target, n, alpha, nil).Loss(nil, seedOfDraw())
			return value(t, l, err)
		}
		if got := value(t, loss, err); got != divergence() {
			t.Errorf("α = %v: LossGrad gives %v, Loss %v", alpha, got, divergence())
		}
		checkLossGradient(t, m, divergence)
	}
}

// Between normal distributions, Rényi's divergence is known.
func TestAlphaDivergenceOfNormals(t *testing.T) {
	const n, mean, sd = 400_000, 0.5, 0.8
	m := normalModel(0, 0)
	for _, alpha := range []float64{-0.3, 0.4, 0.7, 2} {
		// p is N(mean, sd²), q is N(0, 1); Gil, Alajaji & Linder 2013, table 2.
		v := alpha + (1-alpha)*sd*sd
		want := (math.Log(1/sd) + math.Log(1/v)/(2*(alpha-1)) + alpha*mean*mean/(2*v)) / alpha
		got, err := m.AlphaDivergence(normalTarget(mean, sd), n, alpha, nil).Loss(nil, seedOfDraw())
		if value(t, got, err); math.Abs(got-want) > 0.01 { // about four standard errors
			t.Errorf("α = %v: AlphaDivergence = %v, want %v", alpha, got, want)
		}
		if got, _ := m.AlphaDivergence(normalTarget(0, 1), 10, alpha, nil).Loss(nil, seedOfDraw()); math.Abs(got) > 1e-12 {
			t.Errorf("α = %v: the divergence is %v at the target, want 0", alpha, got)
		}
	}
	got, _ := m.AlphaDivergence(normalTarget(mean, sd), 1000, 1e-7, nil).Loss(nil, seedOfDraw())
	if want, _ := m.ReverseKL(normalTarget(mean, sd), 1000, nil).Loss(nil, seedOfDraw()); math.Abs(got-want) > 1e-5 {
		t.Errorf("near α = 0 the divergence is %v, want the reverse KL of %v", got, want)
	}
}

// Doubly reparametrised gradients have the mean of the others, for few points as for many, and vanish at the target.
func TestDReG(t *testing.T) {
	const draws = 4000
	for _, n := range []int{1, 3} {
		for _, alpha := range []float64{0.5, 2} {
			m := normalModel(0.2, 0.1)
			var sum, squares [2]float64 // of the difference of the gradients of mean and logarithmic standard deviation
			a, b := rand.NewPCG(1, 2), rand.NewPCG(3, 4)
			for range draws {
				var difference [2]float64
				for sign, src := range map[float64]rand.Source{1: a, -1: b} {
					_, err := m.AlphaDivergence(normalTarget(0.5, 0.8), n, alpha, &nf.AlphaDivergenceOptions{DReG: sign > 0}).LossGrad(nil, src)
					if err != nil {
						t.Fatal(err)
					}
					for k := range difference {
						difference[k] += sign * m.Params()[k].Grad[0]
					}
				}
				for k, d := range difference {
					sum[k] += d
					squares[k] += d * d
				}
			}
			for k := range sum {
				if z := sum[k] / math.Sqrt(squares[k]); !(math.Abs(z) < 4.5) {
					t.Errorf("α = %v, %d points: the gradients of parameter %d differ by %v: %.1f standard errors", alpha, n, k, sum[k]/draws, z)
				}
			}
		}
	}
	m := normalModel(0.5, math.Log(0.8))
	for _, dreg := range []bool{false, true} {
		if _, err := m.AlphaDivergence(normalTarget(0.5, 0.8), 10, 2, &nf.AlphaDivergenceOptions{DReG: dreg}).LossGrad(nil, seedOfDraw()); err != nil {
			t.Fatal(err)
		}
		if g := m.Params()[1].Grad[0]; (math.Abs(g) < 1e-12) != dreg {
			t.Errorf("at the target with DReG %v the gradient is %v", dreg, g)
		}
	}
}

// Weights that no floating-point number holds do not overflow.
func TestAlphaDivergenceOfHugeWeights(t *testing.T) {
	m := normalModel(0, 0)
	for _, shift := range []float64{-5000, 5000} {
		target := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Scale(300).Shift(shift) })
		for _, dreg := range []bool{false, true} {
			loss, err := m.AlphaDivergence(target, 50, 2, &nf.AlphaDivergenceOptions{DReG: dreg}).LossGrad(nil, seedOfDraw())
			if err != nil || loss < shift || loss > shift+1500 {
				t.Errorf("the loss is %v with error %v, want about %v", loss, err, shift)
			}
		}
	}
}

// normalModel is N(mean, e^{2·logScale}) in one dimension.
func normalModel(mean, logScale float64) *nf.NormalizingFlow {
	m := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	m.Params()[0].Data[0], m.Params()[1].Data[0] = mean, logScale
	return m
}

// normalTarget is N(mean, sd²), normalised.
func normalTarget(mean, sd float64) nf.Target {
	return nf.TargetFunc(func(x, _ *ad.Value) *ad.Value {
		return x.Shift(-mean).Scale(1 / sd).Square().Scale(-0.5).Shift(-math.Log(sd) - 0.5*math.Log(2*math.Pi))
	})
}
