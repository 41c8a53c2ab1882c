package inference_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/inference"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// small makes members that train in a moment.
var small = &inference.EstimatorOptions{Members: 2, NewFlow: func(dim, context int, src rand.Source) *nf.NormalizingFlow {
	return nf.NewMAF(dim, &nf.ModelOptions{Layers: 2, Hidden: 16, Depth: 1, Context: context}, src)
}}

// linear has θ ~ N(0, 1)², x = Mθ + ½ε, whose posterior is normal.
var linear = struct {
	prior *inference.Prior
	m     *mat.Dense
}{inference.NewPrior(distuv.Normal{Sigma: 1}, distuv.Normal{Sigma: 1}), mat.NewDense(2, 2, []float64{1, 0.5, -0.3, 0.8})}

const linearNoise = 0.5

func simulateLinear(theta []float64, src rand.Source) ([]float64, error) {
	r := rand.New(src)
	x := make([]float64, 2)
	for i := range x {
		x[i] = floats.Dot(linear.m.RawRowView(i), theta) + linearNoise*r.NormFloat64()
	}
	return x, nil
}

// linearPosterior has the precision 1 + MᵀM/s², and that times the mean is Mᵀx/s².
func linearPosterior(t testing.TB, x []float64) (mean []float64, cov *mat.SymDense) {
	t.Helper()
	var precision mat.SymDense
	precision.SymOuterK(1/(linearNoise*linearNoise), linear.m.T())
	for j := range 2 {
		precision.SetSym(j, j, precision.At(j, j)+1)
	}
	var c mat.Cholesky
	if !c.Factorize(&precision) {
		t.Fatal("the precision is not positive definite")
	}
	cov = new(mat.SymDense)
	if err := c.InverseTo(cov); err != nil {
		t.Fatal(err)
	}
	var b, m mat.VecDense
	b.MulVec(linear.m.T(), mat.NewVecDense(2, x))
	b.ScaleVec(1/(linearNoise*linearNoise), &b)
	m.MulVec(cov, &b)
	return m.RawVector().Data, cov
}

