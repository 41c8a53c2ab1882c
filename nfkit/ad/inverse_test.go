package ad_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// Inverse agrees with gonum's LU decomposition, also where pivots are zero.
func TestInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matrices := []*mat.Dense{
		mat.NewDense(2, 2, []float64{0, 2, -3, 0}),
		mat.NewDense(3, 3, []float64{0, 0, 1, 0, -2, 5, 4, 1, 1}),
		mat.NewDense(3, 3, []float64{1e-20, 1, 2, 1, 1, 0, 3, 1, 1}),
		mat.NewDense(1, 1, []float64{-1e-200}),
	}
	for d := range 12 {
		m := mat.NewDense(d+1, d+1, nil)
		m.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, m)
		matrices = append(matrices, m)
	}
	for _, m := range matrices {
		d, _ := m.Dims()
		var lu mat.LU
		lu.Factorize(m)
		want, _ := lu.LogDet()
		inv, l := ad.NewEvalTape(ad.Float64).Matrix(m).Inverse()
		var product mat.Dense
		product.Mul(inv.Matrix(), m)
		eye := mat.NewDiagDense(d, nil)
		for i := range d {
			eye.SetDiag(i, 1)
		}
		if !mat.EqualApprox(&product, eye, 1e-15*lu.Cond()*float64(d)) {
			t.Errorf("the inverse of\n%v\ntimes it is\n%v", mat.Formatted(m), mat.Formatted(&product))
		}
		if got := l.At(0, 0); math.Abs(got-want) > 1e-13*lu.Cond() {
			t.Errorf("ln|det| of\n%v\nis %v, want %v", mat.Formatted(m), got, want)
		}
	}
}

func TestInverseOfSingular(t *testing.T) {
	for _, m := range [][]float64{{1, 2, 0, 2, 4, 0, 0, 0, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, make([]float64, 9)} {
		v := ad.NewEvalTape(ad.Float64).Const(3, 3, m)
		inv, l := v.Inverse()
		if !math.IsInf(l.At(0, 0), -1) || slices.ContainsFunc(inv.Data(), func(x float64) bool { return x-x == 0 }) {
			t.Errorf("the singular matrix %v gives ln|det| %v and inverse %v, want −Inf and nothing finite", m, l.At(0, 0), inv.Data())
		}
		if l := v.Reshape(1, 9).LogAbsDet(); !math.IsInf(l.At(0, 0), -1) {
			t.Errorf("the singular matrix %v has LogAbsDet %v, want −Inf", m, l.At(0, 0))
		}
	}
	if _, l := ad.NewEvalTape(ad.Float64).Const(2, 2, []float64{0, math.NaN(), 0, 1}).Inverse(); !math.IsNaN(l.At(0, 0)) {
		t.Errorf("a matrix with a NaN has ln|det| %v, want NaN", l.At(0, 0))
	}
	testkit.WantPanic(t, "ad: Inverse: got a 2×3 value", func() { ad.NewEvalTape(ad.Float64).Full(2, 3, 1).Inverse() })
}
