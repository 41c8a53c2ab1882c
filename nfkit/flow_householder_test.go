package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// matrixOf returns what f multiplies points by, as column vectors, in its Inverse.
func matrixOf(f nf.Flow) *mat.Dense {
	eye := mat.NewDense(f.Dim(), f.Dim(), nil)
	for i := range f.Dim() {
		eye.Set(i, i, 1)
	}
	z, _ := f.Inverse(ad.NewEvalTape(ad.Float64).Matrix(eye), nil)
	return mat.DenseCopyOf(z.Matrix().T())
}

// Linear maps start as the identity, and their orthogonal parts stay orthogonal: with the determinant that the number of reflections says.
func TestOrthogonalMaps(t *testing.T) {
	for d := 1; d <= 6; d++ {
		src := rand.NewPCG(uint64(d), 2)
		for name, f := range map[string]nf.Flow{
			"Householder": nf.NewHouseholder(d, nil, src), "Rotation": nf.NewRotation(d), "QR": nf.NewQRLinear(d, nil, src), "SVD": nf.NewSVDLinear(d, nil, src),
		} {
			eye := matrixOf(nf.NewTriangular(d))
			if m := matrixOf(f); !mat.EqualApprox(m, eye, 1e-14) {
				t.Errorf("%s in dimension %d starts as\n%v", name, d, mat.Formatted(m))
			}
			if name != "Householder" && name != "Rotation" {
				continue
			}
			perturb(f.State(), 1, rand.NewPCG(1, uint64(d)))
			m := matrixOf(f)
			var product mat.Dense
			product.Mul(m, m.T())
			if !mat.EqualApprox(&product, eye, 1e-12) || math.Abs(mat.Det(m)-1) > 1e-12 {
				t.Errorf("%s in dimension %d has determinant %v and M·Mᵀ\n%v", name, d, mat.Det(m), mat.Formatted(&product))
			}
			if d > 1 && mat.EqualApprox(m, eye, 1e-2) {
				t.Errorf("%s in dimension %d stays the identity", name, d)
			}
		}
		odd := nf.NewHouseholder(d, &nf.HouseholderOptions{Reflections: 3}, src)
		if det := mat.Det(matrixOf(odd)); math.Abs(det+1) > 1e-12 {
			t.Errorf("3 reflections in dimension %d have determinant %v, want −1", d, det)
		}
	}
	// In the plane, A = (0 −a; a 0) is the rotation by −2·arctan a.
	r := nf.NewRotation(2)
	set(r.State(), "lower_entries", 0.3)
	if got, want := matrixOf(r).At(0, 1), math.Sin(2*math.Atan(0.3)); math.Abs(math.Abs(got)-want) > 1e-14 {
		t.Errorf("the sine of the angle is %v, want ±%v", got, want)
	}
}
