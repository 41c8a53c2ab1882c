package eval_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

const posteriorDraws = 99

// calibration has the ranks of simulations θ ~ N(0, 1)², x ~ N(θ, 1), whose posterior is N(x/2, ½).
type calibration struct {
	ranks         [2][]int // by parameter
	density, tarp []int
}

// simulate draws posteriors of which the standard deviation is off by a factor and the mean by a shift.
func simulate(n int, width, shift float64, r *rand.Rand) *calibration {
	c := &calibration{}
	draws := mat.NewDense(posteriorDraws, 2, nil)
	logProb := make([]float64, posteriorDraws)
	truth, mean, reference := make([]float64, 2), make([]float64, 2), make([]float64, 2)
	sd := width / math.Sqrt2
	logDensity := func(v []float64) float64 { return -math.Pow(v[0]-mean[0], 2) - math.Pow(v[1]-mean[1], 2) }
	for range n {
		for j := range truth {
			truth[j] = r.NormFloat64()
			x := truth[j] + r.NormFloat64()
			mean[j] = x/2 + shift
			reference[j] = x + r.NormFloat64()
			for i := range posteriorDraws {
				draws.Set(i, j, mean[j]+sd*r.NormFloat64())
			}
		}
		for i := range logProb {
			logProb[i] = logDensity(draws.RawRowView(i))
		}
		for j, rank := range eval.Ranks(truth, draws) {
			c.ranks[j] = append(c.ranks[j], rank)
		}
		c.density = append(c.density, eval.HighestDensityRank(logDensity(truth), logProb))
		c.tarp = append(c.tarp, eval.TARPRank(truth, draws, reference))
	}
	return c
}

// tests returns the outcome of each test of calibration.
func (c *calibration) tests() map[string]eval.Test {
	return map[string]eval.Test{
		"Ranks, Kolmogorov-Smirnov":              eval.RankKolmogorovSmirnov(c.ranks[0], posteriorDraws),
		"Ranks, chi-square":                      eval.RankChiSquare(c.ranks[1], posteriorDraws),
		"HighestDensityRank, Kolmogorov-Smirnov": eval.RankKolmogorovSmirnov(c.density, posteriorDraws),
		"HighestDensityRank, chi-square":         eval.RankChiSquare(c.density, posteriorDraws),
		"TARPRank, Kolmogorov-Smirnov":           eval.RankKolmogorovSmirnov(c.tarp, posteriorDraws),
		"TARPRank, chi-square":                   eval.RankChiSquare(c.tarp, posteriorDraws),
	}
}

// Over 200 repeats the exact posterior fails a test of level 5 % in 5 % of them: from 2 to 18 with a probability of 0.99
// for ten.
func TestCalibrationSize(t *testing.T) {
	failed := map[string]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		for name, test := range simulate(200, 1, 0, r).tests() {
			if test.PValue < 0.05 {
				failed[name]++
			}
		}
	}
	for name := range simulate(20, 1, 0, r).tests() {
		if n := failed[name]; n < 2 || n > 18 {
			t.Errorf("%s: the exact posterior fails in %d of 200 repeats, want about 10", name, n)
		}
	}
}

// A posterior that is a fifth too narrow is caught by each test, and so is one that is too wide; one that is moved by
// those of its ranks.
func TestCalibrationPower(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for seed := range 5 {
		for name, test := range simulate(2500, 0.8, 0, r).tests() {
			if !(test.PValue < 0.01) {
				t.Errorf("repeat %d: %s: a posterior a fifth too narrow has the p-value %v", seed, name, test.PValue)
			}
		}
	}
	for name, test := range simulate(2500, 1.25, 0, r).tests() {
		if !(test.PValue < 0.01) {
			t.Errorf("%s: a posterior that is too wide has the p-value %v", name, test.PValue)
		}
	}
	for name, test := range simulate(2500, 1, 0.2, r).tests() {
		if strings.HasPrefix(name, "Ranks") && !(test.PValue < 0.01) {
			t.Errorf("%s: a posterior that is moved has the p-value %v", name, test.PValue)
		}
	}
}

// Coverage of the right posterior is the level, also between those of the draws; of a narrow one it is less, as the
// formula says.
func TestCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	right, narrow := simulate(4000, 1, 0, r), simulate(4000, 0.8, 0, r)
	for _, level := range []float64{0.1, 0.505, 0.9} {
		for _, ranks := range [][]int{right.density, right.tarp} {
			if got := eval.Coverage(ranks, posteriorDraws, level); !(math.Abs(got.Value-level) <= 4*got.Error) {
				t.Errorf("coverage of the level %v is %v", level, got)
			}
		}
		// In two dimensions the level of a radius ρ is 1−exp(−ρ²/2).
		want := 1 - math.Pow(1-level, 0.8*0.8)
		if got := eval.Coverage(narrow.density, posteriorDraws, level); !(math.Abs(got.Value-want) <= 4*got.Error+0.005) { // the level is that of 99 draws
			t.Errorf("coverage of the level %v of a narrow posterior is %v, want %v", level, got, want)
		}
	}
	all := make([]int, 10)
	for i := range all {
		all[i] = i
	}
	for _, level := range []float64{0, 0.33, 0.5, 1} {
		if got := eval.Coverage(all, 9, level); math.Abs(got.Value-level) > 1e-15 || math.Abs(got.Error-math.Sqrt(level*(1-level)/10)) > 1e-15 {
			t.Errorf("coverage of the level %v by each rank once is %v", level, got)
		}
	}
}

