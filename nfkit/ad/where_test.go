package ad_test

import (
	"math"
	"slices"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// What is not chosen has no influence, not even NaN and infinities have.
func TestWhere(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, p := range precisions {
		tape := ad.NewTape(p)
		then := tape.Variable(1, 6, []float64{1, inf, nan, 4, 5, nan})
		cond := tape.Variable(1, 6, []float64{2, -1, 0, nan, inf, -inf})
		otherwise := tape.Variable(1, 6, []float64{nan, 20, 30, 40, -inf, 60})
		y := cond.Where(then, otherwise)
		for j, want := range []float64{1, 20, 30, nan, 5, 60} {
			if got := y.At(0, j); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%v: column %d: got %v, want %v", p, j, got, want)
			}
		}
		tape.Backward(y.Scale(3).Sum())
		for name, g := range map[string][2][]float64{
			"then":      {then.Grad(), {3, 0, 0, 0, 3, 0}},
			"cond":      {cond.Grad(), {0, 0, 0, 0, 0, 0}},
			"otherwise": {otherwise.Grad(), {0, 3, 3, 0, 0, 3}},
		} {
			if !slices.Equal(g[0], g[1]) {
				t.Errorf("%v: the gradient of %s is %v, want %v", p, name, g[0], g[1])
			}
		}
	}
}
