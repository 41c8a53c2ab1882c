package ad_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct{ x, bound, want float64 }{
		{0.3, 1, 0.3}, {-1, 1, -1}, {1, 1, -1}, {1.25, 1, -0.75}, {-1.25, 1, 0.75}, {7.5, 1, -0.5}, {-7.5, 1, 0.5}, {3, 1, -1}, {-3, 1, -1},
		{6, 2.5, 1}, {-6, 2.5, -1}, {1e300, 1, 0}, {math.Inf(1), 1, math.NaN()}, {math.NaN(), 1, math.NaN()},
	} {
		for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
			if p == ad.Float32 && math.Abs(c.x) > math.MaxFloat32 {
				continue // infinite there
			}
			tape := ad.NewTape(p)
			x := tape.Variable(1, 1, []float64{c.x})
			y := x.Wrap(c.bound)
			tape.Backward(y.Scale(3).Sum())
			got := y.At(0, 0)
			if math.Abs(got-c.want) > 1e-6 || math.IsNaN(got) != math.IsNaN(c.want) || x.Grad()[0] != 3 {
				t.Errorf("Wrap(%v, %v) = %v in %v with gradient %v, want %v and 3", c.x, c.bound, got, p, x.Grad()[0], c.want)
			}
		}
	}
}