func simulate(t testing.TB, prior *inference.Prior, f inference.Simulator, n int, seed uint64) *inference.Simulations {
	t.Helper()
	s, err := inference.Simulate(context.Background(), prior, f, n, nil, rand.NewPCG(seed, 0))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fitNPE(t testing.TB, prior *inference.Prior, sims *inference.Simulations, steps int) *inference.NPE {
	t.Helper()
	npe := inference.NewNPE(prior, sims.DataDim(), small, rand.NewPCG(1, 2))
	if _, err := npe.Fit(context.Background(), sims, &inference.FitOptions{Steps: steps}, rand.NewPCG(3, 4)); err != nil {
		t.Fatal(err)
	}
	return npe
}

// checkMoments holds mean and covariance of the rows against those given: within tol standard deviations.
func checkMoments(t *testing.T, rows *mat.Dense, mean []float64, cov mat.Symmetric, tol float64) {
	t.Helper()
	var got mat.SymDense
	stat.CovarianceMatrix(&got, rows, nil)
	for i := range mean {
		si := math.Sqrt(cov.At(i, i))
		if m := stat.Mean(mat.Col(nil, i, rows), nil); !(math.Abs(m-mean[i]) <= tol*si) {
			t.Errorf("the mean of parameter %d is %.4f, want %.4f with a deviation of %.4f", i, m, mean[i], si)
		}
		for j := range i + 1 {
			if s := si * math.Sqrt(cov.At(j, j)); !(math.Abs(got.At(i, j)-cov.At(i, j)) <= 2*tol*s) {
				t.Errorf("the covariance of parameters %d and %d is %.4f, want %.4f", i, j, got.At(i, j), cov.At(i, j))
			}
		}
	}
}

func TestLinearPosterior(t *testing.T) {
	sims := simulate(t, linear.prior, simulateLinear, 2000, 1)
	npe := fitNPE(t, linear.prior, sims, 100)
	nle := inference.NewNLE(linear.prior, 2, small, rand.NewPCG(1, 2))
	if _, err := nle.Fit(context.Background(), sims, &inference.FitOptions{Steps: 100}, rand.NewPCG(3, 4)); err != nil {
		t.Fatal(err)
	}
	const tol = 0.12 // the error of a regression on 2000 rows is 0.05 or so
	for _, x := range [][]float64{{0.5, -0.7}, {-1.5, 1}} {
		mean, cov := linearPosterior(t, x)
		posterior, err := npe.Posterior(x)
		if err != nil {
			t.Fatal(err)
		}
		checkMoments(t, posterior.Sample(4000, rand.NewPCG(5, 6)), mean, cov, tol)
		weighted, err := nle.Posterior(mat.NewDense(1, 2, x), posterior, 4000, rand.NewPCG(7, 8))
		if err != nil {
			t.Fatal(err)
		}
		checkMoments(t, weighted.Resample(4000, rand.NewPCG(9, 10)), mean, cov, tol)
		if !(weighted.K < eval.ParetoThreshold(4000)) {
			t.Errorf("k̂ of a proposal near the posterior is %v", weighted.K)
		}
		// p(x) is normal with covariance MMᵀ + s².
		var evidence mat.SymDense
		evidence.SymOuterK(1, linear.m)
		for j := range 2 {
			evidence.SetSym(j, j, evidence.At(j, j)+linearNoise*linearNoise)
		}
		var c mat.Cholesky
		c.Factorize(&evidence)
		v, sol := mat.NewVecDense(2, x), new(mat.VecDense)
		if err := c.SolveVecTo(sol, v); err != nil {
			t.Fatal(err)
		}
		want := -0.5*mat.Dot(v, sol) - 0.5*c.LogDet() - math.Log(2*math.Pi)
		if got := weighted.LogEvidence.Value; !(math.Abs(got-want) <= 0.15) {
			t.Errorf("ln p(x) is %.4f, want %.4f", got, want)
		}
	}
}

// Several observations of the same parameters: their likelihoods multiply.
func TestLikelihoodsOfSeveralObservations(t *testing.T) {
	sims := simulate(t, linear.prior, simulateLinear, 300, 1)
	nle := inference.NewNLE(linear.prior, 2, small, rand.NewPCG(1, 2))
	if _, err := nle.Fit(context.Background(), sims, &inference.FitOptions{Steps: 5}, rand.NewPCG(3, 4)); err != nil {
		t.Fatal(err)
	}
	x := mat.NewDense(2, 2, []float64{0.5, -0.7, 0.1, 0.2})
	w, err := nle.Posterior(x, linearProposal{}, 50, rand.NewPCG(5, 6))
	if err != nil {
		t.Fatal(err)
	}
	want := nle.LogLikelihood(w.Theta, x.Slice(0, 1, 0, 2))
	floats.Add(want, nle.LogLikelihood(w.Theta, x.Slice(1, 2, 0, 2)))
	smoothed, k := eval.ParetoSmooth(want) // prior and proposal are the same
	if !floats.EqualApprox(w.LogWeights, smoothed, 1e-9) || math.Abs(w.K-k) > 1e-9 {
		t.Errorf("the weights of two observations are not products of likelihoods")
	}
}

// linearProposal is the prior as a proposal.
type linearProposal struct{}

func (linearProposal) Dim() int                                 { return 2 }
func (linearProposal) Sample(n int, src rand.Source) *mat.Dense { return linear.prior.Sample(n, src) }
func (linearProposal) LogProb(theta mat.Matrix) []float64       { return linear.prior.LogProb(theta) }

// The ranks of the truth among draws of the posterior are uniform, and those of one that is too narrow are not.
func TestCalibration(t *testing.T) {
	npe := fitNPE(t, linear.prior, simulate(t, linear.prior, simulateLinear, 2000, 1), 100)
	const draws, runs = 49, 200
	fresh := simulate(t, linear.prior, simulateLinear, runs, 2)
	ranks, narrow := make([][]int, 2), make([][]int, 2)
	for i := range runs {
		p, err := npe.Posterior(fresh.X.RawRowView(i))
		if err != nil {
			t.Fatal(err)
		}
		theta := p.Sample(draws, rand.NewPCG(uint64(i), 3))
		for j, r := range eval.Ranks(fresh.Theta.RawRowView(i), theta) {
			ranks[j] = append(ranks[j], r)
		}
		mean, _ := linearPosterior(t, fresh.X.RawRowView(i))
		theta.Apply(func(_, j int, v float64) float64 { return mean[j] + 0.7*(v-mean[j]) }, theta)
		for j, r := range eval.Ranks(fresh.Theta.RawRowView(i), theta) {
			narrow[j] = append(narrow[j], r)
		}
	}
	for j := range ranks {
		if p := eval.RankChiSquare(ranks[j], draws).PValue; !(p > 0.01) {
			t.Errorf("ranks of parameter %d are not uniform: p = %v", j, p)
		}
		if p := eval.RankChiSquare(narrow[j], draws).PValue; !(p < 0.01) {
			t.Errorf("ranks of parameter %d of a posterior that is too narrow are uniform: p = %v", j, p)
		}
	}
}

// mixed has a parameter of each kind of support.
var mixed = inference.NewPrior(distuv.Uniform{Min: -1, Max: 1}, distuv.LogNormal{Mu: 1, Sigma: 0.5}, distuv.Gamma{Alpha: 2, Beta: 3}, distuv.Beta{Alpha: 0.5, Beta: 0.5}, distuv.Normal{Mu: 3, Sigma: 2})

// The data pull the parameters to the bounds, where a density that leaks would be beyond them.
func TestPosteriorKeepsToThePrior(t *testing.T) {
	sims := simulate(t, mixed, func(theta []float64, src rand.Source) ([]float64, error) {
		r, x := rand.New(src), slices.Clone(theta)
		for j := range x {
			x[j] += 0.1 * r.NormFloat64()
		}
		return x, nil
	}, 400, 1)
	npe := fitNPE(t, mixed, sims, 40)
	lo, hi := mixed.Bounds()
	for _, x := range [][]float64{{1, 3, 0.5, 1, 3}, {-1, 0.2, 0, 0, -5}, {40, -40, -40, 40, 400}} {
		p, err := npe.Posterior(x)
		if err != nil {
			t.Fatal(err)
		}
		theta := p.Sample(2000, rand.NewPCG(5, 6))
		logProb := p.LogProb(theta)
		for i := range 2000 {
			for j, v := range theta.RawRowView(i) {
				if !(v > lo[j] && v < hi[j]) {
					t.Fatalf("observation %v: parameter %d of a sample is %v, the prior is from %v to %v", x, j, v, lo[j], hi[j])
				}
			}
			if math.IsNaN(logProb[i]) || math.IsInf(logProb[i], 0) {
				t.Fatalf("observation %v: the log-density of the sample %v is %v", x, theta.RawRowView(i), logProb[i])
			}
		}
		outside := mat.DenseCopyOf(theta.Slice(0, 4, 0, 5))
		outside.Set(0, 0, 1)
		outside.Set(1, 1, -1e-9)
		outside.Set(2, 2, 0)
		outside.Set(3, 3, math.NaN())
		for i, l := range p.LogProb(outside) {
			if want := i == 3; math.IsNaN(l) != want || !want && !math.IsInf(l, -1) {
				t.Errorf("the log-density outside, %v, is %v", outside.RawRowView(i), l)
			}
		}
	}
}

// In one dimension, the density in the units of the parameter integrates to 1.
func TestPosteriorIsNormalised(t *testing.T) {
	prior := inference.NewPrior(distuv.Uniform{Min: 2, Max: 5})
	sims := simulate(t, prior, func(theta []float64, src rand.Source) ([]float64, error) {
		return []float64{theta[0]*theta[0] + rand.New(src).NormFloat64()}, nil
	}, 300, 1)
	p := nf.Must(fitNPE(t, prior, sims, 50).Posterior([]float64{24}))
	const n = 3000
	theta := mat.NewDense(n, 1, nil)
	for i := range n {
		theta.Set(i, 0, 2+3*(float64(i)+0.5)/n)
	}
	if mass := math.Exp(floats.LogSumExp(p.LogProb(theta))) * 3 / n; !(math.Abs(mass-1) <= 1e-3) {
		t.Errorf("the density integrates to %v", mass)
	}
}

func TestSameForAnyCores(t *testing.T) {
	var want []float64
	testkit.OnCores(func(cores int) {
		sims := simulate(t, linear.prior, simulateLinear, 100, 1)
		p := nf.Must(fitNPE(t, linear.prior, sims, 5).Posterior([]float64{1, 1}))
		theta := p.Sample(20, rand.NewPCG(1, 1))
		got := append(theta.RawMatrix().Data, p.LogProb(theta)...)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %d cores the posterior is another one than on 1", cores)
		}
	})
}

