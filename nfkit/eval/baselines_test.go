package eval_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// baselines fits each baseline to rows.
var baselines = map[string]func(x mat.Matrix) (eval.Density, error){
	"Gaussian": func(x mat.Matrix) (eval.Density, error) { return eval.FitGaussian(x) },
	"GaussianMixture": func(x mat.Matrix) (eval.Density, error) {
		return eval.FitGaussianMixture(x, 2, nil, rand.NewPCG(1, 2))
	},
	"GaussianMixture, diagonal": func(x mat.Matrix) (eval.Density, error) {
		return eval.FitGaussianMixture(x, 2, &eval.GaussianMixtureOptions{Diagonal: true}, rand.NewPCG(1, 2))
	},
	"KernelDensity, Scott":     func(x mat.Matrix) (eval.Density, error) { return eval.NewKernelDensity(x, eval.Scott) },
	"KernelDensity, Silverman": func(x mat.Matrix) (eval.Density, error) { return eval.NewKernelDensity(x, eval.Silverman) },
	"KernelDensity, CrossValidated": func(x mat.Matrix) (eval.Density, error) {
		return eval.NewKernelDensity(x, eval.CrossValidated)
	},
}

// skewed are rows whose columns have other units and depend on one another.
func skewed(n int, seed uint64) *mat.Dense {
	x := targets.TwoMoons{}.Sample(n, rand.NewPCG(seed, 1))
	x.Apply(func(i, j int, v float64) float64 { return 3 + 10*v*float64(j) + x.At(i, 0) }, x)
	return x
}

// Densities integrate to 1, are those of their samples, depend on the rows one by one and on the source alone.
func TestBaselines(t *testing.T) {
	x := testkit.NormalRows(60, 2, 1)
	x.Apply(func(i, j int, v float64) float64 { return v*float64(1+j) + float64(i%2)*2 }, x)
	for name, fit := range baselines {
		t.Run(name, func(t *testing.T) {
			d, err := fit(x)
			if err != nil {
				t.Fatal(err)
			}
			if err := nftest.Density(d, nil, rand.NewPCG(3, 4)); err != nil {
				t.Error(err)
			}
			all, one := d.LogProb(x), d.LogProb(x.Slice(5, 6, 0, 2))
			if d.Dim() != 2 || len(all) != 60 || math.Abs(all[5]-one[0]) > 1e-12 {
				t.Errorf("row 5 has the log-density %v, alone %v", all[5], one[0])
			}
			testkit.OnCores(func(cores int) {
				again, err := fit(x)
				if err != nil || !slices.Equal(all, again.LogProb(x)) || !mat.Equal(d.Sample(9, rand.NewPCG(5, 6)), again.Sample(9, rand.NewPCG(5, 6))) {
					t.Errorf("on %d cores it is another distribution (error %v)", cores, err)
				}
			})
			if got := d.LogProb(mat.NewDense(1, 2, []float64{math.NaN(), 0})); !math.IsNaN(got[0]) {
				t.Errorf("the log-density of NaN is %v", got)
			}
			if got := d.LogProb(mat.NewDense(1, 2, []float64{1e6, 0})); !(got[0] < -1e6) {
				t.Errorf("the log-density far off is %v", got)
			}
			testkit.WantPanic(t, "want 2 columns", func() { d.LogProb(testkit.NormalRows(3, 3, 1)) })
			testkit.WantPanic(t, "Sample: got 0 rows", func() { d.Sample(0, rand.NewPCG(1, 2)) })
		})
	}
}

// In other units a baseline is the same distribution.
func TestBaselinesInOtherUnits(t *testing.T) {
	x := skewed(300, 3)
	y := mat.DenseCopyOf(x)
	y.Apply(func(_, j int, v float64) float64 { return 7 + v*[]float64{1e-3, 1e4}[j] }, y)
	for name, fit := range baselines {
		a, errA := fit(x)
		b, errB := fit(y)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		la, lb := a.LogProb(x), b.LogProb(y)
		for i := range la {
			if want := la[i] - math.Log(10); math.Abs(lb[i]-want) > 1e-5 { // iterations end at a gain of 1e-5
				t.Fatalf("%s: the log-density of row %d is %v in other units, want %v", name, i, lb[i], want)
			}
		}
	}
}

