package eval_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestMMD(t *testing.T) {
	// Two points each: distances 1, 1, 2, 2, 3 and √1 … on a line: 0, 1 and 3, 4. The median of 1 1 2 3 3 4 is 2.
	x, y := mat.NewDense(2, 1, []float64{0, 1}), mat.NewDense(2, 1, []float64{3, 4})
	k := func(d float64) float64 { return math.Exp(-d * d / 8) }
	if got, want := eval.MMD(x, y), 2*k(1)-(2*k(3)+k(2)+k(4))/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("MMD of two small samples is %v, want %v", got, want)
	}
	var same, other []float64
	for seed := range uint64(40) {
		a, b := testkit.NormalRows(50, 2, 2*seed), testkit.NormalRows(80, 2, 2*seed+1)
		same = append(same, eval.MMD(a, b))
		other = append(other, eval.MMD(a, shifted(b, 1, 0)))
	}
	mean, std := stat.MeanStdDev(same, nil)
	if !(math.Abs(mean) < 4*std/math.Sqrt(40)) || slices.Min(same) >= 0 {
		t.Errorf("MMD of equal distributions is %v ± %v, the least %v; want a mean of 0 and negative ones", mean, std/math.Sqrt(40), slices.Min(same))
	}
	if slices.Min(other) < slices.Max(same) {
		t.Errorf("MMD of different distributions goes down to %v, that of equal ones up to %v", slices.Min(other), slices.Max(same))
	}
	if got := eval.MMD(testkit.NormalRows(2000, 1, 1), shifted(testkit.NormalRows(1500, 1, 2), 3)); got < 0.5 { // more than a thousand points
		t.Errorf("MMD of distant distributions is %v", got)
	}
	ones := mat.NewDense(3, 1, []float64{1, 1, 1})
	if got := eval.MMD(ones, ones); got != 0 {
		t.Errorf("MMD of constant samples is %v, want 0", got)
	}
	if got := eval.MMD(ones, shifted(ones, 1)); math.Abs(got-2*(1-math.Exp(-0.5))) > 1e-12 {
		t.Errorf("MMD of two constants is %v", got)
	}
	ones.Set(2, 0, math.NaN())
	if got := eval.MMD(ones, shifted(ones, 1)); !math.IsNaN(got) {
		t.Errorf("MMD of a sample with NaN is %v", got)
	}
}
