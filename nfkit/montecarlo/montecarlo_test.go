package montecarlo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// broad is the normal density of standard deviation 1.2 in two dimensions, without its factor.
var broad = nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Square().RowSum().Scale(-0.5 / 1.44) })

func TestMetropolisHastings(t *testing.T) {
	for _, steps := range []int{1, 4} {
		if err := nftest.Stochastic(montecarlo.NewMetropolisHastings(broad, 2, 0.8, steps), nil, rand.NewPCG(1, 2)); err != nil {
			t.Errorf("%d steps: %v", steps, err)
		}
	}
	if err := nftest.Stochastic(montecarlo.Deterministic(nf.NewPlanar(2, nil, rand.NewPCG(1, 2))), nil, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
}

// A model of flows and stochastic layers has the weights of its target: their mean is its normaliser, and weighted moments are its own.
func TestStochasticFlow(t *testing.T) {
	src := rand.NewPCG(1, 2)
	flow := nf.NewAffineConstFlow(2, nil)
	flow.State().Params()[0].Data[0] = 0.3
	m := montecarlo.NewStochasticFlow(nf.NewDiagGaussian(2, nil),
		montecarlo.Deterministic(flow), montecarlo.NewMetropolisHastings(broad, 2, 0.8, 3), montecarlo.NewMetropolisHastings(broad, 2, 0.3, 2))
	const n = 50_000
	x, logWeights := m.SampleWeights(broad, n, src)
	var weights, square float64
	var second [2]float64
	for i, l := range logWeights {
		w := math.Exp(l)
		weights += w / n
		square += w * w / n
		for j := range second {
			second[j] += w * x.At(i, j) * x.At(i, j) / n
		}
	}
	want, stdErr := 2*math.Pi*1.44, math.Sqrt((square-weights*weights)/n)
	if math.Abs(weights-want) > 4*stdErr || stdErr > 0.05*want {
		t.Errorf("the mean weight is %v ± %v, want %v", weights, stdErr, want)
	}
	for j, s := range second {
		if got := s / weights; math.Abs(got-1.44) > 0.05 { // 4 standard errors of about 30,000 effective points
			t.Errorf("component %d has the weighted variance %v, want 1.44", j, got)
		}
	}
	again, _ := m.SampleWeights(broad, n, rand.NewPCG(1, 2))
	if !floats.Equal(again.RawMatrix().Data, x.RawMatrix().Data) {
		t.Error("the same seed gives other points")
	}
}

func TestMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"got a nil base": func() { montecarlo.NewStochasticFlow(nil) },
		"layer 0 is nil": func() { montecarlo.NewStochasticFlow(nf.NewDiagGaussian(2, nil), nil) },
		"has dimension 3, want 2": func() {
			montecarlo.NewStochasticFlow(nf.NewDiagGaussian(2, nil), montecarlo.NewMetropolisHastings(broad, 3, 1, 1))
		},
		"dimension 0, scale 1":  func() { montecarlo.NewMetropolisHastings(broad, 0, 1, 1) },
		"scale NaN and 1 steps": func() { montecarlo.NewMetropolisHastings(broad, 2, math.NaN(), 1) },
		"got a nil flow":        func() { montecarlo.Deterministic(nil) },
		"got target <nil>, 5 points": func() {
			montecarlo.NewStochasticFlow(nf.NewDiagGaussian(2, nil)).SampleWeights(nil, 5, rand.NewPCG(1, 2))
		},
	} {
		testkit.WantPanic(t, want, f)
	}
}

// Points that move by steps of a random walk after a flow have weights for the crescents.
func ExampleStochasticFlow() {
	target := targets.TwoMoons{}
	model := montecarlo.NewStochasticFlow(nf.NewDiagGaussian(2, nil), montecarlo.NewMetropolisHastings(target, 2, 0.3, 10))
	x, logWeights := model.SampleWeights(target, 1000, rand.NewPCG(1, 2))
	n, d := x.Dims()
	fmt.Println(n, "points in", d, "dimensions with", len(logWeights), "weights")
	// Output: 1000 points in 2 dimensions with 1000 weights
}
