package eval_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
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
