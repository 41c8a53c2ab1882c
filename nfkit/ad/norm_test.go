package ad_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func TestRowNormAtExtremes(t *testing.T) {
	for _, c := range []struct{ x, y, norm, dx, dy float64 }{
		{3e300, -4e300, 5e300, 0.6, -0.8},
		{3e-320, 4e-320, 5e-320, 0.6, 0.8},
		{0, 0, 0, 0, 0},
		{-2, 0, 2, -1, 0},
	} {
		tape := ad.NewTape(ad.Float64)
		v := tape.Variable(1, 2, []float64{c.x, c.y})
		r := v.RowNorm()
		tape.Backward(r)
		g := v.Grad()
		const tol = 1e-3 // of subnormal numbers, which have few digits
		if got := r.At(0, 0); math.Abs(got-c.norm) > tol*c.norm || math.Abs(g[0]-c.dx) > tol || math.Abs(g[1]-c.dy) > tol {
			t.Errorf("the norm of (%v, %v) is %v with gradient %v, want %v with (%v, %v)", c.x, c.y, got, g, c.norm, c.dx, c.dy)
		}
	}
	if r := ad.NewEvalTape(ad.Float64).Const(1, 2, []float64{math.Inf(-1), 1}).RowNorm().At(0, 0); !math.IsInf(r, 1) {
		t.Errorf("the norm of (−Inf, 1) is %v, want Inf", r)
	}
	if r := ad.NewEvalTape(ad.Float64).Const(1, 2, []float64{math.Inf(1), math.NaN()}).RowNorm().At(0, 0); !math.IsNaN(r) {
		t.Errorf("the norm of (Inf, NaN) is %v, want NaN", r)
	}
}
