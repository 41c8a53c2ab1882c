package eval_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestEnergyDistance(t *testing.T) {
	// scipy 1.10.1: energy_distance([0, 1, 3], [2, 5])²
	x, y := mat.NewDense(3, 1, []float64{0, 1, 3}), mat.NewDense(2, 1, []float64{2, 5})
	if got := eval.EnergyDistance(x, y); math.Abs(got-2.1666666666666665) > 1e-14 {
		t.Errorf("the distance of two small samples is %v, want 2.1667", got)
	}
	a, b := testkit.NormalRows(200, 3, 1), testkit.NormalRows(300, 3, 2)
	want := eval.EnergyDistance(a, b)
	if got := eval.EnergyDistance(b, a); math.Abs(got-want) > 1e-12 {
		t.Errorf("the distance is %v one way and %v the other", want, got)
	}
	if got := eval.EnergyDistance(a, a); got > 1e-12 {
		t.Errorf("the distance of a sample and itself is %v", got)
	}
	if got := eval.EnergyDistance(a, shifted(b, 1, 0, 0)); got < 5*want {
		t.Errorf("the distance of another distribution is %v, of the same %v", got, want)
	}
	var twice, moved mat.Dense
	twice.Scale(2, a)
	moved.Scale(2, b)
	if got := eval.EnergyDistance(&twice, &moved); math.Abs(got-2*want) > 1e-12 {
		t.Errorf("in half the unit the distance is %v, want twice %v", got, want)
	}
	testkit.OnCores(func(cores int) {
		if got := eval.EnergyDistance(a, b); got != want {
			t.Errorf("on %d cores the distance is %v, want %v", cores, got, want)
		}
	})
	a.Set(3, 1, math.NaN())
	if got := eval.EnergyDistance(a, b); !math.IsNaN(got) {
		t.Errorf("the distance of a sample with NaN is %v", got)
	}
	testkit.WantPanic(t, "EnergyDistance: got samples of 3×1 and 300×3", func() { eval.EnergyDistance(x, b) })
}
