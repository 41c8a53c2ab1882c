package eval_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
)

// Numbers of R's loo 2.5.1, made by testdata/chains.R.
func TestParetoSmoothAgreesWithReference(t *testing.T) {
	for _, c := range []struct{ shape, k, logMean, spread float64 }{
		{0.3, 0.278631668503663, 0.344282548196842, 2.28755676070748},
		{0.9, 0.822721142313401, 1.67247737000912, 6.56761140878615},
	} {
		logWeights := make([]float64, 1000)
		for i := range logWeights {
			logWeights[i] = -c.shape * math.Log(hashed(i+1, 5))
		}
		smoothed, k := eval.ParetoSmooth(logWeights)
		logMean := eval.LogNormalizer(smoothed).Value
		spread := slices.Max(smoothed) - slices.Min(smoothed)
		for what, x := range map[string][2]float64{"k": {k, c.k}, "the mean": {logMean, c.logMean}, "the spread": {spread, c.spread}} {
			if !(math.Abs(x[0]-x[1]) <= 1e-7) {
				t.Errorf("shape %v: %s is %v, want %v", c.shape, what, x[0], x[1])
			}
		}
	}
}

// pareto returns log-weights whose tail has the shape k.
func pareto(n int, k float64, src rand.Source) []float64 {
	r, l := rand.New(src), make([]float64, n)
	for i := range l {
		l[i] = k * r.ExpFloat64()
	}
	return l
}

// k̂ is the shape of the tail. Smoothing keeps the order, the largest weight and what is below the tail, moves with a
// factor, and makes estimates better.
func TestParetoSmooth(t *testing.T) {
	for _, shape := range []float64{0.2, 0.5, 0.8, 1.2} {
		const n, repeats = 4000, 40
		var mean, raw, smooth float64
		for seed := range uint64(repeats) {
			l := pareto(n, shape, rand.NewPCG(seed, 3))
			s, k := eval.ParetoSmooth(l)
			mean += k / repeats
			moved := slices.Clone(l)
			for i := range moved {
				moved[i] += 800 // beyond the range of float64
			}
			sm, km := eval.ParetoSmooth(moved)
			order := make([]int, n)
			for i := range order {
				order[i] = i
			}
			slices.SortFunc(order, func(i, j int) int { return int(math.Copysign(1, l[i]-l[j])) })
			changed, top := 0, slices.Max(l)
			for at, i := range order {
				if s[i] != l[i] {
					changed++
				}
				if at > 0 && s[i] < s[order[at-1]] || s[i] > top || math.Abs(sm[i]-800-s[i]) > 1e-9 || at < n-190 && s[i] != l[i] {
					t.Fatalf("shape %v: log-weight %v becomes %v, moved %v", shape, l[i], s[i], sm[i])
				}
			}
			if changed < 100 || math.Abs(km-k) > 1e-9 {
				t.Fatalf("shape %v: %d weights are smoothed; k is %v, and of moved weights %v", shape, changed, k, km)
			}
			if truth := -math.Log(1 - shape); shape == 0.5 || shape == 0.8 {
				raw += math.Abs(eval.LogNormalizer(l).Value - truth)
				smooth += math.Abs(eval.LogNormalizer(s).Value - truth)
			}
		}
		if !(math.Abs(mean-shape) <= 0.1) { // 190 tail weights: 0.1 in each of 40 repeats; the prior draws to 0.5 by a twentieth
			t.Errorf("the mean k of weights of shape %v is %v", shape, mean)
		}
		if smooth > raw {
			t.Errorf("shape %v: smoothed estimates are off by %v, others by %v", shape, smooth/repeats, raw/repeats)
		}
	}
}

func TestParetoSmoothAtExtremes(t *testing.T) {
	inf := math.Inf(1)
	distinct := pareto(100, 0.5, rand.NewPCG(1, 2))
	for what, c := range map[string]struct {
		l    []float64
		want float64
	}{
		"no weights":      {nil, inf},
		"one":             {[]float64{3}, inf},
		"equal weights":   {make([]float64, 100), -inf},
		"zeros":           {[]float64{-inf, -inf, -inf, -inf, -inf, -inf}, -inf},
		"one above zeros": {append(slices.Repeat([]float64{-inf}, 99), 1), inf},
		"NaN":             {append(slices.Clone(distinct), math.NaN()), math.NaN()},
		"infinite":        {append(slices.Clone(distinct), inf), math.NaN()},
	} {
		s, k := eval.ParetoSmooth(c.l)
		if !(k == c.want || math.IsNaN(k) && math.IsNaN(c.want)) {
			t.Errorf("%s: k is %v, want %v", what, k, c.want)
		}
		for i, l := range c.l {
			if s[i] != l && !math.IsNaN(l) {
				t.Errorf("%s: log-weight %v becomes %v", what, l, s[i])
			}
		}
	}
	if s, k := eval.ParetoSmooth(append(slices.Repeat([]float64{-inf}, 900), distinct...)); !(k < 1.5) || s[0] != -inf {
		t.Errorf("with many zeros k is %v, and a zero becomes %v", k, s[0])
	}
	if got := []float64{eval.ParetoThreshold(100), eval.ParetoThreshold(1e6)}; math.Abs(got[0]-0.5) > 1e-12 || got[1] != 0.7 {
		t.Errorf("the thresholds are %v", got)
	}
}
