package eval_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// The fast transform gives the sums of the formula.
func TestAutocorrelation(t *testing.T) {
	for _, n := range []int{1, 2, 7, 64, 100} {
		x := testkit.NormalRows(n, 1, uint64(n)).RawMatrix().Data
		var mean float64
		for _, v := range x {
			mean += v / float64(n)
		}
		gamma := make([]float64, n)
		for lag := range n {
			for i := range n - lag {
				gamma[lag] += (x[i] - mean) * (x[i+lag] - mean)
			}
		}
		got := eval.Autocorrelation(x)
		for lag := range n {
			want := gamma[lag] / gamma[0]
			if same := math.Abs(got[lag]-want) < 1e-12 || n == 1 && math.IsNaN(got[0]); !same || len(got) != n {
				t.Errorf("of %d draws, ρ(%d) = %v, want %v", n, lag, got[lag], want)
			}
		}
	}
	if got := eval.Autocorrelation(nil); got != nil {
		t.Errorf("the autocorrelation of nothing is %v", got)
	}
}

// The time of an autoregressive chain is ½(1+a)/(1−a), and the error says how far off the estimate is.
func TestAutocorrelationTime(t *testing.T) {
	for _, a := range []float64{-0.5, 0, 0.5, 0.9} {
		want := 0.5 * (1 + a) / (1 - a)
		const repeats = 40
		var squares, bias float64
		for seed := range uint64(repeats) {
			got, err := eval.AutocorrelationTime(autoregressive(2, 3000, a, rand.NewPCG(seed, 7)))
			if err != nil {
				t.Fatal(err)
			}
			z := (got.Value - want) / got.Error
			squares += z * z / repeats
			bias += z / repeats
		}
		if !(squares > 0.4 && squares < 2) || math.Abs(bias) > 0.8 { // the mean of 40 squares is off by 0.2, the window adds a bias within the error
			t.Errorf("a = %v: estimates are off by %.2f errors squared, %.2f in the mean; want 1 and 0", a, squares, bias)
		}
	}
}

func TestAutocorrelationTimeErrors(t *testing.T) {
	apart := autoregressive(10, 200, 0, rand.NewPCG(1, 2))
	for c := range apart {
		for i := range apart[c] {
			apart[c][i] += 10 * float64(c)
		}
	}
	for what, c := range map[string]struct {
		chains [][]float64
		want   string
	}{
		"a constant":       {[][]float64{make([]float64, 10)}, "variance 0"},
		"NaN":              {[][]float64{{1, 2, math.NaN(), 4}}, "variance NaN"},
		"ten chains apart": {apart, "no window in chains of 200 draws"},
		"two chains apart": {apart[:2], "and the chains have 200 draws; want 50 times"},
	} {
		if _, err := eval.AutocorrelationTime(c.chains); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %q", what, err, c.want)
		}
	}
	testkit.WantPanic(t, "AutocorrelationTime: got no chains", func() { eval.AutocorrelationTime(nil) })
}
