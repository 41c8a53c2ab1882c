package eval_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// The least negative log-likelihood that a model of this density can have.
func ExampleEntropy() {
	h, err := eval.Entropy(targets.TwoMoons{}, nil, rand.NewPCG(1, 2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f nats\n", h.Value)
	// Output:
	// 1.5711 nats
}

// What a normal distribution misses of two moons.
func ExampleKL() {
	moons := targets.TwoMoons{}
	gaussian, err := eval.FitGaussian(moons.Sample(10_000, rand.NewPCG(1, 2)))
	if err != nil {
		log.Fatal(err)
	}
	kl, err := eval.KL(moons, gaussian, nil, rand.NewPCG(3, 4))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f nats\n", kl.Value)
	// Output:
	// 1.72 nats
}

// A model that has not been trained against the floor that the entropy is.
func ExampleLogLikelihood() {
	moons := targets.TwoMoons{}
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	l := eval.LogLikelihood(model, moons.Sample(10_000, rand.NewPCG(1, 2)))
	fmt.Printf("%.2f ± %.3f nats, at most %.2f\n", l.Value, l.Error, -moons.Entropy())
	// Output:
	// -3.98 ± 0.004 nats, at most -1.57
}

func ExampleLogLikelihoodDifference() {
	moons := targets.TwoMoons{}
	train, test := moons.Sample(1000, rand.NewPCG(1, 2)), moons.Sample(10_000, rand.NewPCG(3, 4))
	gaussian, err := eval.FitGaussian(train)
	if err != nil {
		log.Fatal(err)
	}
	mixture, err := eval.FitGaussianMixture(train, 10, nil, rand.NewPCG(5, 6))
	if err != nil {
		log.Fatal(err)
	}
	gain := eval.LogLikelihoodDifference(mixture, gaussian, test)
	fmt.Printf("the mixture is better: %v\n", gain.Value > 3*gain.Error)
	// Output:
	// the mixture is better: true
}

// The normaliser of a density that is wider than the points drawn, and whether to trust it.
func ExampleParetoSmooth() {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 10_000
	logWeights := make([]float64, n)
	for i := range logWeights { // points of N(0, 1) for exp(−x²/2·1.2²), whose integral is 1.2·√2π
		x := r.NormFloat64()
		logWeights[i] = -x*x/(2*1.44) - distuv.UnitNormal.LogProb(x)
	}
	smoothed, k := eval.ParetoSmooth(logWeights)
	fmt.Printf("k is below %.1f: %v\n", eval.ParetoThreshold(n), k < eval.ParetoThreshold(n))
	z := eval.LogNormalizer(smoothed)
	fmt.Printf("ln Z is right: %v\n", math.Abs(z.Value-math.Log(1.2*math.Sqrt(2*math.Pi))) < 3*z.Error)
	// Output:
	// k is below 0.7: true
	// ln Z is right: true
}

func ExampleExpectation() {
	values, logWeights := []float64{1, 2, 3}, []float64{0, 0, math.Log(2)}
	mean := eval.Expectation(values, logWeights)
	fmt.Printf("%.2f ± %.2f, from %.1f points' worth\n", mean.Value, mean.Error, eval.EffectiveSampleSize(logWeights))
	// Output:
	// 2.25 ± 0.49, from 2.7 points' worth
}

// Four chains of which one has not found its way.
func ExampleRHat() {
	chains := autoregressive(4, 1000, 0.5, rand.NewPCG(1, 2))
	fmt.Printf("mixed: %.2f\n", eval.RHat(chains))
	for i := range chains[3] {
		chains[3][i] += 3
	}
	fmt.Printf("one apart: %.2f\n", eval.RHat(chains))
	// Output:
	// mixed: 1.00
	// one apart: 1.48
}

// For an autoregressive chain with coefficient 0.8 the time is 4.5.
func ExampleAutocorrelationTime() {
	chains := autoregressive(4, 10_000, 0.8, rand.NewPCG(1, 2))
	tau, err := eval.AutocorrelationTime(chains)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("right: %v, error below 10 %%: %v\n", math.Abs(tau.Value-4.5) < 3*tau.Error, tau.Error < 0.1*tau.Value)
	// Output:
	// right: true, error below 10 %: true
}

// Simulation-based calibration of a posterior that is too narrow: θ ~ N(0, 1), x ~ N(θ, 1), and N(x/2, 0.4²) for N(x/2, ½).
func ExampleRanks() {
	r := rand.New(rand.NewPCG(1, 2))
	const simulations, draws = 2000, 99
	var ranks []int
	posterior := mat.NewDense(draws, 1, nil)
	for range simulations {
		theta := r.NormFloat64()
		x := theta + r.NormFloat64()
		for i := range draws {
			posterior.Set(i, 0, x/2+0.4*r.NormFloat64())
		}
		ranks = append(ranks, eval.Ranks([]float64{theta}, posterior)[0])
	}
	fmt.Println("Kolmogorov-Smirnov:", eval.RankKolmogorovSmirnov(ranks, draws).PValue < 0.01)
	fmt.Println("chi-square:", eval.RankChiSquare(ranks, draws).PValue < 0.01)
	// Output:
	// Kolmogorov-Smirnov: true
	// chi-square: true
}

// Expected coverage of a posterior that is right: half of the true values lie in the half of highest density.
func ExampleCoverage() {
	r := rand.New(rand.NewPCG(1, 2))
	const simulations, draws = 2000, 99
	var ranks []int
	for range simulations {
		theta := r.NormFloat64()
		x := theta + r.NormFloat64()
		posterior := distuv.Normal{Mu: x / 2, Sigma: math.Sqrt(0.5), Src: r}
		logProb := make([]float64, draws)
		for i := range logProb {
			logProb[i] = posterior.LogProb(posterior.Rand())
		}
		ranks = append(ranks, eval.HighestDensityRank(posterior.LogProb(theta), logProb))
	}
	c := eval.Coverage(ranks, draws, 0.5)
	fmt.Printf("right: %v, error %.3f\n", math.Abs(c.Value-0.5) < 3*c.Error, c.Error)
	// Output:
	// right: true, error 0.011
}

// Latent variables of a model, here the data themselves, are normal if the model is right.
func ExamplePIT() {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), nil)
	z, _ := model.Inverse(testkit.NormalRows(1000, 2, 1))
	u := eval.PIT(z, distuv.UnitNormal.CDF)
	for j := range 2 {
		fmt.Println(eval.KolmogorovSmirnovUniform(mat.Col(nil, j, u)).PValue > 0.01)
	}
	// Output:
	// true
	// true
}

