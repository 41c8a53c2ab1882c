package simulators

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// The integration against a much finer one, over the prior and beyond.
func TestInfectedAgainstFinerSteps(t *testing.T) {
	for _, rates := range [][2]float64{{0.4, 0.125}, {0.1, 0.2}, {1.5, 0.07}, {3, 0.25}, {0.05, 0.05}, {8, 1}, {0, 0.3}, {0.3, 0}, {0, 0}} {
		got := SIR{}.Infected(rates[0], rates[1])
		for j, want := range infected(rates[0], rates[1], 40_000) {
			if !(math.Abs(got[j]-want) <= 1e-4*want) {
				t.Errorf("infected by the rates %v on day %d: %v, finer steps give %v", rates, j*sirDays, got[j], want)
			}
		}
	}
}

// Without infections the fraction decays; while it is small it grows exponentially; without recovery it is logistic.
func TestInfectedInClosedForm(t *testing.T) {
	for j, got := range (SIR{}).Infected(0, 0.1) {
		if want := sirFirst * math.Exp(-0.1*sirDays*float64(j)); !(math.Abs(got-want) <= 1e-4*want) {
			t.Errorf("without infections, on day %d: %v, want %v", j*sirDays, got, want)
		}
	}
	for j, got := range (SIR{}).Infected(0.2, 0) {
		if want := 1 / (1 + (1/sirFirst-1)*math.Exp(-0.2*sirDays*float64(j))); !(math.Abs(got-want) <= 1e-4*want) {
			t.Errorf("without recovery, on day %d: %v, want %v", j*sirDays, got, want)
		}
	}
}

// Posterior means and deviations of three observations, on a grid, against those of sbibm's 10 000 reference samples.
func TestPosteriorAgainstReferenceSamples(t *testing.T) {
	const n = 41
	for k, ref := range map[int]struct{ mean, sd [2]float64 }{
		1: {[2]float64{0.632520, 0.169482}, [2]float64{0.012572, 0.012223}},
		5: {[2]float64{0.311232, 0.115822}, [2]float64{0.003548, 0.003880}},
		8: {[2]float64{0.379055, 0.143582}, [2]float64{0.004772, 0.005439}},
	} {
		var task SIR
		_, x := task.Observation(k)
		grid := mat.NewDense(n*n, 2, nil)
		for i := range n * n {
			for j, at := range [2]int{i / n, i % n} {
				grid.Set(i, j, ref.mean[j]+6*ref.sd[j]*(2*float64(at)/(n-1)-1))
			}
		}
		prior, weights := task.Prior().LogProb(grid), task.LogLikelihood(grid, mat.NewDense(1, len(x), x))
		for i := range weights {
			weights[i] = math.Exp(weights[i] + prior[i] + 50)
		}
		for j := range 2 {
			mean, sd := stat.PopMeanStdDev(mat.Col(nil, j, grid), weights)
			if z := (mean - ref.mean[j]) / (ref.sd[j] / 100); !(math.Abs(z) <= 4) {
				t.Errorf("observation %d: the mean of parameter %d is %v, sbibm's %v: %.1f standard errors", k, j, mean, ref.mean[j], z)
			}
			if !(math.Abs(sd/ref.sd[j]-1) <= 4/math.Sqrt(2*10_000)) {
				t.Errorf("observation %d: the deviation of parameter %d is %v, sbibm's %v", k, j, sd, ref.sd[j])
			}
		}
	}
}
