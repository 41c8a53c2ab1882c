package nfkit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// clusters returns rows of three normal distributions that are far apart, a third of them each, with one covariance.
func clusters(n int) (x *mat.Dense, cov *mat.SymDense) {
	cov = mat.NewSymDense(2, []float64{0.5, 0.4, 0.4, 1})
	x = mat.NewDense(n, 2, nil)
	src := rand.NewPCG(1, 2)
	for i := range n {
		mean := [][]float64{{-10, 0}, {10, 5}, {0, 20}}[i%3]
		normal, _ := distmv.NewNormal(mean, cov, src)
		normal.Rand(x.RawRowView(i))
	}
	return x, cov
}

// A mixture that starts from data is that of its clusters: with their covariances, gonum's densities.
func TestGaussianMixtureFromData(t *testing.T) {
	x, cov := clusters(3000)
	for _, covariance := range []nf.Covariance{nf.CovarianceFull, nf.CovarianceTied, nf.CovarianceDiag} {
		g := nf.NewGaussianMixture(3, 2, &nf.GaussianMixtureOptions{Covariance: covariance, Data: x}, rand.NewPCG(3, 4))
		var loc []float64
		for _, s := range g.State() {
			if s.Name == "loc" {
				loc = s.Param.Data
			}
		}
		if covariance == nf.CovarianceDiag {
			cov = mat.NewSymDense(2, []float64{0.5, 0, 0, 1})
		}
		got := modelOf(g).LogProb(x)
		for i := range 30 {
			k := 0 // the nearest mean
			for c := range 3 {
				if math.Hypot(x.At(i, 0)-loc[2*c], x.At(i, 1)-loc[2*c+1]) < math.Hypot(x.At(i, 0)-loc[2*k], x.At(i, 1)-loc[2*k+1]) {
					k = c
				}
			}
			normal, _ := distmv.NewNormal(loc[2*k:2*k+2], cov, nil)
			if want := normal.LogProb(x.RawRowView(i)) - math.Log(3); !(math.Abs(got[i]-want) < 0.1*math.Abs(want)) { // variances of 1000 rows
				t.Errorf("covariance %d: the log-density at %v is %v, want %v", covariance, x.RawRowView(i), got[i], want)
			}
		}
	}
}

// The formula with covariances, from numbers: deviations and correlations of a sample of one mode are those of the factor.
func TestGaussianMixtureCovariance(t *testing.T) {
	g := nf.NewGaussianMixture(1, 3, &nf.GaussianMixtureOptions{Covariance: nf.CovarianceFull, Loc: mat.NewDense(1, 3, []float64{1, 2, 3})}, nil)
	set(g.State(), "log_scale", 0.3, -0.4, 0.1)
	set(g.State(), "lower_entries", 0.5, -1, 0.7)
	// L⁻¹ has the rows of I + m divided by e^s.
	inverse := mat.NewDense(3, 3, []float64{1, 0, 0, 0.5, 1, 0, -1, 0.7, 1})
	for i, s := range []float64{0.3, -0.4, 0.1} {
		for j := range 3 {
			inverse.Set(i, j, inverse.At(i, j)/math.Exp(s))
		}
	}
	precision := mat.NewSymDense(3, nil)
	precision.SymOuterK(1, inverse.T())
	var factor mat.Cholesky
	factor.Factorize(precision)
	cov := mat.NewSymDense(3, nil)
	if err := factor.InverseTo(cov); err != nil {
		t.Fatal(err)
	}
	normal, _ := distmv.NewNormal([]float64{1, 2, 3}, cov, nil)
	x := testkit.NormalRows(20, 3, 1)
	for i, got := range modelOf(g).LogProb(x) {
		if want := normal.LogProb(x.RawRowView(i)); !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
			t.Errorf("LogProb = %v, want %v", got, want)
		}
	}
	var sample mat.SymDense
	stat.CovarianceMatrix(&sample, modelOf(g).Sample(40_000, rand.NewPCG(1, 2)), nil)
	for i := range 3 {
		for j := range 3 {
			if tol := 4 * math.Sqrt(2*cov.At(i, i)*cov.At(j, j)/40_000); !(math.Abs(sample.At(i, j)-cov.At(i, j)) <= tol) {
				t.Errorf("the covariance of samples at %d, %d is %v, want %v", i, j, sample.At(i, j), cov.At(i, j))
			}
		}
	}
}

