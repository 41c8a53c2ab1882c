package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// invertibleAffineCase has no elements off the diagonal to train in one dimension.
func invertibleAffineCase(plain bool) flowCase {
	return flowCase{
		new: func(dim, context int, src rand.Source) nf.Flow {
			return unconditional(context, nf.NewInvertibleAffine(dim, &nf.InvertibleAffineOptions{Plain: plain}, src))
		},
		opts: func(dim int) *nftest.FlowOptions {
			if dim == 1 && !plain {
				return &nftest.FlowOptions{Dead: []string{"L", "U"}}
			}
			return nil
		},
	}
}

// Both forms start as the same orthogonal matrix.
func TestInvertibleAffineStart(t *testing.T) {
	for d := 1; d <= 7; d++ {
		plain := nf.NewInvertibleAffine(d, &nf.InvertibleAffineOptions{Plain: true}, rand.NewPCG(uint64(d), 2))
		lu := nf.NewInvertibleAffine(d, nil, rand.NewPCG(uint64(d), 2))
		w := mat.NewDense(d, d, plain.State()[0].Param.Data)
		var product mat.Dense
		product.Mul(w, w.T())
		eye := mat.NewDense(d, d, nil)
		for i := range d {
			eye.Set(i, i, 1)
		}
		if !mat.EqualApprox(&product, eye, 1e-14) {
			t.Errorf("dimension %d: W·Wᵀ is\n%v", d, mat.Formatted(&product))
		}
		for name, f := range map[string]*nf.InvertibleAffine{"plain": plain, "LU": lu} {
			z, logDet := f.Inverse(ad.NewEvalTape(ad.Float64).Matrix(eye), nil)
			if !mat.EqualApprox(z.Matrix(), w, 1e-14) {
				t.Errorf("dimension %d, %s: the unit vectors become\n%v, want\n%v", d, name, mat.Formatted(z.Matrix()), mat.Formatted(w))
			}
			for _, l := range logDet.Data() {
				if math.Abs(l) > 1e-14 {
					t.Errorf("dimension %d, %s: the log-determinant is %v, want 0", d, name, l)
				}
			}
		}
	}
}

// A singular matrix has no inverse: −Inf and no finite point, but no panic.
func TestInvertibleAffineSingular(t *testing.T) {
	f := nf.NewInvertibleAffine(2, &nf.InvertibleAffineOptions{Plain: true}, rand.NewPCG(1, 2))
	copy(f.State()[0].Param.Data, []float64{1, 2, 2, 4})
	tape := ad.NewEvalTape(ad.Float64)
	x, _ := f.Forward(tape.Full(1, 2, 1), nil)
	if _, l := f.Inverse(tape.Full(1, 2, 1), nil); !math.IsInf(l.At(0, 0), -1) || x.Finite() {
		t.Errorf("a singular matrix gives the log-determinant %v and the point %v", l.At(0, 0), x.Data())
	}
}

func TestInvertibleAffineState(t *testing.T) {
	for what, contents := range map[string][]float64{
		"P: element 0, 1 is 0.5":                 {0, 0.5, 1, 0},
		"P: the first 1 rows have 2 ones":        {1, 1, 0, 0},
		"P: the first 1 rows have 0 ones":        {0, 0, 1, 1},
		"P: [1 1] is not a permutation":          {0, 1, 0, 1},
		"P: the first 2 rows have 1 ones":        {0, 1, 0, 0},
		"sign_S: element 1 is 0, want 1 or −1":   {1, 0},
		"sign_S: element 0 is NaN, want 1 or −1": {math.NaN(), 1},
	} {
		name, message, _ := strings.Cut(what, ": ")
		s := nf.NewInvertibleAffine(2, nil, rand.NewPCG(1, 2)).State()
		tensor := s[slices.IndexFunc(s, func(t nf.Tensor) bool { return t.Name == name })]
		tensor.Floats = contents
		if err := tensor.Check(tensor); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s with %v: got error %v, want one with %q", name, contents, err, message)
		}
	}
}

func TestInvertibleAffineMisuse(t *testing.T) {
	testkit.WantPanic(t, "nfkit: NewInvertibleAffine: got dimension 0, want 1 or more", func() { nf.NewInvertibleAffine(0, nil, rand.NewPCG(1, 2)) })
	f := nf.NewInvertibleAffine(2, nil, rand.NewPCG(1, 2))
	testkit.WantPanic(t, "nfkit: InvertibleAffine.Forward: got a 1×3 batch, want 2 columns", func() { f.Forward(ad.NewTape(ad.Float64).Full(1, 3, 0), nil) })
}
