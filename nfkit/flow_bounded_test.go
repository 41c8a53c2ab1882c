package nfkit_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
)

// boundedCase is a map to an interval. Near bounds other than 0 a round trip loses digits, so latent points are bounded
// too.
func boundedCase(f func(dim int) nf.Flow, data nftest.Interval) flowCase {
	return flowCase{
		new: func(dim, context int, _ rand.Source) nf.Flow { return unconditional(context, f(dim)) },
		opts: func(int) *nftest.FlowOptions {
			return &nftest.FlowOptions{Latent: nftest.Interval{Lo: -6, Hi: 6}, Data: data}
		},
	}
}

func sigmoidCase(lo, hi float64) flowCase {
	return boundedCase(func(dim int) nf.Flow { return nf.NewSigmoid(dim, lo, hi) }, nftest.Interval{Lo: lo, Hi: hi})
}

// boundedMap is a map of the line and its derivative, from the standard library.
type boundedMap struct {
	flow   nf.Flow
	f      func(z float64) float64
	logDet func(z float64) float64
	lo, hi float64
}

func boundedMaps() map[string]boundedMap {
	logistic := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	logSigmoid := func(z float64) float64 { return math.Min(z, 0) - math.Log1p(math.Exp(-math.Abs(z))) }
	return map[string]boundedMap{
		"Sigmoid": {nf.NewSigmoid(1, -3, 2), func(z float64) float64 { return -3 + 5*logistic(z) },
			func(z float64) float64 { return math.Log(5) + logSigmoid(z) + logSigmoid(-z) }, -3, 2},
		"Logit":    {nf.NewLogit(1, 0), logistic, func(z float64) float64 { return logSigmoid(z) + logSigmoid(-z) }, 0, 1},
		"Tanh":     {nf.NewTanh(1), math.Tanh, func(z float64) float64 { return 2 * (math.Ln2 - math.Abs(z) - math.Log1p(math.Exp(-2*math.Abs(z)))) }, -1, 1},
		"Exp":      {nf.NewExp(1), math.Exp, func(z float64) float64 { return z }, 0, math.Inf(1)},
		"Softplus": {nf.NewSoftplus(1), func(z float64) float64 { return math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }, logSigmoid, 0, math.Inf(1)},
	}
}

// Forward and its log-determinant are the named function and its derivative, however far out; results stay off the
// bounds.
func TestBoundedForward(t *testing.T) {
	for name, m := range boundedMaps() {
		for _, p := range precisions {
			for _, z := range []float64{0, 1, -1, 5, -5, 17, -17, 40, -40, 88, -95, 300, -300, -745, -1e4} {
				if m.hi > 2 && z > 80 && name == "Exp" {
					continue // infinite in float32
				}
				tape := ad.NewTape(p)
				v := tape.Variable(1, 1, []float64{z})
				x, logDet := m.flow.Forward(v, nil)
				tape.Backward(x.Add(logDet))
				relative := map[ad.Precision]float64{ad.Float64: 4e-15, ad.Float32: 2e-6}[p]
				floor := map[ad.Precision]float64{ad.Float64: 0x1p-1022, ad.Float32: 3e-7}[p]
				if err := near("Forward", append(x.Data(), logDet.Data()...), []float64{m.f(z), m.logDet(z)}, relative, floor); err != nil {
					t.Errorf("%s of %v in %v: %v", name, z, p, err)
				}
				if got := x.At(0, 0); !(got > m.lo && got < m.hi) {
					t.Errorf("%s of %v in %v is %v, want a number between %v and %v, bounds excluded", name, z, p, got, m.lo, m.hi)
				}
				if g := v.Grad()[0]; math.IsNaN(g) || math.IsInf(g, 0) {
					t.Errorf("%s of %v in %v has gradient %v", name, z, p, g)
				}
				z2, l2 := m.flow.Inverse(x, nil)
				if !z2.Finite() || !l2.Finite() {
					t.Errorf("%s in %v: Inverse of %v, the image of %v, is %v with log-determinant %v", name, p, x.At(0, 0), z, z2.At(0, 0), l2.At(0, 0))
				}
			}
		}
	}
}

// Inverse is precise next to the bounds.
func TestBoundedInverse(t *testing.T) {
	sigmoid := nf.NewSigmoid(1, -1, 0)
	for _, z := range []float64{-1, 0, 1, 30, 200, 700} {
		tape := ad.NewEvalTape(ad.Float64)
		x, l := sigmoid.Forward(tape.Full(1, 1, z), nil)
		back, lb := sigmoid.Inverse(x, nil)
		if err := near("the round trip", []float64{back.At(0, 0), lb.At(0, 0)}, []float64{z, -l.At(0, 0)}, 1e-14, 1e-14); err != nil {
			t.Error(err)
		}
	}
	for x, want := range map[float64]float64{1e-300: math.Log(1e-300), 1e-10: math.Log(1e-10) + 0.5e-10, 1: math.Log(math.E - 1), 50: 50, 1e6: 1e6} {
		z, _ := nf.NewSoftplus(1).Inverse(ad.NewEvalTape(ad.Float64).Full(1, 1, x), nil)
		if err := near("the inverse of softplus", z.Data(), []float64{want}, 1e-15, 0); err != nil {
			t.Errorf("at %v: %v", x, err)
		}
	}
}