func TestBaselinesRefuse(t *testing.T) {
	constant, infinite := testkit.NormalRows(20, 2, 1), testkit.NormalRows(20, 2, 1)
	for i := range 20 {
		constant.Set(i, 1, 3)
	}
	infinite.Set(3, 1, math.Inf(1))
	nan := mat.DenseCopyOf(infinite)
	nan.Set(3, 1, math.NaN())
	for name, fit := range baselines {
		for what, x := range map[string]mat.Matrix{"a constant": constant, "an infinite number": infinite, "NaN": nan, "one row": testkit.NormalRows(1, 2, 1), "no rows": &mat.Dense{}} {
			if _, err := fit(x); err == nil || !strings.HasPrefix(err.Error(), "eval: ") {
				t.Errorf("%s of %s: the error is %v", name, what, err)
			}
		}
	}
	testkit.WantPanic(t, "FitGaussianMixture: got 0 components", func() { eval.FitGaussianMixture(constant, 0, nil, rand.NewPCG(1, 2)) })
	testkit.WantPanic(t, "NewKernelDensity: got the bandwidth rule 3", func() { eval.NewKernelDensity(constant, 3) })
	if _, err := eval.FitGaussian(mat.NewDense(3, 2, []float64{1, 2, 2, 4, 5, 10})); err == nil {
		t.Error("columns that are multiples of one another are accepted")
	}
}

// The density is that of gonum for mean and covariance of the data.
func TestGaussianAgreesWithGonum(t *testing.T) {
	x := skewed(500, 5)
	g, err := eval.FitGaussian(x)
	if err != nil {
		t.Fatal(err)
	}
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, x, nil)
	cov.ScaleSym(499./500, &cov)
	want, _ := distmv.NewNormal(columnMeans(x), &cov, nil)
	for i, got := range g.LogProb(x) {
		if w := want.LogProb(x.RawRowView(i)); math.Abs(got-w) > 1e-9 {
			t.Fatalf("the log-density of row %d is %v, want %v", i, got, w)
		}
	}
	var of mat.SymDense
	sample := g.Sample(100_000, rand.NewPCG(1, 2))
	stat.CovarianceMatrix(&of, sample, nil)
	for i, m := range columnMeans(sample) {
		if math.Abs(m-want.Mean(nil)[i]) > 4*math.Sqrt(cov.At(i, i)/100_000) {
			t.Errorf("the mean of samples is %v in column %d", m, i)
		}
		for j := range 2 {
			if scale := math.Sqrt(cov.At(i, i) * cov.At(j, j)); math.Abs(of.At(i, j)-cov.At(i, j)) > 0.02*scale { // 4·√(2/100,000)
				t.Errorf("the covariance %d, %d of samples is %v, want %v", i, j, of.At(i, j), cov.At(i, j))
			}
		}
	}
}

func columnMeans(x *mat.Dense) []float64 {
	_, d := x.Dims()
	means := make([]float64, d)
	for j := range means {
		means[j] = stat.Mean(mat.Col(nil, j, x), nil)
	}
	return means
}

