package eval_test

import (
	"math"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// A summary of weights has the numbers of the functions that it names, and says when they are not to be trusted.
func TestJudgeWeights(t *testing.T) {
	const n = 2000
	light, heavy := make([]float64, n), make([]float64, n)
	for i, v := range testkit.NormalRows(n, 1, 1).RawMatrix().Data {
		light[i], heavy[i] = v/2, v*v // w = e^{v²} has no mean
	}
	for _, c := range []struct {
		logWeights []float64
		reliable   bool
	}{{light, true}, {heavy, false}} {
		w := eval.JudgeWeights(c.logWeights)
		_, k := eval.ParetoSmooth(c.logWeights)
		if want := (eval.Weights{N: n, LogNormalizer: eval.LogNormalizer(c.logWeights), EffectiveSampleSize: eval.EffectiveSampleSize(c.logWeights), ParetoShape: k}); w != want {
			t.Errorf("got %+v, want %+v", w, want)
		}
		if w.Reliable() != c.reliable || strings.Contains(w.String(), "not reliable") == c.reliable {
			t.Errorf("reliable is %t, and it says %q; want %t", w.Reliable(), w, c.reliable)
		}
	}
	if w := eval.JudgeWeights([]float64{0, math.NaN()}); w.Reliable() {
		t.Errorf("weights with a NaN are reliable: %v", w)
	}
	if w := eval.JudgeWeights(nil); w.Reliable() || w.EffectiveSampleSize != 0 {
		t.Errorf("no weights are reliable: %v", w)
	}
}