func ExampleHighestDensityIntervals() {
	r := rand.New(rand.NewPCG(1, 2))
	x := mat.NewDense(100_000, 1, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return r.ExpFloat64() }, x)
	fmt.Printf("median %.1f\n", eval.Quantiles(x, 0.5).At(0, 0))
	fmt.Printf("central %.1f\n", eval.CredibleIntervals(x, 0.8)[0])
	fmt.Printf("shortest %.1f\n", eval.HighestDensityIntervals(x, 0.8)[0])
	// Output:
	// median 0.7
	// central [0.1 2.3]
	// shortest [0.0 1.6]
}

// Points of a ring as outliers of a normal distribution.
func ExampleAUROC() {
	gaussian, err := eval.FitGaussian(testkit.NormalRows(1000, 2, 1))
	if err != nil {
		log.Fatal(err)
	}
	inliers := eval.OutlierScores(gaussian, testkit.NormalRows(1000, 2, 2))
	outliers := eval.OutlierScores(gaussian, mat.NewDense(4, 2, []float64{3, 0, 0, 3, -3, 0, 0, -3}))
	fmt.Printf("%.2f\n", eval.AUROC(inliers, outliers).Value)
	// Output:
	// 0.99
}

// Two normal distributions a distance of 2 apart: the best classifier is right in Φ(1) = 0.84 of all cases.
func ExampleC2ST() {
	x, y := testkit.NormalRows(1000, 1, 1), shifted(testkit.NormalRows(1000, 1, 2), 2)
	accuracy, err := eval.C2ST(x, y, nil, rand.NewPCG(1, 2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("right: %v, error %.3f\n", math.Abs(accuracy.Value-0.841) < 3*accuracy.Error, accuracy.Error)
	// Output:
	// right: true, error 0.008
}

func ExampleMMD() {
	x, y := testkit.NormalRows(500, 2, 1), testkit.NormalRows(500, 2, 2)
	fmt.Printf("same %.2f, moved by 1 %.2f\n", eval.MMD(x, y), eval.MMD(x, shifted(y, 1, 0)))
	// Output:
	// same -0.00, moved by 1 0.13
}

func ExampleEnergyDistance() {
	x, y := testkit.NormalRows(500, 2, 1), testkit.NormalRows(500, 2, 2)
	fmt.Printf("same %.2f, moved by 1 %.2f\n", eval.EnergyDistance(x, y), eval.EnergyDistance(x, shifted(y, 1, 0)))
	// Output:
	// same 0.01, moved by 1 0.50
}

func ExampleSlicedWasserstein() {
	x := testkit.NormalRows(500, 1, 1)
	fmt.Printf("%.2f\n", eval.SlicedWasserstein(x, shifted(x, 3), 1, rand.NewPCG(1, 2)))
	// Output:
	// 3.00
}

func ExampleKolmogorovSmirnov() {
	x := testkit.NormalRows(1000, 2, 1)
	fmt.Printf("%.1f\n", eval.KolmogorovSmirnov(x, shifted(testkit.NormalRows(1000, 2, 2), 0, 1)))
	// Output:
	// [0.0 0.4]
}

// What a model of two moons has to beat.
func ExampleNewKernelDensity() {
	moons := targets.TwoMoons{}
	train, test := moons.Sample(1000, rand.NewPCG(1, 2)), moons.Sample(1000, rand.NewPCG(3, 4))
	gaussian, err := eval.FitGaussian(train)
	if err != nil {
		log.Fatal(err)
	}
	mixture, err := eval.FitGaussianMixture(train, 10, nil, rand.NewPCG(5, 6))
	if err != nil {
		log.Fatal(err)
	}
	kernels, err := eval.NewKernelDensity(train, eval.CrossValidated)
	if err != nil {
		log.Fatal(err)
	}
	for _, q := range []eval.Density{gaussian, mixture, kernels} {
		fmt.Printf("%T %.1f\n", q, eval.LogLikelihood(q, test).Value)
	}
	// Output:
	// *eval.Gaussian -3.3
	// *eval.GaussianMixture -1.7
	// *eval.KernelDensity -1.7
}

// A posterior that is half as wide as it should be, at one observation.
func ExampleNewLocalC2ST() {
	const n = 1000
	truth, x, draws := testkit.NormalRows(n, 1, 1), testkit.NormalRows(n, 1, 2), testkit.NormalRows(n, 1, 3)
	x.Add(truth, x) // θ ~ N(0, 1), x ~ N(θ, 1): the posterior is N(x/2, ½)
	narrow := func(x, e float64) float64 { return x/2 + 0.5*math.Sqrt(0.5)*e }
	draws.Apply(func(i, _ int, e float64) float64 { return narrow(x.At(i, 0), e) }, draws)
	local, err := eval.NewLocalC2ST(truth, draws, x, 9, rand.NewPCG(4, 5))
	if err != nil {
		log.Fatal(err)
	}
	at := testkit.NormalRows(500, 1, 6)
	at.Apply(func(_, _ int, e float64) float64 { return narrow(0.6, e) }, at)
	fmt.Println("p =", local.Test(at, []float64{0.6}).PValue)
	// Output:
	// p = 0.1
}

// What points of a model are worth for a target of which it has half of the width.
func ExampleJudgeWeights() {
	model := nf.NewNormalizingFlow(nf.NewDiagGaussian(1, nil), nil)
	wide := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Square().Scale(-0.125).RowSum() })
	_, logWeights := model.ImportanceSample(wide, 10_000, rand.NewPCG(1, 2))
	w := eval.JudgeWeights(logWeights)
	fmt.Println("reliable:", w.Reliable())
	// Output:
	// reliable: false
}

// The well on the right is lower by 1.7 kT.
func ExampleFreeEnergy() {
	x := targets.DoubleWell{}.Sample(100_000, rand.NewPCG(1, 2))
	f := eval.FreeEnergy(mat.Col(nil, 0, x), nil, []float64{-2, -1.5, -1, 1, 1.5, 2})
	fmt.Printf("%.1f\n", f[4].Value-f[0].Value)
	// Output:
	// -1.7
}