// Held-out likelihood: a mixture of one component is the Gaussian; four clusters are found to the entropy; a full
// covariance beats a diagonal one where columns depend on one another; more components come nearer to two moons.
func TestGaussianMixtureLearns(t *testing.T) {
	score := func(train, test mat.Matrix, k int, diagonal bool) float64 {
		m, err := eval.FitGaussianMixture(train, k, &eval.GaussianMixtureOptions{Diagonal: diagonal}, rand.NewPCG(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		return eval.LogLikelihood(m, test).Value
	}
	x, y := skewed(1000, 1), skewed(1000, 2)
	g, _ := eval.FitGaussian(x)
	if got, want := score(x, y, 1, false), eval.LogLikelihood(g, y).Value; math.Abs(got-want) > 1e-5 { // a millionth is added to the variances
		t.Errorf("one component has the likelihood %v, the Gaussian %v", got, want)
	}
	if one, many := score(x, y, 1, false), score(x, y, 8, false); many < one+0.3 {
		t.Errorf("one component has the likelihood %v, eight have %v", one, many)
	}
	if full, diagonal := score(x, y, 1, false), score(x, y, 1, true); full < diagonal+0.01 {
		t.Errorf("a full covariance has the likelihood %v, a diagonal one %v", full, diagonal)
	}
	clusters := func(seed uint64) *mat.Dense {
		x := testkit.NormalRows(2000, 2, seed)
		x.Apply(func(i, j int, v float64) float64 { return v + 20*float64(i>>j&1) }, x)
		return x
	}
	want := -math.Log(4) - math.Log(2*math.Pi) - 1
	if got := score(clusters(1), clusters(2), 4, false); math.Abs(got-want) > 0.1 { // 4·√(1/2000), and 23 parameters/2·2000
		t.Errorf("four clusters have the likelihood %v, want %v", got, want)
	}
	if got := score(mat.NewDense(6, 1, []float64{0, 0, 0, 1, 1, 1}), mat.NewDense(1, 1, []float64{1}), 4, false); math.IsNaN(got) || math.IsInf(got, 0) {
		t.Errorf("more components than different points have the likelihood %v", got)
	}
}

// Bandwidths are those of the rules; the cross-validated one has the best leave-one-out likelihood, and beats the others
// where data are not normal.
func TestKernelDensityBandwidth(t *testing.T) {
	x := skewed(400, 1)
	bandwidth := func(rule eval.Bandwidth) (*eval.KernelDensity, []float64) {
		k, err := eval.NewKernelDensity(x, rule)
		if err != nil {
			t.Fatal(err)
		}
		return k, k.Bandwidth()
	}
	scott, h := bandwidth(eval.Scott)
	_, silverman := bandwidth(eval.Silverman)
	best, cv := bandwidth(eval.CrossValidated)
	for j := range 2 {
		sd := stat.StdDev(mat.Col(nil, j, x), nil)
		if want := sd * math.Pow(400, -1./6); math.Abs(h[j]-want) > 1e-12*want || math.Abs(silverman[j]-want) > 1e-12*want { // in two dimensions the factor is 1
			t.Errorf("column %d: the bandwidths are %v and %v, want %v", j, h[j], silverman[j], want)
		}
		if math.Abs(cv[j]/h[j]-cv[0]/h[0]) > 1e-12 {
			t.Errorf("column %d: the bandwidth is %v by cross-validation, %v without", j, cv[j], h[j])
		}
	}
	y := skewed(2000, 2)
	if d := eval.LogLikelihoodDifference(best, scott, y); !(d.Value > 4*d.Error) {
		t.Errorf("cross-validation gains %v", d)
	}
	// Leaving one out by hand, at the bandwidth and on either side of it.
	leaveOneOut := func(factor float64) float64 {
		var total float64
		for i := range 400 {
			var sum float64
			for j := range 400 {
				if i != j {
					a, b := (x.At(i, 0)-x.At(j, 0))/(factor*cv[0]), (x.At(i, 1)-x.At(j, 1))/(factor*cv[1])
					sum += math.Exp(-0.5*a*a-0.5*b*b) / (factor * factor)
				}
			}
			total += math.Log(sum)
		}
		return total
	}
	if l := leaveOneOut(1); l < leaveOneOut(0.97) || l < leaveOneOut(1.03) {
		t.Errorf("leaving one out gives %v, with less bandwidth %v, with more %v", l, leaveOneOut(0.97), leaveOneOut(1.03))
	}
	one, err := eval.NewKernelDensity(mat.NewDense(3, 1, []float64{-1, 0, 1}), eval.Silverman)
	if err != nil {
		t.Fatal(err)
	}
	b := math.Pow(3*0.75, -0.2)
	want := math.Log((1 + 2*math.Exp(-0.5/(b*b))) / (3 * b * math.Sqrt(2*math.Pi)))
	if got := one.LogProb(mat.NewDense(1, 1, nil))[0]; math.Abs(got-want) > 1e-12 {
		t.Errorf("the log-density in the middle of three points is %v, want %v", got, want)
	}
}
