package targets_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// logDensity evaluates the log-density of each row of x.
func logDensity(t targets.Target, x *mat.Dense) []float64 {
	return t.LogDensity(ad.NewEvalTape(ad.Float64).Matrix(x)).Data()
}

// Given μ and ln τ the schools are independent: the integral over η is a product of eight, each of them found from the
// density along one axis. Those of μ and ln τ are around it.
func TestEightSchoolsByQuadrature(t *testing.T) {
	target := targets.EightSchools{}
	η, w := make([]float64, 120), make([]float64, 120)
	quad.Legendre{}.FixedLocations(η, w, -10, 10)
	points := mat.NewDense(1+8*len(η), 10, nil)
	for i := range 8 {
		for k, e := range η {
			points.Set(1+i*len(η)+k, i, e)
		}
	}
	// inner returns p(μ, ln τ, y) and the integral of θ₁ times it.
	inner := func(μ, logτ float64) (p, θ1 float64) {
		for i := range points.RawMatrix().Rows {
			points.Set(i, 8, μ)
			points.Set(i, 9, logτ)
		}
		logs := logDensity(target, points)
		p = math.Exp(logs[0])
		for i := range 8 {
			var sum, moment float64
			for k, e := range η {
				f := w[k] * math.Exp(logs[1+i*len(η)+k]-logs[0])
				sum += f
				moment += f * (μ + math.Exp(logτ)*e)
			}
			p *= sum
			if i == 0 {
				θ1 = moment / sum
			}
		}
		return p, p * θ1
	}
	var z, μ, τ, θ1 float64
	u, wu := make([]float64, 10), make([]float64, 10)
	for lo := -14.; lo < 6; lo += 4 {
		quad.Legendre{}.FixedLocations(u, wu, lo, lo+4)
		for i, logτ := range u {
			for m := -16.; m <= 26; m += 1.5 { // half of the least deviation of μ: the rule of the trapezoid
				p, moment := inner(m, logτ)
				mass := 1.5 * wu[i]
				z += mass * p
				μ += mass * p * m
				τ += mass * p * math.Exp(logτ)
				θ1 += mass * moment
			}
		}
	}
	means := target.Means()
	for _, c := range []struct {
		what      string
		got, want float64
		tol       float64
	}{
		// The rules' errors; below ln τ = −14 lies a mass of 1e-7.
		{"ln Z", target.LogNormalizer(), math.Log(z), 1e-5},
		{"E μ", means[8], μ / z, 1e-4},
		{"E τ", means[9], τ / z, 1e-4},
		{"E θ₁", means[0], θ1 / z, 1e-4},
	} {
		if !(math.Abs(c.got-c.want) <= c.tol) {
			t.Errorf("%s = %v, quadrature gives %v", c.what, c.got, c.want)
		}
	}
	// posteriordb's reference draws, and their Monte Carlo errors.
	for i, ref := range map[int][2]float64{8: {4.4105, 0.033}, 9: {3.6021, 0.032}, 0: {6.1505, 0.056}} {
		if !(math.Abs(means[i]-ref[0]) <= 3*ref[1]) {
			t.Errorf("mean %d = %v, posteriordb has %v ± %v", i, means[i], ref[0], ref[1])
		}
	}
}

func TestEightSchoolsSamplesHaveTheMeans(t *testing.T) {
	target := targets.EightSchools{}
	checkMeans(t, target.Parameters(target.Sample(50000, rand.NewPCG(1, 2))), target.Means())
}

func TestLinearRegressionSamplesHaveTheMeans(t *testing.T) {
	target := targets.LinearRegression{}
	checkMeans(t, target.Sample(50000, rand.NewPCG(1, 2)), target.Means())
}

// checkMeans compares the means of the columns of x with want, within four standard errors.
func checkMeans(t *testing.T, x *mat.Dense, want []float64) {
	t.Helper()
	n, _ := x.Dims()
	for j, w := range want {
		mean, sd := stat.MeanStdDev(mat.Col(nil, j, x), nil)
		if z := (mean - w) / (sd / math.Sqrt(float64(n))); !(math.Abs(z) <= 4) {
			t.Errorf("the mean of column %d is %v, want %v: %.1f standard errors", j, mean, w, z)
		}
	}
}