func TestRanksByHand(t *testing.T) {
	draws := mat.NewDense(3, 2, []float64{1, 10, 2, 20, 3, 30})
	if got := eval.Ranks([]float64{2.5, 5}, draws); !slices.Equal(got, []int{2, 0}) {
		t.Errorf("the ranks are %v, want 2 and 0", got)
	}
	if got := eval.TARPRank([]float64{2, 21}, draws, []float64{2, 19.5}); got != 1 {
		t.Errorf("%d draws are nearer, want 1", got)
	}
	if got := eval.HighestDensityRank(-1, []float64{0, -1, -2, 3}); got != 2 {
		t.Errorf("%d draws have a higher density, want 2", got)
	}
}

// The p-values are those of scipy 1.10.1, kstwo.sf(D, n), to what the documentation says.
func TestKolmogorovSmirnovUniform(t *testing.T) {
	for _, c := range []struct {
		n    int
		d, p float64
	}{
		{20, 0.2, 0.352720}, {20, 0.3, 0.0430671}, {50, 0.15, 0.190264}, {100, 0.1, 0.252693}, {100, 0.16, 0.0105435}, {1000, 0.05, 0.0130121},
	} {
		u := make([]float64, c.n)
		for i := range u { // the lowest ones are moved up to D
			u[i] = max((float64(i)+0.5)/float64(c.n), c.d)
		}
		got := eval.KolmogorovSmirnovUniform(u)
		if math.Abs(got.Statistic-c.d) > 1e-12 || math.Abs(got.PValue-c.p) > 0.01 || c.p < 0.1 && math.Abs(got.PValue-c.p) > 0.02*c.p {
			t.Errorf("of %d numbers at the distance %v the test is %v, want the p-value %v", c.n, c.d, got, c.p)
		}
	}
	for _, c := range []struct {
		u    []float64
		want eval.Test
	}{
		{[]float64{0.125, 0.375, 0.625, 0.875}, eval.Test{Statistic: 0.125, PValue: 1}},
		{[]float64{0, 0, 0, 0}, eval.Test{Statistic: 1, PValue: 0}},
		{[]float64{2, 3, math.Inf(1), 7}, eval.Test{Statistic: 1, PValue: 0}},
	} {
		if got := eval.KolmogorovSmirnovUniform(c.u); got.Statistic != c.want.Statistic || math.Abs(got.PValue-c.want.PValue) > 0.001 {
			t.Errorf("the test of %v is %v, want %v", c.u, got, c.want)
		}
	}
	if got := eval.KolmogorovSmirnovUniform([]float64{0.5, math.NaN()}); !math.IsNaN(got.Statistic) || !math.IsNaN(got.PValue) {
		t.Errorf("the test of NaN is %v", got)
	}
}

func TestRankTestsByHand(t *testing.T) {
	// Expected 5 in each of two bins of 2 and 3 ranks: 8 and 12 of 20 ranks.
	ranks := append(make([]int, 14), 2, 3, 4, 4, 4, 4)
	want := 36./8 + 36./12
	got := eval.RankChiSquare(ranks, 4)
	if p := (distuv.ChiSquared{K: 1}).Survival(want); math.Abs(got.Statistic-want) > 1e-12 || math.Abs(got.PValue-p) > 1e-12 {
		t.Errorf("the chi-square test is %v, want %v and %v", got, want, p)
	}
	if got := eval.RankKolmogorovSmirnov(ranks, 4); math.Abs(got.Statistic-0.5) > 1e-12 { // 14/20 are 0, 1/5 should be
		t.Errorf("the distance is %v, want 0.5", got.Statistic)
	}
}

func TestCalibrationRefuses(t *testing.T) {
	draws := mat.NewDense(3, 2, nil)
	testkit.WantPanic(t, "Ranks: got 1 true values and draws of 2", func() { eval.Ranks([]float64{1}, draws) })
	testkit.WantPanic(t, "TARPRank: got 2 true values, draws of 2 and a reference of 1", func() { eval.TARPRank([]float64{1, 2}, draws, []float64{1}) })
	testkit.WantPanic(t, "RankChiSquare: rank 1 is 5, want one from 0 to the number of draws, 4", func() { eval.RankChiSquare([]int{0, 5}, 4) })
	testkit.WantPanic(t, "RankKolmogorovSmirnov: got 0 ranks", func() { eval.RankKolmogorovSmirnov(nil, 4) })
	testkit.WantPanic(t, "Coverage: got the level NaN", func() { eval.Coverage([]int{0}, 4, math.NaN()) })
	testkit.WantPanic(t, "KolmogorovSmirnovUniform: got no numbers", func() { eval.KolmogorovSmirnovUniform(nil) })
}

// A transform by the right distribution function is uniform in each column, by a wrong one it is not.
func TestPIT(t *testing.T) {
	x := testkit.NormalRows(2000, 2, 1)
	right, wrong := eval.PIT(x, distuv.UnitNormal.CDF), eval.PIT(x, distuv.Normal{Mu: 0, Sigma: 1.25}.CDF)
	for j := range 2 {
		if got := eval.KolmogorovSmirnovUniform(mat.Col(nil, j, right)); got.PValue < 0.01 {
			t.Errorf("column %d: the right transform has the test %v", j, got)
		}
		if got := eval.KolmogorovSmirnovUniform(mat.Col(nil, j, wrong)); got.PValue > 0.01 {
			t.Errorf("column %d: the wrong transform has the test %v", j, got)
		}
	}
	if got, want := right.At(7, 1), distuv.UnitNormal.CDF(x.At(7, 1)); got != want {
		t.Errorf("F(x) = %v, want %v", got, want)
	}
}
