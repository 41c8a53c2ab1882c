package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func TestQuantilesByHand(t *testing.T) {
	x := mat.NewDense(4, 2, []float64{4, 1, 1, 1, 3, math.NaN(), 2, 1})
	got := eval.Quantiles(x, 0, 0.5, 0.9, 1) // numpy.quantile([1, 2, 3, 4], …)
	for i, want := range []float64{1, 2.5, 3.7, 4} {
		if math.Abs(got.At(i, 0)-want) > 1e-15 || !math.IsNaN(got.At(i, 1)) {
			t.Errorf("quantile %d is %v and %v, want %v and NaN", i, got.At(i, 0), got.At(i, 1), want)
		}
	}
	if got := eval.Quantiles(mat.NewDense(1, 1, []float64{7}), 0.3); got.At(0, 0) != 7 {
		t.Errorf("the quantile of one number is %v", got.At(0, 0))
	}
	inf := math.Inf(1)
	if got := eval.Quantiles(mat.NewDense(3, 1, []float64{-inf, 0, inf}), 0, 0.5, 1); got.At(0, 0) != -inf || got.At(1, 0) != 0 || got.At(2, 0) != inf {
		t.Errorf("the quantiles of infinite numbers are %v", got)
	}
}

// Intervals of an exponential and of a normal distribution are those of the formulas. The tolerances are four or more
// standard errors of 40,000 samples.
func TestIntervals(t *testing.T) {
	const n = 40_000
	r := rand.New(rand.NewPCG(1, 2))
	x := mat.NewDense(n, 2, nil)
	for i := range n {
		x.SetRow(i, []float64{r.ExpFloat64(), r.NormFloat64()})
	}
	z := distuv.UnitNormal.Quantile(0.9)
	central, shortest := eval.CredibleIntervals(x, 0.8), eval.HighestDensityIntervals(x, 0.8)
	for _, c := range []struct {
		what           string
		got            [2]float64
		lo, hi, spread float64
	}{
		{"central, exponential", central[0], -math.Log(0.9), -math.Log(0.1), 0.08},
		{"central, normal", central[1], -z, z, 0.04},
		{"shortest, exponential", shortest[0], 0, -math.Log(0.2), 0.05},
		{"shortest, normal", shortest[1], -z, z, 0.25}, // its place, where the density is flat, is known to n^(−1/3)
	} {
		if math.Abs(c.got[0]-c.lo) > c.spread || math.Abs(c.got[1]-c.hi) > c.spread {
			t.Errorf("%s: the interval is %v, want %v to %v", c.what, c.got, c.lo, c.hi)
		}
	}
	for j := range 2 {
		inside := 0
		for _, v := range mat.Col(nil, j, x) {
			if v >= shortest[j][0] && v <= shortest[j][1] {
				inside++
			}
		}
		if inside != n*8/10 || shortest[j][1]-shortest[j][0] > central[j][1]-central[j][0] {
			t.Errorf("column %d: %d samples are in the shortest interval %v, the central one is %v", j, inside, shortest[j], central[j])
		}
	}
}

func TestHighestDensityIntervalsByHand(t *testing.T) {
	x := mat.NewDense(5, 1, []float64{0, 10, 11, 12, 30})
	for mass, want := range map[float64][2]float64{0: {0, 0}, 0.5: {10, 12}, 0.8: {0, 12}, 1: {0, 30}} {
		if got := eval.HighestDensityIntervals(x, mass)[0]; got != want {
			t.Errorf("mass %v: the interval is %v, want %v", mass, got, want)
		}
	}
	x.Set(1, 0, math.NaN())
	if got := eval.HighestDensityIntervals(x, 0.5)[0]; !math.IsNaN(got[0]) || !math.IsNaN(got[1]) {
		t.Errorf("with NaN the interval is %v", got)
	}
}

// The region above the level holds the mass, of a normal distribution in the plane at the radius √(−2·ln(1−mass)).
func TestHighestDensityLevel(t *testing.T) {
	g, err := eval.FitGaussian(testkit.NormalRows(100, 2, 1))
	if err != nil {
		t.Fatal(err)
	}
	l := g.LogProb(g.Sample(40_000, rand.NewPCG(1, 2)))
	top := g.LogProb(mat.NewDense(1, 2, columnMeans(testkit.NormalRows(100, 2, 1))))[0]
	for _, mass := range []float64{0.1, 0.5, 0.9} {
		if got, want := eval.HighestDensityLevel(l, mass), top+math.Log(1-mass); math.Abs(got-want) > 4*math.Sqrt(mass/(1-mass)/40_000) {
			t.Errorf("mass %v: the level is %v, want %v", mass, got, want)
		}
	}
	if got := eval.HighestDensityLevel([]float64{1, math.NaN()}, 0.5); !math.IsNaN(got) {
		t.Errorf("the level of NaN is %v", got)
	}
}

func TestCredibleRefuses(t *testing.T) {
	testkit.WantPanic(t, "Quantiles: got 0×0 samples", func() { eval.Quantiles(&mat.Dense{}, 0.5) })
	testkit.WantPanic(t, "Quantiles: got the probability 1.5", func() { eval.Quantiles(testkit.NormalRows(3, 1, 1), 0.5, 1.5) })
	testkit.WantPanic(t, "CredibleIntervals: got the probability NaN", func() { eval.CredibleIntervals(testkit.NormalRows(3, 1, 1), math.NaN()) })
	testkit.WantPanic(t, "HighestDensityLevel: got 0 log-densities", func() { eval.HighestDensityLevel(nil, 0.5) })
}
