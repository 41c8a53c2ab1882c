package ad_test

import (
	"math"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ln Φ is ln erfc where that does not underflow, on either side of where its tail begins, and NormalOfLogit undoes ln Φ(y) − ln Φ(−y).
func TestNormal(t *testing.T) {
	var x, l []float64
	for i := range 300 {
		x = append(x, -30+float64(i)/8)
		l = append(l, math.Copysign(math.Exp(float64(i)/6-20), float64(i%2)-0.5))
	}
	tape := ad.NewEvalTape(ad.Float64)
	got := tape.Const(300, 1, x).LogNormalCDF()
	y := tape.Const(300, 1, l).NormalOfLogit()
	back := y.LogNormalCDF().Sub(y.Neg().LogNormalCDF())
	for i := range x {
		if want := math.Log(math.Erfc(-x[i]/math.Sqrt2) / 2); math.Abs(got.At(i, 0)-want) > 1e-14*math.Max(1, math.Abs(want)) {
			t.Errorf("ln Φ(%v): got %v, want %v", x[i], got.At(i, 0), want)
		}
		if math.Abs(back.At(i, 0)-l[i]) > 1e-14*math.Max(1, math.Abs(l[i])) {
			t.Errorf("NormalOfLogit(%v) is %v, whose logit is %v", l[i], y.At(i, 0), back.At(i, 0))
		}
	}
}