// Outside the support and on its bounds the log-determinant is −Inf, for the row concerned alone; the latent point and
// all gradients are finite.
func TestBoundedOutside(t *testing.T) {
	for name, m := range boundedMaps() {
		outside := []float64{m.lo, m.lo - 1e-9, m.lo - 1e9, math.Inf(-1)}
		if m.hi < 10 {
			outside = append(outside, m.hi, m.hi+1e-9, 1e9, math.Inf(1))
		}
		inside := m.lo + 0.3
		for _, x := range outside {
			tape := ad.NewTape(ad.Float64)
			v := tape.Variable(3, 1, []float64{inside, x, math.NaN()})
			z, logDet := m.flow.Inverse(v, nil)
			tape.Backward(z.Scale(2).Add(logDet).Sum())
			if !math.IsInf(logDet.At(1, 0), -1) || !isNumber(z.At(1, 0)) || v.Grad()[1] != 0 {
				t.Errorf("%s: Inverse of %v is %v with log-determinant %v and gradient %v, want a number, −Inf and 0", name, x, z.At(1, 0), logDet.At(1, 0), v.Grad()[1])
			}
			if !isNumber(z.At(0, 0)) || !isNumber(logDet.At(0, 0)) || v.Grad()[0] == 0 {
				t.Errorf("%s: a row with %v changes the others", name, x)
			}
			if !math.IsNaN(z.At(2, 0)) || !math.IsNaN(logDet.At(2, 0)) {
				t.Errorf("%s: Inverse of NaN is %v with log-determinant %v", name, z.At(2, 0), logDet.At(2, 0))
			}
		}
	}
}

func isNumber(x float64) bool { return x-x == 0 }

// The numbers are those of normflows.
func TestLogitGolden(t *testing.T) {
	f := nf.NewLogit(2, 0.05)
	checkMap(t, "Forward", f.Forward, []point{{[]float64{0.4, -1}, []float64{0.6096529556805022, 0.24326824596666125}, -2.8418328485206983}}, 1e-15)
	checkNumbers(t, "Inverse", f, f.Inverse, 0, 1)
}

// The density of a bounded model is −Inf outside its support and integrates to 1 inside; its own samples have
// densities, however many of them rounding brings to a bound; and a loss outside says which row and flow.
func TestBoundedModel(t *testing.T) {
	wide := nf.NewAffineConstFlow(1, nil)
	wide.State()[0].Param.Data[0] = 3.2 // samples of standard deviation 25, whose exponentials fit in float32
	for name, m := range boundedMaps() {
		q := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), []nf.Flow{wide, m.flow})
		for _, p := range precisions {
			for i, l := range q.WithPrecision(p).LogProb(q.WithPrecision(p).Sample(1000, rand.NewPCG(1, 2))) {
				if !isNumber(l) {
					t.Fatalf("%s in %v: sample %d has log-density %v", name, p, i, l)
				}
			}
		}
		q = nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), []nf.Flow{m.flow})
		const steps = 40000
		lo, hi := m.lo-1, math.Min(m.hi+1, 60)
		grid, width := mat.NewDense(steps, 1, nil), (hi-lo)/steps
		for i := range steps {
			grid.Set(i, 0, lo+(float64(i)+0.5)*width)
		}
		mass := 0.0
		for i, l := range q.LogProb(grid) {
			if x := grid.At(i, 0); (x <= m.lo || x >= m.hi) != math.IsInf(l, -1) {
				t.Fatalf("%s: the log-density at %v is %v", name, x, l)
			}
			mass += math.Exp(l) * width
		}
		if math.Abs(mass-1) > 1e-4 {
			t.Errorf("%s: the density integrates to %v, want 1", name, mass)
		}
		_, err := q.NLL(nil).LossGrad(mat.NewDense(3, 1, []float64{m.lo + 0.5, m.lo + 0.2, m.lo - 0.1}), rand.NewPCG(1, 2))
		var bad *nf.NonFiniteError
		if !errors.As(err, &bad) || bad.Row != 2 || !strings.Contains(bad.Where, "flow 0") {
			t.Errorf("%s: a row outside the support gives error %v, want one that names row 2 and flow 0", name, err)
		}
	}
}

func TestBoundedMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"nfkit: NewSigmoid: got dimension 0":                   func() { nf.NewSigmoid(0, 0, 1) },
		"NewSigmoid: got the interval from 1 to 1":             func() { nf.NewSigmoid(2, 1, 1) },
		"NewSigmoid: got the interval from 0 to +Inf":          func() { nf.NewSigmoid(2, 0, math.Inf(1)) },
		"NewSigmoid: got the interval from NaN to 1":           func() { nf.NewSigmoid(2, math.NaN(), 1) },
		"NewLogit: got alpha 0.5, want 0 or more and less":     func() { nf.NewLogit(2, 0.5) },
		"NewLogit: got alpha NaN":                              func() { nf.NewLogit(2, math.NaN()) },
		"nfkit: NewLogit: got dimension -2":                    func() { nf.NewLogit(-2, 0.1) },
		"nfkit: NewTanh: got dimension 0":                      func() { nf.NewTanh(0) },
		"nfkit: NewExp: got dimension 0":                       func() { nf.NewExp(0) },
		"nfkit: NewSoftplus: got dimension 0":                  func() { nf.NewSoftplus(0) },
		"nfkit: Tanh.Inverse: got a 1×3 batch, want 2 columns": func() { nf.NewTanh(2).Inverse(ad.NewTape(ad.Float64).Full(1, 3, 0), nil) },
	} {
		testkit.WantPanic(t, want, f)
	}
}