func TestSaveAndLoad(t *testing.T) {
	npe := fitNPE(t, linear.prior, simulate(t, linear.prior, simulateLinear, 100, 1), 5)
	path := filepath.Join(t.TempDir(), "npe.safetensors")
	if err := nf.Save(path, npe); err != nil {
		t.Fatal(err)
	}
	other := inference.NewNPE(linear.prior, 2, small, rand.NewPCG(8, 9))
	if err := nf.Load(path, other); err != nil {
		t.Fatal(err)
	}
	x := []float64{30, 0.3}
	a, b := nf.Must(npe.Posterior(x)), nf.Must(other.Posterior(x))
	theta := linear.prior.Sample(10, rand.NewPCG(1, 1))
	if !slices.Equal(a.LogProb(theta), b.LogProb(theta)) || !slices.Equal(a.Remarks(), b.Remarks()) {
		t.Errorf("the posterior that was loaded is another one")
	}
}

func TestFailingRuns(t *testing.T) {
	errOdd := errors.New("odd")
	failing := func(share float64) inference.Simulator {
		return func(theta []float64, src rand.Source) ([]float64, error) {
			switch u := distuv.UnitNormal.CDF(theta[0]); {
			case u < share/2:
				return nil, errOdd
			case u < share:
				return []float64{1, math.NaN()}, nil
			}
			return simulateLinear(theta, src)
		}
	}
	var most, reports int
	s, err := inference.Simulate(context.Background(), linear.prior, failing(0.3), 1000, &inference.SimulateOptions{Progress: func(done, failed, of int) {
		reports++
		if most = max(most, failed); done != reports || of != 1000 {
			t.Errorf("report %d is of run %d of %d", reports, done, of)
		}
	}}, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if s.Len()+s.Failed != 1000 || s.Failed < 200 || s.Failed > 400 || most != s.Failed || s.Failure == nil || reports != 1000 {
		t.Errorf("of 1000 runs, %d are left and %d failed (%v); the most reported is %d in %d reports", s.Len(), s.Failed, s.Failure, most, reports)
	}
	_, err = inference.Simulate(context.Background(), linear.prior, failing(0.6), 1000, nil, rand.NewPCG(1, 2))
	if err == nil || !strings.Contains(err.Error(), "of 1000 runs failed: run ") {
		t.Errorf("with six of ten runs failing, the error is %v", err)
	}
	_, err = inference.Simulate(context.Background(), linear.prior, func([]float64, rand.Source) ([]float64, error) { return nil, errOdd }, 10, &inference.SimulateOptions{MaxFailed: 1}, rand.NewPCG(1, 2))
	if !errors.Is(err, errOdd) {
		t.Errorf("with all runs failing, the error is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = inference.Simulate(ctx, linear.prior, simulateLinear, 10, nil, rand.NewPCG(1, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is cancelled, the error is %v", err)
	}
}

// A run that is stopped on purpose keeps what is done.
func TestSimulateStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s, err := inference.Simulate(ctx, linear.prior, simulateLinear, 1000, &inference.SimulateOptions{Progress: func(done, _, _ int) {
		if done == 50 {
			cancel(nf.ErrStop)
		}
	}}, rand.NewPCG(1, 2))
	if err != nil || s.Len() < 50 || s.Len() > 200 || s.Failed != 0 {
		t.Errorf("stopped after 50 runs: %v, %+v", err, s)
	}
}

