package nfkit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func planarCase(leaky bool) flowCase {
	return flowCase{new: func(dim, context int, src rand.Source) nf.Flow {
		return unconditional(context, nf.NewPlanar(dim, &nf.PlanarOptions{LeakyReLU: leaky}, src))
	}}
}

func parityPlanar(c parityConfig) nf.Flow {
	leaky := choose(c, "act", map[string]bool{"": false, "tanh": false, "leaky_relu": true})
	return nf.NewPlanar(c.ints("shape")[0], &nf.PlanarOptions{LeakyReLU: leaky}, paritySource())
}

// withState fills the state of a flow. It fails the test when names or shapes are others.
func withState[F nf.Flow](t *testing.T, f F, values map[string]tensor) F {
	t.Helper()
	if err := fillState(f.State(), values); err != nil {
		t.Fatal(err)
	}
	return f
}

func numbers(data ...float64) tensor { return tensor{[]int{len(data)}, data} }

func rowVector(data ...float64) tensor { return tensor{[]int{1, len(data)}, data} }

// point is a point, its image in some direction, and the log-determinant there.
type point struct {
	x, y   []float64
	logDet float64
}

// checkMap compares f with known results.
func checkMap(t *testing.T, name string, f func(x, context *ad.Value) (y, logDet *ad.Value), points []point, tol float64) {
	t.Helper()
	for _, p := range points {
		tape := ad.NewEvalTape(ad.Float64)
		y, logDet := f(tape.Const(1, len(p.x), p.x), nil)
		if err := near(name, append(y.Data(), logDet.At(0, 0)), append(append([]float64(nil), p.y...), p.logDet), tol, tol); err != nil {
			t.Errorf("at %v: %v", p.x, err)
		}
	}
}

// checkNumbers checks that values and gradients, of input and parameters, are finite at x.
func checkNumbers(t *testing.T, name string, f nf.Flow, direction func(x, context *ad.Value) (y, logDet *ad.Value), x ...float64) {
	t.Helper()
	clearGradients(f.State())
	tape := ad.NewTape(ad.Float64)
	v := tape.Variable(1, len(x), x)
	y, logDet := direction(v, nil)
	tape.Backward(y.Sum().Add(logDet.Sum()))
	all := append(append(y.Data(), logDet.Data()...), v.Grad()...)
	for _, p := range f.State().Params() {
		all = append(all, p.Grad...)
	}
	for _, a := range all {
		if math.IsNaN(a) || math.IsInf(a, 0) {
			t.Errorf("%s of %v: values, log-determinant and gradients are %v, want finite numbers", name, x, all)
			return
		}
	}
}

// The numbers are those of normflows.
func TestPlanarGolden(t *testing.T) {
	state := map[string]tensor{"u": rowVector(0.5, -0.3), "w": rowVector(0.7, 0.2), "b": numbers(0.1)}
	tanh := withState(t, nf.NewPlanar(2, nil, rand.NewPCG(1, 2)), state)
	checkMap(t, "Forward", tanh.Forward, []point{
		{[]float64{0.3, -0.8}, []float64{0.2876498835797295, -0.8694634052961181}, -0.1601938888889523},
	}, 1e-15)
	checkMap(t, "Inverse", tanh.Inverse, []point{
		{[]float64{0.2876498835797295, -0.8694634052961181}, []float64{0.3, -0.8}, 0.1601938888889523},
	}, 1e-14)
	leaky := withState(t, nf.NewPlanar(2, &nf.PlanarOptions{LeakyReLU: true}, rand.NewPCG(1, 2)), state)
	checkMap(t, "Forward", leaky.Forward, []point{
		{[]float64{0.3, -0.8}, []float64{0.28755739634832955, -0.8699836010433344}, -0.1641401862782157},
		{[]float64{-0.3, -0.8}, []float64{-0.2955206626853986, -0.7748059036243996}, -0.030743155374626102},
	}, 1e-15)
}

// Parameters far out: w·u that overflow eˣ, a plane that is far away, a map that is nearly flat or very steep there.
func TestPlanarExtremes(t *testing.T) {
	for _, c := range []struct {
		u, b  float64
		leaky bool
		tol   float64 // of the round trip: rounding of w·x + b over the slope
	}{
		{1000, 0.3, false, 1e-12}, {-300, 9, false, 1e-11}, {-20, 0.3, false, 1e-11}, {0.5, -1e8, false, 1e-7}, {-4, 1e8, false, 1e-7}, {800, -30, false, 1e-12}, {1e-9, 0, false, 1e-14},
		{1000, 0.3, true, 1e-12}, {-20, 0.3, true, 1e-5}, {0.5, -1e8, true, 1e-7}, {-4, 1e8, true, 1e-5}, {800, -30, true, 1e-12}, {1e-9, 0, true, 1e-14},
	} {
		f := withState(t, nf.NewPlanar(2, &nf.PlanarOptions{LeakyReLU: c.leaky}, rand.NewPCG(1, 2)),
			map[string]tensor{"u": rowVector(c.u, 0.2), "w": rowVector(0.8, 0.3), "b": numbers(c.b)})
		for _, z := range [][]float64{{0.4, -0.7}, {30, 2}, {-5, 1}, {0, 0}} {
			checkNumbers(t, "Forward", f, f.Forward, z...)
			tape := ad.NewEvalTape(ad.Float64)
			x, logDet := f.Forward(tape.Const(1, 2, z), nil)
			checkNumbers(t, "Inverse", f, f.Inverse, x.Data()...)
			back, logBack := f.Inverse(x, nil)
			if err := near("Inverse after Forward", append(back.Data(), -logBack.At(0, 0)), append(append([]float64(nil), z...), logDet.At(0, 0)), c.tol, c.tol); err != nil {
				t.Errorf("u %v, b %v, leaky %v, at %v: %v", c.u, c.b, c.leaky, z, err)
			}
		}
	}
}

func TestPlanarMisuse(t *testing.T) {
	testkit.WantPanic(t, "nfkit: NewPlanar: got dimension 0, want 1 or more", func() { nf.NewPlanar(0, nil, rand.NewPCG(1, 2)) })
	f := nf.NewPlanar(2, nil, rand.NewPCG(1, 2))
	tape := ad.NewEvalTape(ad.Float64)
	testkit.WantPanic(t, "nfkit: Planar.Forward: got a 4×3 batch, want 2 columns", func() { f.Forward(tape.Full(4, 3, 0), nil) })
	testkit.WantPanic(t, "nfkit: Planar.Inverse: got a 4×3 batch, want 2 columns", func() { f.Inverse(tape.Full(4, 3, 0), nil) })
}