// Rows that are alike, as many rows as modes, and constant columns leave a density that is finite.
func TestGaussianMixtureFromDegenerateData(t *testing.T) {
	for name, x := range map[string]*mat.Dense{
		"constant":           mat.NewDense(6, 2, slices.Repeat([]float64{7, 7}, 6)),
		"as many":            testkit.NormalRows(3, 2, 1),
		"on a line":          mat.NewDense(4, 2, []float64{0, 0, 1, 1, 2, 2, 30, 30}),
		"of very large size": mat.NewDense(4, 2, []float64{0, 0, 1e100, 1, 2, 2e100, 3e100, 30}),
	} {
		for _, covariance := range []nf.Covariance{nf.CovarianceDiag, nf.CovarianceFull, nf.CovarianceTied} {
			g := nf.NewGaussianMixture(3, 2, &nf.GaussianMixtureOptions{Covariance: covariance, Data: x}, rand.NewPCG(3, 4))
			for i, l := range modelOf(g).LogProb(x) {
				if math.IsNaN(l) || math.IsInf(l, 0) {
					t.Errorf("%s, covariance %d: the log-density of row %d is %v", name, covariance, i, l)
				}
			}
		}
	}
}

// Densities against gonum's, and those of shapes below 1, whose logarithms do not underflow.
func TestMoreBasesAgainstGonum(t *testing.T) {
	laplace := nf.NewLaplace(1, nil)
	set(laplace.State(), "loc", 0.3)
	set(laplace.State(), "log_scale", -0.4)
	gamma := nf.NewGamma(1, 0.4, nil)
	set(gamma.State(), "log_scale", 0.7)
	lognormal := nf.NewLogNormal(1, nil)
	set(lognormal.State(), "q0.loc", 0.2)
	set(lognormal.State(), "q0.log_scale", -0.3)
	for name, c := range map[string]struct {
		base nf.Base
		want func(x float64) float64
	}{
		"Laplace":        {laplace, distuv.Laplace{Mu: 0.3, Scale: math.Exp(-0.4)}.LogProb},
		"Cauchy":         {nf.NewCauchy(1, nil), func(x float64) float64 { return -math.Log(math.Pi * (1 + x*x)) }},
		"Gamma":          {gamma, distuv.Gamma{Alpha: 0.4, Beta: math.Exp(-0.7)}.LogProb},
		"exponential":    {nf.NewGamma(1, 1, nil), distuv.Exponential{Rate: 1}.LogProb},
		"Beta":           {nf.NewBeta(1, 0.3, 2), distuv.Beta{Alpha: 0.3, Beta: 2}.LogProb},
		"log-normal":     {lognormal, distuv.LogNormal{Mu: 0.2, Sigma: math.Exp(-0.3)}.LogProb},
		"truncated":      {nf.NewTruncatedGaussian(1, 0, 3, &nf.TruncatedGaussianOptions{Loc: 1, Scale: 2}), truncated(1, 2, 0, 3)},
		"its far tail":   {nf.NewTruncatedGaussian(1, 0, 3, &nf.TruncatedGaussianOptions{Loc: -30, Scale: 1}), nil},
		"the other tail": {nf.NewTruncatedGaussian(1, 0, 3, &nf.TruncatedGaussianOptions{Loc: 33, Scale: 1}), nil},
	} {
		for _, x := range []float64{1e-3, 0.1, 0.5, 0.9, 1.5, 2.9} {
			if c.want == nil {
				continue
			}
			got := modelOf(c.base).LogProb(mat.NewDense(1, 1, []float64{x}))[0]
			if want := c.want(x); got != want && !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
				t.Errorf("%s: LogProb(%v) = %v, want %v", name, x, got, want)
			}
		}
		x, logProb := modelOf(c.base).SampleLogProb(1000, rand.NewPCG(1, 2))
		for i, l := range modelOf(c.base).LogProb(x) {
			if !(math.Abs(l-logProb[i]) <= 1e-8*max(1, math.Abs(l))) {
				t.Errorf("%s: the sample %v has log-density %v, and comes with %v", name, x.At(i, 0), l, logProb[i])
				break
			}
		}
	}
	// Far out in a tail, what is left of the normal distribution is nearly exponential: with rate 30 at its end, so with mean 1/30 − 2/30³ + ….
	for sign, g := range map[float64]*nf.TruncatedGaussian{
		1:  nf.NewTruncatedGaussian(1, 0, 3, &nf.TruncatedGaussianOptions{Loc: -30, Scale: 1}),
		-1: nf.NewTruncatedGaussian(1, 0, 3, &nf.TruncatedGaussianOptions{Loc: 33, Scale: 1}),
	} {
		mean := stat.Mean(modelOf(g).Sample(20_000, rand.NewPCG(1, 2)).RawMatrix().Data, nil)
		if sign < 0 {
			mean = 3 - mean
		}
		if want := 1.0/30 - 2.0/27000; !(math.Abs(mean-want) <= 4/(30*math.Sqrt(20_000))+1e-5) {
			t.Errorf("the mean of samples of a tail is %v from its end, want %v", mean, want)
		}
	}
}

func truncated(mu, sigma, lo, hi float64) func(x float64) float64 {
	n := distuv.Normal{Mu: mu, Sigma: sigma}
	return func(x float64) float64 { return n.LogProb(x) - math.Log(n.CDF(hi)-n.CDF(lo)) }
}