func TestOwnSimulations(t *testing.T) {
	theta, x := testkit.NormalRows(10, 2, 1), testkit.NormalRows(10, 3, 2)
	x.Set(4, 1, math.Inf(1))
	theta.Set(7, 0, math.NaN())
	s, err := inference.NewSimulations(theta, x)
	if err != nil || s.Len() != 8 || s.Failed != 2 || s.DataDim() != 3 || !strings.Contains(s.Failure.Error(), "row 4: number 3") || s.X.At(4, 0) != x.At(5, 0) {
		t.Errorf("of 10 rows with two bad ones: %v, %+v", err, s)
	}
	x.Zero()
	x.Apply(func(_, _ int, _ float64) float64 { return math.NaN() }, x)
	if _, err := inference.NewSimulations(theta, x); err == nil {
		t.Error("rows of NaN give no error")
	}
}

func TestExtrapolationIsSaid(t *testing.T) {
	sims := simulate(t, linear.prior, simulateLinear, 500, 1)
	npe := fitNPE(t, linear.prior, sims, 5)
	for _, c := range []struct {
		x    []float64
		want string
	}{{[]float64{0.5, 0.5}, ""}, {[]float64{0.5, 12}, "number 1 of the observation is 12"}, {[]float64{-1e300, 0}, "number 0 of the observation is -1e+300"}} {
		p, err := npe.Posterior(c.x)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Remarks(), "; "); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("remarks on %v: %q, want %q", c.x, got, c.want)
		}
		if l := p.LogProb(p.Sample(10, rand.NewPCG(1, 2))); floats.HasNaN(l) {
			t.Errorf("the posterior of %v has log-densities %v", c.x, l)
		}
	}
	// Each number is in range, but not the two together.
	tied := simulate(t, inference.NewPrior(distuv.Normal{Sigma: 1}), func(theta []float64, src rand.Source) ([]float64, error) {
		return []float64{theta[0], theta[0] + 0.01*rand.New(src).NormFloat64(), 7}, nil
	}, 500, 1)
	p := nf.Must(fitNPE(t, inference.NewPrior(distuv.Normal{Sigma: 1}), tied, 5).Posterior([]float64{1, -1, 7}))
	if r := p.Remarks(); len(r) != 1 || !strings.Contains(r[0], "distance") {
		t.Errorf("remarks on numbers that do not go together: %q", r)
	}
	if _, err := npe.Posterior([]float64{1, math.NaN()}); err == nil || !strings.Contains(err.Error(), "number 1 of the observation is NaN") {
		t.Errorf("an observation with NaN gives the error %v", err)
	}
}

