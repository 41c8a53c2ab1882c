package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/targets/simulators"
)

// Particles against exact draws, and against the means and deviations of the benchmark's reference samples.
func TestParticles(t *testing.T) {
	const n = 10_000
	check := func(what string, got *mat.Dense, mean, sd []float64) {
		t.Helper()
		for j := range mean {
			m, s := stat.MeanStdDev(mat.Col(nil, j, got), nil)
			if !(math.Abs(m-mean[j]) <= 0.12*sd[j]) || !(math.Abs(s/sd[j]-1) <= 0.1) { // 4 standard errors of the 1000 that were copied
				t.Errorf("%s: mean and deviation of parameter %d are %.5f and %.5f, want %.5f and %.5f", what, j, m, s, mean[j], sd[j])
			}
		}
	}
	for _, task := range []simulators.Exact{simulators.TwoMoons{}, simulators.GaussianLinear{}} {
		_, x := task.Observation(2)
		exact := task.SamplePosterior(20_000, x, rand.NewPCG(1, 2))
		var mean, sd []float64
		for j := range task.Prior().Dim() {
			m, s := stat.MeanStdDev(mat.Col(nil, j, exact), nil)
			mean, sd = append(mean, m), append(sd, s)
		}
		check(task.Name(), newParticles(task, x, n, rand.NewPCG(3, 4)).posterior(), mean, sd)
	}
	_, x := simulators.SIR{}.Observation(1)
	check("sir", newParticles(simulators.SIR{}, x, n/2, rand.NewPCG(3, 4)).posterior(), []float64{0.632520, 0.169482}, []float64{0.012572, 0.012223})
	_, x = simulators.SLCP{}.Observation(1)
	got := newParticles(simulators.SLCP{}, x, n, rand.NewPCG(3, 4)).posterior()
	var quadrants [4]int // of the parameters of which only the squares matter
	for i := range n {
		k := 0
		if got.At(i, 2) > 0 {
			k++
		}
		if got.At(i, 3) > 0 {
			k += 2
		}
		quadrants[k]++
	}
	for k, c := range quadrants {
		if c < n/4-n/50 || c > n/4+n/50 {
			t.Errorf("slcp: quadrant %d has %d of %d particles", k, c, n)
		}
	}
}
