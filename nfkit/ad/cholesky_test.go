package ad_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

func TestCholesky(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for k := 1; k <= 8; k++ {
		root := mat.NewDense(k, k+1, nil)
		root.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, root)
		a := mat.NewSymDense(k, nil)
		a.SymOuterK(1, root)
		var c mat.Cholesky
		if !c.Factorize(a) {
			t.Fatal("the matrix is not positive definite")
		}
		var want mat.TriDense
		c.LTo(&want)
		if got := ad.NewEvalTape(ad.Float64).Matrix(a).Cholesky().Matrix(); !mat.EqualApprox(got, &want, 1e-10) {
			t.Errorf("Cholesky of %v:\ngot  %v\nwant %v", mat.Formatted(a), mat.Formatted(got), mat.Formatted(&want))
		}
	}
}

func TestCholeskyOfIndefinite(t *testing.T) {
	got := ad.NewEvalTape(ad.Float64).Const(2, 2, []float64{1, 2, 2, 1}).Cholesky()
	if got.At(0, 0) != 1 || got.At(1, 0) != 2 || !math.IsNaN(got.At(1, 1)) {
		t.Errorf("Cholesky of an indefinite matrix is %v, want NaN in its last element", got.Data())
	}
}
