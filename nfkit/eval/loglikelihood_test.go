package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
)

// constants has a log-density for each row, the number itself.
type constants struct{ factor float64 }

func (c constants) LogProb(x mat.Matrix) []float64 {
	l := mat.Col(nil, 0, x)
	for i := range l {
		l[i] *= c.factor
	}
	return l
}

func TestLogLikelihood(t *testing.T) {
	x := mat.NewDense(4, 1, []float64{1, 2, 3, 6})
	if got := eval.LogLikelihood(constants{1}, x); got.Value != 3 || math.Abs(got.Error-math.Sqrt(14./3/4)) > 1e-15 {
		t.Errorf("the mean of 1, 2, 3, 6 is %v, want 3 ± 1.08", got)
	}
	if got := eval.LogLikelihoodDifference(constants{3}, constants{1}, x); got.Value != 6 || math.Abs(got.Error-2*math.Sqrt(14./3/4)) > 1e-14 {
		t.Errorf("the difference is %v, want 6 ± 2.16", got)
	}
	x.Set(0, 0, math.Inf(-1))
	if got := eval.LogLikelihood(constants{1}, x); !math.IsInf(got.Value, -1) {
		t.Errorf("with a density of 0 the likelihood is %v", got)
	}
	if got := eval.LogLikelihood(constants{1}, mat.NewDense(1, 1, []float64{2})); got.Value != 2 || !math.IsNaN(got.Error) {
		t.Errorf("of one point the likelihood is %v", got)
	}
	// The mean of a distribution's own log-density is −H.
	p := gaussModel([]float64{1, -1}, []float64{2, 0.3})
	want := -1 - math.Log(2*math.Pi) - math.Log(0.6)
	if got := eval.LogLikelihood(p, p.Sample(10_000, rand.NewPCG(1, 2))); math.Abs(got.Value-want) > 4*got.Error || math.Abs(got.Error-0.01) > 0.001 { // the variance is d/2
		t.Errorf("the likelihood is %v, want %v ± 0.01", got, want)
	}
}
