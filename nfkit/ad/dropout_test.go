package ad_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestDropout(t *testing.T) {
	const rows, cols, p = 200, 50, 0.3
	for _, precision := range []ad.Precision{ad.Float64, ad.Float32} {
		tape := ad.NewTape(precision)
		x := tape.Variable(rows, cols, normal(rows*cols, 1))
		if y := x.Dropout(p); y != x {
			t.Errorf("%v: outside of training, the result is another value", precision)
		}
		tape.SetTraining(true)
		if y := x.Dropout(0); y != x {
			t.Errorf("%v: with probability 0, the result is another value", precision)
		}
		y := x.Dropout(p)
		tape.Backward(y.Sum())
		dropped, in, out := 0, x.Data(), y.Data()
		for i, g := range x.Grad() {
			factor := out[i] / in[i]
			if math.Abs(factor-g) > 1e-6 {
				t.Fatalf("%v: element %d has factor %v and gradient %v", precision, i, factor, g)
			}
			switch {
			case g == 0:
				dropped++
			case math.Abs(g-1/(1-p)) > 1e-6:
				t.Fatalf("%v: element %d has factor %v, want 0 or %v", precision, i, g, 1/(1-p))
			}
		}
		// 5 standard deviations of a binomial distribution
		if got, n := float64(dropped), float64(rows*cols); math.Abs(got-n*p) > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%v: %v of %v elements are dropped, want about %v", precision, got, n, n*p)
		}
	}
}

func TestDropoutMisuse(t *testing.T) {
	for _, p := range []float64{-0.1, 1, math.NaN()} {
		testkit.WantPanic(t, fmt.Sprintf("ad: Dropout: got probability %v", p), func() { ad.NewTape(ad.Float64).Full(1, 1, 1).Dropout(p) })
	}
}