func TestErrorsOfFit(t *testing.T) {
	sims := simulate(t, linear.prior, simulateLinear, 50, 1)
	prior := inference.NewPrior(distuv.Uniform{Min: -0.5, Max: 0.5}, distuv.Normal{Sigma: 1})
	npe := inference.NewNPE(prior, 2, small, rand.NewPCG(1, 2))
	if _, err := npe.Fit(context.Background(), sims, nil, rand.NewPCG(3, 4)); err == nil || !strings.Contains(err.Error(), "but the prior has it between -0.5 and 0.5") {
		t.Errorf("parameters outside of the prior give the error %v", err)
	}
	nle := inference.NewNLE(linear.prior, 2, small, rand.NewPCG(1, 2))
	for i := range 50 {
		sims.X.Set(i, 1, 3)
	}
	if _, err := nle.Fit(context.Background(), sims, nil, rand.NewPCG(3, 4)); err == nil || !strings.Contains(err.Error(), "number 1 of the data is 3 in all 50 simulations") {
		t.Errorf("constant data give the error %v", err)
	}
}

func TestMisusePanics(t *testing.T) {
	src, ctx := rand.NewPCG(1, 2), context.Background()
	npe := inference.NewNPE(linear.prior, 3, small, src)
	nle := inference.NewNLE(linear.prior, 3, small, src)
	posterior := nf.Must(npe.Posterior(make([]float64, 3)))
	for want, f := range map[string]func(){
		"NewPrior: got no distributions":                    func() { inference.NewPrior() },
		"NewPrior: got a nil distribution of parameter 1":   func() { inference.NewPrior(distuv.UnitNormal, nil) },
		"on the interval from 1 to 1":                       func() { inference.NewPrior(distuv.Uniform{Min: 1, Max: 1}) },
		"Prior.Sample: got 0 rows":                          func() { linear.prior.Sample(0, src) },
		"Prior.LogProb: got 4×3 parameters, want 2 columns": func() { linear.prior.LogProb(mat.NewDense(4, 3, nil)) },
		"Simulate: got a nil context":                       func() { inference.Simulate(nil, linear.prior, simulateLinear, 5, nil, src) }, //lint:ignore SA1012 this is what is tested
		"MaxFailed 2": func() {
			inference.Simulate(ctx, linear.prior, simulateLinear, 5, &inference.SimulateOptions{MaxFailed: 2}, src)
		},
		"numbers of run": func() {
			inference.Simulate(ctx, linear.prior, func(theta []float64, _ rand.Source) ([]float64, error) {
				return make([]float64, 1+int(math.Abs(theta[0])*10)%2), nil
			}, 50, nil, src)
		},
		"NewSimulations: got 4 rows of parameters and 5 of data": func() { inference.NewSimulations(mat.NewDense(4, 2, nil), mat.NewDense(5, 2, nil)) },
		"NewNPE: got a nil prior":                                func() { inference.NewNPE(nil, 2, nil, src) },
		"NewNLE: got a nil prior: false, 0 columns":              func() { inference.NewNLE(linear.prior, 0, nil, src) },
		"NewNPE: got -1 members":                                 func() { inference.NewNPE(linear.prior, 2, &inference.EstimatorOptions{Members: -1}, src) },
		"NewFlow made the flow nil": func() {
			inference.NewNPE(linear.prior, 2, &inference.EstimatorOptions{NewFlow: func(int, int, rand.Source) *nf.NormalizingFlow { return nil }}, src)
		},
		"NPE.Fit: got simulations of 30×2 parameters and 30×2 data, want 2 and 3 columns": func() { npe.Fit(ctx, simulate(t, linear.prior, simulateLinear, 30, 1), nil, src) },
		"NPE.Posterior: got 2 numbers of data, want 3":                                    func() { npe.Posterior(make([]float64, 2)) },
		"NPE.LogProb: got 4 rows of parameters and 2 of data":                             func() { npe.LogProb(mat.NewDense(4, 2, nil), mat.NewDense(2, 3, nil)) },
		"Posterior.Sample: got 0 rows":                                                    func() { posterior.Sample(0, src) },
		"NLE.LogLikelihood: got 1×4 data, want 3 columns":                                 func() { nle.LogLikelihood(mat.NewDense(4, 2, nil), mat.NewDense(1, 4, nil)) },
		"NLE.Posterior: got the proposal <nil>":                                           func() { nle.Posterior(mat.NewDense(1, 3, nil), nil, 5, src) },
	} {
		testkit.WantPanic(t, want, f)
	}
}

