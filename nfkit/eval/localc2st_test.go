package eval_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// localSetting has θ ~ N(0, 1)², x = θ + ε with ε ~ N(0, 1)², whose posterior is N(x/2, ½), and draws of it that are scaled by the given factor around its
// mean.
func localSetting(n int, scale float64, seed uint64) (truth, draws, x *mat.Dense) {
	truth, x, draws = testkit.NormalRows(n, 2, seed), testkit.NormalRows(n, 2, seed+1), testkit.NormalRows(n, 2, seed+2)
	x.Add(truth, x)
	draws.Apply(func(i, j int, v float64) float64 { return x.At(i, j)/2 + scale*math.Sqrt(0.5)*v }, draws)
	return truth, draws, x
}

// localPValue is that of a posterior scaled around its mean, at one observation.
func localPValue(t testing.TB, n, null int, scale float64, seed uint64) float64 {
	t.Helper()
	truth, draws, x := localSetting(n, scale, seed)
	local, err := eval.NewLocalC2ST(truth, draws, x, null, rand.NewPCG(seed, 1))
	if err != nil {
		t.Fatal(err)
	}
	at := testkit.NormalRows(1000, 2, seed+3)
	at.Apply(func(_, j int, v float64) float64 { return 0.25 - 0.2*float64(j) + scale*math.Sqrt(0.5)*v }, at)
	test := local.Test(at, []float64{0.5, 0.1})
	if len(test.Null) != null || !(test.Statistic >= 0 && test.Statistic <= 0.25) {
		t.Fatalf("the test is %+v", test)
	}
	return test.PValue
}

// A posterior that is 20 % too narrow stands out from all of the null distribution.
func TestLocalC2STPower(t *testing.T) {
	if p := localPValue(t, 4000, 9, 0.8, 1); !(p <= 0.1) {
		t.Errorf("a posterior that is 20 %% too narrow has p = %v, want 1/10", p)
	}
}

// With the exact posterior, one of four networks has the largest statistic as often as another.
func TestLocalC2STSize(t *testing.T) {
	const runs = 32
	small := 0
	for seed := range uint64(runs) {
		if localPValue(t, 100, 3, 1, 10*seed) <= 0.25 {
			small++
		}
	}
	if small < 2 || small > 16 { // 8 ± 3.3 standard deviations of 2.45
		t.Errorf("the exact posterior has p ≤ 1/4 in %d of %d runs", small, runs)
	}
}

// Size and power in full: go test -run='^$' -bench=LocalC2ST -benchtime=1x ./nfkit/eval
func BenchmarkLocalC2ST(b *testing.B) {
	for b.Loop() {
		rejected := 0
		for seed := range uint64(200) {
			if localPValue(b, 500, 19, 1, 10*seed) <= 0.05 {
				rejected++
			}
		}
		if rejected < 2 || rejected > 20 { // 10 ± 3.2 standard deviations of 3.1
			b.Errorf("the exact posterior is rejected at 0.05 in %d of 200 runs", rejected)
		}
		if p := localPValue(b, 10_000, 100, 0.8, 1); !(p < 0.01) {
			b.Errorf("a posterior that is 20 %% too narrow has p = %v", p)
		}
	}
}

func TestLocalC2STSameForAnyCores(t *testing.T) {
	truth, draws, x := localSetting(60, 1, 1)
	var want []float64
	testkit.OnCores(func(cores int) {
		local, err := eval.NewLocalC2ST(truth, draws, x, 2, rand.NewPCG(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		test := local.Test(draws, []float64{0, 0})
		got := append(test.Null, test.Statistic, test.PValue)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %d cores the test is %v, want %v", cores, got, want)
		}
	})
}

func TestLocalC2STBadInput(t *testing.T) {
	truth, draws, x := localSetting(30, 1, 1)
	src := rand.NewPCG(1, 2)
	testkit.WantPanic(t, "got 30 truths, 29 draws", func() { eval.NewLocalC2ST(truth, draws.Slice(0, 29, 0, 2), x, 1, src) })
	testkit.WantPanic(t, "0 networks", func() { eval.NewLocalC2ST(truth, draws, x, 0, src) })
	local, err := eval.NewLocalC2ST(truth, draws, x, 1, src)
	if err != nil {
		t.Fatal(err)
	}
	testkit.WantPanic(t, "Local.Test: got 30 draws of 2 parameters and 3 numbers", func() { local.Test(draws, make([]float64, 3)) })
	x.Set(3, 1, math.NaN())
	if _, err := eval.NewLocalC2ST(truth, draws, x, 1, src); err == nil {
		t.Error("NaN in the data gives no error")
	}
}
