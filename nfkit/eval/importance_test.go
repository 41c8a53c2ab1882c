package eval_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestWeightsAtExtremes(t *testing.T) {
	none := math.Inf(-1)
	for _, c := range []struct {
		logWeights        []float64
		ess, logZ, stdErr float64
	}{
		{[]float64{1, 1, 1, 1}, 4, 1, 0},
		{[]float64{1e4, 1e4, none, none}, 2, 1e4 - math.Ln2, math.Sqrt(1. / 3)},
		{[]float64{-1e4, none, none}, 1, -1e4 - math.Log(3), 1},
		{[]float64{none, none}, 0, none, math.Inf(1)},
		{[]float64{none, math.NaN()}, math.NaN(), math.NaN(), math.NaN()},
		{[]float64{0, math.Inf(1)}, math.NaN(), math.Inf(1), math.NaN()},
		{[]float64{math.Inf(1), math.NaN()}, math.NaN(), math.NaN(), math.NaN()},
		{nil, 0, math.NaN(), math.NaN()},
	} {
		z := eval.LogNormalizer(c.logWeights)
		for what, got := range map[string][2]float64{
			"EffectiveSampleSize": {eval.EffectiveSampleSize(c.logWeights), c.ess}, "LogNormalizer": {z.Value, c.logZ}, "its error": {z.Error, c.stdErr},
		} {
			if same := got[0] == got[1] || math.Abs(got[0]-got[1]) < 1e-12 || math.IsNaN(got[0]) && math.IsNaN(got[1]); !same {
				t.Errorf("%v: %s is %v, want %v", c.logWeights, what, got[0], got[1])
			}
		}
	}
}

// Means of a function are those under the target, and the error says how far off.
func TestExpectation(t *testing.T) {
	const n, repeats = 2000, 100
	var bias, squares float64
	for seed := range uint64(repeats) {
		x := testkit.NormalRows(n, 1, seed).RawMatrix().Data // N(0, 1), for N(½, 1): w ∝ exp(x/2)
		logWeights, values := make([]float64, n), make([]float64, n)
		for i, v := range x {
			logWeights[i], values[i] = v/2+900, v*v // beyond the range of float64
		}
		got := eval.Expectation(values, logWeights)
		z := (got.Value - 1.25) / got.Error
		bias += z / repeats
		squares += z * z / repeats
	}
	if math.Abs(bias) > 0.5 || squares < 0.5 || squares > 1.7 { // 4·√(1/100), 4·√(2/100)
		t.Errorf("estimates are off by %.2f errors in the mean, %.2f squared, want 0 and 1", bias, squares)
	}
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		values, logWeights []float64
		want               eval.Estimate
	}{
		{[]float64{1, 3}, []float64{0, 0}, eval.Estimate{Value: 2, Error: math.Sqrt(0.5)}},
		{[]float64{nan, 3}, []float64{-inf, 0}, eval.Estimate{Value: 3}}, // not looked at
		{[]float64{1, 3}, []float64{-inf, -inf}, eval.Estimate{Value: nan, Error: nan}},
		{[]float64{1, 3}, []float64{0, nan}, eval.Estimate{Value: nan, Error: nan}},
		{[]float64{1, 3}, []float64{0, inf}, eval.Estimate{Value: nan, Error: nan}},
		{nil, nil, eval.Estimate{Value: nan, Error: nan}},
	} {
		got := eval.Expectation(c.values, c.logWeights)
		same := func(a, b float64) bool { return math.Abs(a-b) < 1e-15 || math.IsNaN(a) && math.IsNaN(b) }
		if !same(got.Value, c.want.Value) || !same(got.Error, c.want.Error) {
			t.Errorf("Expectation(%v, %v) = %v, want %v", c.values, c.logWeights, got, c.want)
		}
	}
	testkit.WantPanic(t, "Expectation: got 1 values and 2 weights", func() { eval.Expectation([]float64{1}, []float64{1, 2}) })
}
