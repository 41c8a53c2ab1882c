package targets_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/targets"
)

func TestUniformNormalDensities(t *testing.T) {
	var u targets.UniformNormal
	for _, c := range []struct{ a, b, want float64 }{
		{1, 1, 1 / math.Sqrt(2*math.Pi)},
		{2, 1, math.Exp(-0.25) / math.Sqrt(4*math.Pi)},
		{0.999, 1, 0}, {2.001, 1, 0}, {-1, 1, 0}, {math.Inf(1), 0, 0}, {0.5, 0, 0},
	} {
		x := mat.NewDense(1, 2, []float64{c.a, c.b})
		if got := math.Exp(u.LogProb(x)[0]); !(math.Abs(got-c.want) <= 1e-15) {
			t.Errorf("exp LogProb(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
		if got := u.PAB(c.a, c.b); !(math.Abs(got-c.want) <= 1e-15) {
			t.Errorf("PAB(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
	nan := math.NaN()
	for _, p := range [][]float64{{nan, 0}, {1.5, nan}, {0, nan}, {nan, nan}} {
		if got := u.LogProb(mat.NewDense(1, 2, p))[0]; !math.IsNaN(got) {
			t.Errorf("LogProb(%v) = %v, want NaN", p, got)
		}
		if got := u.PAB(p[0], p[1]); !math.IsNaN(got) {
			t.Errorf("PAB(%v) = %v, want NaN", p, got)
		}
	}
}

// The marginal of b by the trapezoidal rule over a, an independent way to PB.
func TestUniformNormalMarginal(t *testing.T) {
	var u targets.UniformNormal
	a := floats.Span(make([]float64, 4001), 1, 2)
	p := make([]float64, len(a))
	for _, b := range []float64{-3, -1, 0, 0.7, 1.5, 2, 4, 7} {
		for i := range a {
			p[i] = u.PAB(a[i], b)
		}
		want := integrate.Trapezoidal(a, p)
		if got := u.PB(b); !(math.Abs(got-want) <= 1e-8) { // h²/12·|p'(2) − p'(1)|, h = 1/4000
			t.Errorf("PB(%v) = %v, the trapezoidal rule gives %v", b, got, want)
		}
	}
}

func TestUniformNormalEntropy(t *testing.T) {
	if got, want := (targets.UniformNormal{}).Entropy(), 1.612086; math.Abs(got-want) > 5e-7 {
		t.Errorf("Entropy() = %v, want %v", got, want)
	}
}
