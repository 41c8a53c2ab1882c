package eval_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestKolmogorovSmirnov(t *testing.T) {
	x := mat.NewDense(4, 2, []float64{1, 1, 2, 1, 3, 1, 4, 1})
	y := mat.NewDense(2, 2, []float64{2.5, 2, 9, 0})
	if got := eval.KolmogorovSmirnov(x, y); !slices.Equal(got, []float64{0.5, 0.5}) {
		t.Errorf("the distances are %v, want 0.5 and 0.5", got)
	}
	y.Set(0, 1, math.NaN())
	if got := eval.KolmogorovSmirnov(x, y); got[0] != 0.5 || !math.IsNaN(got[1]) {
		t.Errorf("the distances are %v, want 0.5 and NaN", got)
	}
	// The bound of the documentation.
	if got := eval.KolmogorovSmirnov(testkit.NormalRows(2000, 3, 1), testkit.NormalRows(1000, 3, 2)); slices.Max(got) > 1.95*math.Sqrt(1./2000+1./1000) {
		t.Errorf("the distances of equal distributions are %v", got)
	}
}
