package montecarlo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
)

// A chain of draws of the uniform distribution has the density 2x, and the acceptance that follows: E[min(1, x′/x)] = ∫∫ 2x·min(1, u/x) = 2/3.
func TestIndependenceMetropolis(t *testing.T) {
	const n = 40_000
	r := rand.New(rand.NewPCG(1, 2))
	x, logWeights := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = r.Float64()
		logWeights[i] = math.Log(x[i]) + 700 // factors do not matter
	}
	states, acceptance, err := montecarlo.IndependenceMetropolis(logWeights, rand.NewPCG(3, 4))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(acceptance-2./3) > 0.01 { // 4 standard errors
		t.Errorf("acceptance %v, want 2/3", acceptance)
	}
	chain := make([]float64, n)
	var mean, square float64
	for i, s := range states {
		if s > i || i > 0 && s != states[i-1] && s != i {
			t.Fatalf("after draw %d the chain is at draw %d, before at %d", i, s, states[i-1])
		}
		chain[i] = x[s]
		mean += x[s] / n
		square += x[s] * x[s] / n
	}
	tau, err := eval.AutocorrelationTime([][]float64{chain})
	if err != nil {
		t.Fatal(err)
	}
	stdErr := math.Sqrt(2 * tau.Value / 18 / n) // 1/18 is the variance under 2x
	if math.Abs(mean-2./3) > 4*stdErr || math.Abs(square-0.5) > 6*stdErr || tau.Value < 0.6 || tau.Value > 4 {
		t.Errorf("the chain has mean %v and mean square %v, autocorrelation time %v; want 2/3 and 1/2 up to %v", mean, square, tau, stdErr)
	}
}

func TestIndependenceMetropolisEdges(t *testing.T) {
	inf := math.Inf(1)
	states, acceptance, err := montecarlo.IndependenceMetropolis([]float64{-700, -inf, 900, -inf, -1e300}, rand.NewPCG(1, 2))
	if want := []int{0, 0, 2, 2, 2}; err != nil || !slices.Equal(states, want) || acceptance != 0.25 {
		t.Errorf("got states %v, acceptance %v and error %v; want %v and 1/4", states, acceptance, err, want)
	}
	if states, acceptance, err := montecarlo.IndependenceMetropolis([]float64{3}, rand.NewPCG(1, 2)); err != nil || len(states) != 1 || acceptance != 0 {
		t.Errorf("one draw: got states %v, acceptance %v and error %v", states, acceptance, err)
	}
	for _, bad := range [][]float64{{-inf, 0}, {0, math.NaN()}, {0, inf}} {
		if states, _, err := montecarlo.IndependenceMetropolis(bad, rand.NewPCG(1, 2)); err == nil {
			t.Errorf("weights %v: got states %v, want an error", bad, states)
		}
	}
	defer func() {
		if got, want := fmt.Sprint(recover()), "montecarlo: IndependenceMetropolis: got 0 draws and source <nil>, want 1 or more and a source as rand.NewPCG(1, 2)"; got != want {
			t.Errorf("got panic %q, want %q", got, want)
		}
	}()
	_, _, _ = montecarlo.IndependenceMetropolis(nil, nil)
}