// Given ln σ the density is normal in β, up to a factor, so that its value, gradient and Hessian at any point give its
// integral; that over ln σ is a quadrature.
func TestLinearRegressionByQuadrature(t *testing.T) {
	target := targets.LinearRegression{}
	at := func(β []float64, logσ float64) float64 {
		return logDensity(target, mat.NewDense(1, 5, append(append([]float64(nil), β...), logσ)))[0]
	}
	logZ := func(logσ float64) float64 {
		f := func(β []float64) float64 { return at(β, logσ) }
		β, g, h := make([]float64, 4), make([]float64, 4), mat.NewSymDense(4, nil)
		step := &fd.Settings{Formula: fd.Central, Step: 0.1} // differences of a square are exact
		fd.Gradient(g, f, β, step)
		fd.Hessian(h, f, β, &fd.Settings{Step: 0.1, Formula: fd.Formula{Stencil: []fd.Point{{Loc: -1, Coeff: -0.5}, {Loc: 1, Coeff: 0.5}}, Derivative: 1, Step: 0.1}})
		h.ScaleSym(-1, h)
		var c mat.Cholesky
		if !c.Factorize(h) {
			t.Fatal("the density has no maximum in β")
		}
		var shift mat.VecDense
		if err := c.SolveVecTo(&shift, mat.NewVecDense(4, g)); err != nil {
			t.Fatal(err)
		}
		return f(β) + 0.5*floats.Dot(g, shift.RawVector().Data) + 2*math.Log(2*math.Pi) - 0.5*c.LogDet()
	}
	want := math.Log(quad.Fixed(func(logσ float64) float64 { return math.Exp(logZ(logσ)) }, -4.5, 3, 96, quad.Legendre{}, 0))
	if got := target.LogNormalizer(); !(math.Abs(got-want) <= 1e-6) {
		t.Errorf("LogNormalizer() = %v, quadrature gives %v", got, want)
	}
}

func TestDoubleWellFreeEnergy(t *testing.T) {
	if got, want := (targets.DoubleWell{}).FreeEnergyDifference(), math.Log((1-0.844307)/0.844307); !(math.Abs(got-want) <= 1e-5) {
		t.Errorf("FreeEnergyDifference() = %v, want %v", got, want)
	}
	const n = 20000
	x := targets.DoubleWell{}.Sample(n, rand.NewPCG(1, 2))
	right := 0.
	for i := range n {
		if x.At(i, 0) > 0 {
			right++
		}
	}
	if z := (right/n - 0.844307) / math.Sqrt(0.844307*(1-0.844307)/n); !(math.Abs(z) <= 4) {
		t.Errorf("%v of the samples are in the well on the right, want 0.844307: %.1f standard errors", right/n, z)
	}
}

func TestManyWellIsManyDoubleWells(t *testing.T) {
	m, w := targets.ManyWell{Dims: 6}, targets.DoubleWell{}
	x := m.Sample(100, rand.NewPCG(1, 2))
	for i, got := range m.LogProb(x) {
		var want float64
		for j := 0; j < 6; j += 2 {
			want += w.LogProb(x.Slice(i, i+1, j, j+2))[0]
		}
		if !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
			t.Errorf("LogProb of row %d = %v, want the sum %v", i, got, want)
		}
	}
	if got, want := (targets.ManyWell{}).LogNormalizer(), 164.69567; !(math.Abs(got-want) <= 1e-5) {
		t.Errorf("LogNormalizer() in 32 dimensions = %v, want %v", got, want)
	}
}

// The first numbers of torch.rand after torch.manual_seed(0).
func TestGMM40Means(t *testing.T) {
	m := targets.GMM40{}.Means()
	for i, u := range []float64{0.4963, 0.7682, 0.0885, 0.1320, 0.3074} {
		if got, want := m.At(i/2, i%2), 80*u-40; !(math.Abs(got-want) <= 80*0.00005) {
			t.Errorf("mean %d has coordinate %d at %v, want %v", i/2, i%2, got, want)
		}
	}
}

// A sample of the target has found all modes, one of three of them three, and points of one mode that are few are not counted.
func TestGMM40ModesFound(t *testing.T) {
	target := targets.GMM40{}
	if got := target.ModesFound(target.Sample(10_000, rand.NewPCG(1, 2))); got != 40 {
		t.Errorf("a sample of the target has found %d modes, want 40", got)
	}
	x := target.Means().Slice(0, 3, 0, 2)
	if got := target.ModesFound(x); got != 3 {
		t.Errorf("three of the means have found %d modes, want 3", got)
	}
	half := mat.NewDense(80, 2, nil) // one row of 80 is half of a share
	for i := range 80 {
		half.SetRow(i, target.Means().RawRowView(min(i, 1)))
	}
	if got := target.ModesFound(half); got != 1 {
		t.Errorf("a mode with half of its share of points is counted: found %d, want 1", got)
	}
	testkit.WantPanic(t, "targets: targets.GMM40.ModesFound: got a 1×3 batch, want 2 columns", func() { target.ModesFound(mat.NewDense(1, 3, nil)) })
}
