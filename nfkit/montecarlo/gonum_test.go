package montecarlo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/samplemv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// A chain of gonum's with a model that is not the target comes to the target: its means are within 5 standard errors of independent draws, as every
// twentieth point nearly is.
func TestGonumChain(t *testing.T) {
	const n = 2000
	model := nf.NewNormalizingFlow(nf.NewStudentT(2, 5, nil), nil)
	chain := samplemv.MetropolisHastingser{Initial: []float64{0, 0}, Target: montecarlo.NewLogProber(targets.DoubleWell{}, 2),
		Proposal: montecarlo.NewProposal(model, rand.NewPCG(1, 2)), Src: rand.NewPCG(3, 4), BurnIn: 200, Rate: 20}
	x := mat.NewDense(n, 2, nil)
	chain.Sample(x)
	var right, square float64
	for i := range n {
		if x.At(i, 0) > 0 {
			right += 1. / n
		}
		square += x.At(i, 1) * x.At(i, 1) / n
	}
	if sd := math.Sqrt(0.844307 * 0.155693 / n); math.Abs(right-0.844307) > 5*sd {
		t.Errorf("the share of the right well is %v, want 0.844307 ± %v", right, sd)
	}
	if sd := math.Sqrt(2. / n); math.Abs(square-1) > 5*sd {
		t.Errorf("the mean square of the second component is %v, want 1 ± %v", square, sd)
	}
}

func TestLogProber(t *testing.T) {
	target := targets.ManyWell{Dims: 4}
	l := montecarlo.NewLogProber(target, 4)
	x := testkit.NormalRows(5, 4, 1)
	tape := ad.NewEvalTape(ad.Float64)
	want := target.LogDensity(tape.Matrix(x)).Data()
	for i := range 5 {
		if got := l.LogProb(x.RawRowView(i)); got != want[i] {
			t.Errorf("point %d: got %v, want %v", i, got, want[i])
		}
	}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	bad := montecarlo.NewLogProber(nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Log() }), 1)
	for want, f := range map[string]func(){
		"got a point of 3 components, want 4":                           func() { l.LogProb(make([]float64, 3)) },
		"the target is NaN at x = [-1]":                                 func() { bad.LogProb([]float64{-1}) },
		"the target is +Inf at x = [+Inf]":                              func() { bad.LogProb([]float64{math.Inf(1)}) },
		"NewLogProber: got target <nil>":                                func() { montecarlo.NewLogProber(nil, 1) },
		"NewProposal: got a model that is nil: false, and source <nil>": func() { montecarlo.NewProposal(model, nil) },
	} {
		testkit.WantPanic(t, want, f)
	}
}
