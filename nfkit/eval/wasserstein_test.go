package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestSlicedWasserstein(t *testing.T) {
	distance := func(x, y mat.Matrix, directions int) float64 {
		return eval.SlicedWasserstein(x, y, directions, rand.NewPCG(1, 2))
	}
	x := testkit.NormalRows(100, 1, 3)
	if got := distance(x, shifted(x, -2.5), 1); math.Abs(got-2.5) > 1e-12 {
		t.Errorf("the distance to a sample moved by -2.5 is %v", got)
	}
	var twice mat.Dense
	twice.Stack(x, x)
	if got := distance(x, &twice, 3); got != 0 {
		t.Errorf("the distance to twice the sample is %v, want 0", got)
	}
	// Sizes 2 and 3: of u in [0, 1/3], [1/3, 1/2], [1/2, 2/3], [2/3, 1] the quantiles are 0 0, 0 1, 6 1, 6 5.
	a, b := mat.NewDense(2, 1, []float64{6, 0}), mat.NewDense(3, 1, []float64{1, 5, 0})
	if got, want := distance(a, b, 1), math.Sqrt(1./6+25./6+1./3); math.Abs(got-want) > 1e-12 {
		t.Errorf("the distance of two small samples is %v, want %v", got, want)
	}
	// A projection sees |cos| of a move in the plane, whose mean square is ½.
	y := testkit.NormalRows(200, 2, 4)
	if got, want := distance(y, shifted(y, 3, 4), 4000), 5/math.Sqrt2; math.Abs(got-want) > 0.1 { // 2.5 standard errors of cos²
		t.Errorf("the distance to a sample moved by 5 is %v, want %v", got, want)
	}
	y.Set(3, 0, math.NaN())
	if got := distance(y, testkit.NormalRows(10, 2, 1), 2); !math.IsNaN(got) {
		t.Errorf("the distance of a sample with NaN is %v", got)
	}
}
