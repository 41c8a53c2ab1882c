package nfkit_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func radialCase() flowCase {
	return flowCase{new: func(dim, context int, src rand.Source) nf.Flow {
		return unconditional(context, nf.NewRadial(dim, src))
	}}
}

func newRadial(t *testing.T, alpha, beta float64, center ...float64) *nf.Radial {
	t.Helper()
	d := float64(len(center))
	return withState(t, nf.NewRadial(len(center), rand.NewPCG(1, 2)), map[string]tensor{
		"alpha": numbers(alpha), "beta": numbers(beta), "z_0": rowVector(center...), "d": {nil, []float64{d}}})
}

// The numbers are those of normflows.
func TestRadialGolden(t *testing.T) {
	f := newRadial(t, 0.3, -0.5, 0.1, -0.2)
	z, x, logDet := []float64{0.3, -0.8}, []float64{0.33733732670349365, -0.912011980110481}, 0.2294933347964665
	checkMap(t, "Forward", f.Forward, []point{{z, x, logDet}}, 1e-15)
	checkMap(t, "Inverse", f.Inverse, []point{{x, z, -logDet}}, 1e-15)
}

// At the centre, near and far from it, for maps that contract to almost nothing and that expand much, values and
// gradients are numbers and the round trip is exact up to rounding.
func TestRadialExtremes(t *testing.T) {
	for _, alpha := range []float64{0.3, -0.3, 1e-9, 1e4} {
		for _, beta := range []float64{-0.5, -40, -100, 3, 1e4} {
			f := newRadial(t, alpha, beta, 0.1, -0.2, 3)
			checkNumbers(t, "Forward", f, f.Forward, 0.1, -0.2, 3)
			checkNumbers(t, "Inverse", f, f.Inverse, 0.1, -0.2, 3)
			f = newRadial(t, alpha, beta, 0, 0, 0) // where differences to the centre have all their digits
			tol := 1e-13
			if beta > 1 { // |x − z₀| is nearly c for small r, and has r in its last digits
				tol = 1e-10
			}
			for _, r := range []float64{0, 1e-100, 1e-12, 1e-3, 1, 50, 1e6, 1e100} {
				z := []float64{r, -2 * r, r / 3}
				checkNumbers(t, "Forward", f, f.Forward, z...)
				tape := ad.NewEvalTape(ad.Float64)
				x, logDet := f.Forward(tape.Const(1, 3, z), nil)
				checkNumbers(t, "Inverse", f, f.Inverse, x.Data()...)
				back, logBack := f.Inverse(x, nil)
				if err := near("Inverse after Forward", append(back.Data(), -logBack.At(0, 0)), append(z, logDet.At(0, 0)), tol, 0); err != nil {
					t.Errorf("alpha %v, beta %v, distance %v: %v", alpha, beta, r, err)
				}
			}
		}
	}
}

// Either branch of the root gives the right derivative where they meet, at |x − z₀| = softplus(beta).
func TestRadialBranches(t *testing.T) {
	c := math.Log1p(math.Exp(0.7))
	f := newRadial(t, 0.4, 0.7, 0)
	derivative := func(x float64) float64 {
		tape := ad.NewTape(ad.Float64)
		v := tape.Variable(1, 1, []float64{x})
		z, _ := f.Inverse(v, nil)
		tape.Backward(z)
		return v.Grad()[0]
	}
	at, below, above := derivative(c), derivative(c*(1-1e-9)), derivative(c*(1+1e-9))
	if math.Abs(at-below) > 1e-8 || math.Abs(at-above) > 1e-8 {
		t.Errorf("the derivative at the seam is %v, below %v, above %v", at, below, above)
	}
}

func TestRadialMisuse(t *testing.T) {
	testkit.WantPanic(t, "nfkit: NewRadial: got dimension -1, want 1 or more", func() { nf.NewRadial(-1, rand.NewPCG(1, 2)) })
	f := nf.NewRadial(2, rand.NewPCG(1, 2))
	testkit.WantPanic(t, "nfkit: Radial.Forward: got a 1×3 batch, want 2 columns", func() { f.Forward(ad.NewEvalTape(ad.Float64).Full(1, 3, 0), nil) })
	for _, s := range f.State() {
		if s.Name != "d" {
			continue
		}
		s.Ints = []int{3}
		if err := s.Check(s); err == nil || !strings.Contains(err.Error(), "d is 3, want 2") {
			t.Errorf("a file for 3 components gives error %v", err)
		}
	}
}