// Steps of all members are reported as those of one run; more members than parts of the rows still have a row each to stop by.
func TestFitProgress(t *testing.T) {
	sims := simulate(t, linear.prior, simulateLinear, 20, 1)
	many := *small
	many.Members = 25
	npe := inference.NewNPE(linear.prior, 2, &many, rand.NewPCG(1, 2))
	var steps []nf.Step
	histories, err := npe.Fit(context.Background(), sims, &inference.FitOptions{Steps: 2, Progress: func(s nf.Step) { steps = append(steps, s) }}, rand.NewPCG(3, 4))
	if err != nil || len(histories) != 25 {
		t.Fatalf("%d histories, error %v", len(histories), err)
	}
	if len(steps) != 51 || !steps[50].Done || steps[49].Done {
		t.Fatalf("%d reports, want 50 and the end", len(steps))
	}
	for i, s := range steps[:50] {
		if s.Number != i+1 || s.Of != 50 {
			t.Errorf("report %d is of step %d of %d", i, s.Number, s.Of)
		}
	}
}

// Data of any scale, of counts and without any variation, and parameters of one dimension, with the flows that are the default.
func TestDataOfAnyScale(t *testing.T) {
	prior := inference.NewPrior(distuv.Uniform{Min: 0, Max: 1})
	sims := simulate(t, prior, func(theta []float64, src rand.Source) ([]float64, error) {
		r := rand.New(src)
		cauchy := r.NormFloat64() / r.NormFloat64()
		return []float64{1e200 * (theta[0] + 0.1*r.NormFloat64()), 1e-200 * theta[0], cauchy, 7, math.Floor(3 * r.Float64())}, nil
	}, 200, 1)
	npe := inference.NewNPE(prior, 5, nil, rand.NewPCG(1, 2))
	if _, err := npe.Fit(context.Background(), sims, &inference.FitOptions{Steps: 30}, rand.NewPCG(3, 4)); err != nil {
		t.Fatal(err)
	}
	p := nf.Must(npe.Posterior([]float64{0.8e200, 0.8e-200, -1, 7, 2}))
	if m := stat.Mean(mat.Col(nil, 0, p.Sample(1000, rand.NewPCG(5, 6))), nil); !(math.Abs(m-0.8) <= 0.1) {
		t.Errorf("the mean is %v, want 0.8 or so", m)
	}
	if r := p.Remarks(); r != nil {
		t.Errorf("remarks: %q", r)
	}
}
