package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// hashed is a number between 0 and 1 that looks random, as in testdata/chains.R.
func hashed(i, c int) float64 {
	v := math.Sin(float64(i)*12.9898+float64(c)*78.233) * 43758.5453
	return v - math.Floor(v)
}

// hashedChains are four chains of 101 draws, the last of which is moved, as in testdata/chains.R.
func hashedChains() [][]float64 {
	chains := make([][]float64, 4)
	for c := range chains {
		var last float64
		for i := range 101 {
			last = 0.7*last + hashed(i+1, c+1) - 0.5
			chains[c] = append(chains[c], last)
			if c == 3 {
				chains[c][i] += 0.3
			}
		}
	}
	return chains
}

// autoregressive returns chains xᵢ = a·xᵢ₋₁ + noise in equilibrium, with variance 1.
func autoregressive(chains, n int, a float64, src rand.Source) [][]float64 {
	r := rand.New(src)
	x := make([][]float64, chains)
	for c := range x {
		last := r.NormFloat64()
		for range n {
			last = a*last + math.Sqrt(1-a*a)*r.NormFloat64()
			x[c] = append(x[c], last)
		}
	}
	return x
}

// Numbers of R's posterior 1.4.0, made by testdata/chains.R.
func TestChainsAgreeWithReference(t *testing.T) {
	four := hashedChains()
	one := four[:1]
	for what, c := range map[string]struct{ got, want float64 }{
		"RHat of 4 chains": {eval.RHat(four), 1.10428871193229}, "RHat of 1 chain": {eval.RHat(one), 1.01004449484858},
		"bulk size of 4 chains": {eval.BulkEffectiveSampleSize(four), 49.1411983960646}, "bulk size of 1 chain": {eval.BulkEffectiveSampleSize(one), 52.4878665724253},
		"tail size of 4 chains": {eval.TailEffectiveSampleSize(four), 65.5316606773123}, "tail size of 1 chain": {eval.TailEffectiveSampleSize(one), 54.4739574241325},
	} {
		if !(math.Abs(c.got-c.want) <= 1e-7*c.want) { // sin to the last bit, times 43,758
			t.Errorf("%s = %v, want %v", what, c.got, c.want)
		}
	}
}

// The effective sample size of an autoregressive chain is N(1−a)/(1+a), more than N for antithetic ones.
func TestChainsOfKnownSize(t *testing.T) {
	for _, a := range []float64{-0.5, 0, 0.8} {
		const chains, n = 8, 4000
		x := autoregressive(chains, n, a, rand.NewPCG(1, 2))
		want := chains * n * (1 - a) / (1 + a)
		if got := eval.BulkEffectiveSampleSize(x); !(math.Abs(got-want) <= 0.1*want) { // the error of the time is about √(4W/N) of it
			t.Errorf("a = %v: the bulk size is %v, want %v", a, got, want)
		}
		if got := eval.TailEffectiveSampleSize(x); !(got > 0.5*min(want, chains*n) && got < 2*chains*n) {
			t.Errorf("a = %v: the tail size is %v; the bulk size should be %v", a, got, want)
		}
		if got := eval.RHat(x); !(got > 0.999 && got < 1.01) {
			t.Errorf("a = %v: RHat of chains in equilibrium is %v", a, got)
		}
	}
}

// R̂ sees another mean, another scale, a trend, and draws without a mean; it does not change under monotone maps.
func TestRHatSees(t *testing.T) {
	base := func() [][]float64 { return autoregressive(4, 500, 0, rand.NewPCG(3, 4)) }
	for what, change := range map[string]func(c, i int, v float64) float64{
		"another mean":  func(c, _ int, v float64) float64 { return v + float64(c%2) },
		"another scale": func(c, _ int, v float64) float64 { return v * (1 + 2*float64(c%2)) },
		"a trend":       func(_, i int, v float64) float64 { return v + float64(i)/250 },
		"heavy tails":   func(c, _ int, v float64) float64 { return math.Tan(v/2) + 3*float64(c%2) },
	} {
		x := base()
		for c := range x {
			for i, v := range x[c] {
				x[c][i] = change(c, i, v)
			}
		}
		if got := eval.RHat(x); !(got > 1.05) {
			t.Errorf("with %s RHat is %v, want more than 1.05", what, got)
		}
	}
	x := base()
	want := eval.BulkEffectiveSampleSize(x)
	for c := range x {
		for i, v := range x[c] {
			x[c][i] = math.Exp(3 * v)
		}
	}
	if got := eval.BulkEffectiveSampleSize(x); math.Abs(got-want) > 1e-9*want {
		t.Errorf("the bulk size of exp(3x) is %v, of x %v", got, want)
	}
}

func TestChainsAtExtremes(t *testing.T) {
	for what, v := range map[string]float64{"a constant": 1, "NaN": math.NaN()} {
		x := [][]float64{make([]float64, 20), make([]float64, 20)}
		for i := range 20 {
			x[0][i], x[1][i] = 1, 1
		}
		x[1][3] = v
		for name, f := range map[string]func([][]float64) float64{"RHat": eval.RHat, "bulk": eval.BulkEffectiveSampleSize, "tail": eval.TailEffectiveSampleSize} {
			if got := f(x); !math.IsNaN(got) {
				t.Errorf("%s of chains with %s is %v, want NaN", name, what, got)
			}
		}
	}
	testkit.WantPanic(t, "RHat: got no chains", func() { eval.RHat(nil) })
	testkit.WantPanic(t, "RHat: got 3 draws in chain 0 and 3 in chain 0, want as many in each, and at least 4", func() { eval.RHat([][]float64{{1, 2, 3}}) })
	testkit.WantPanic(t, "got 8 draws in chain 0 and 7 in chain 1", func() { eval.BulkEffectiveSampleSize([][]float64{make([]float64, 8), make([]float64, 7)}) })
}
