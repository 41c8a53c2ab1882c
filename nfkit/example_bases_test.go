package nfkit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// A model starts from a base: normal, with heavy tails, with several modes, on a box, or partly on one, or of parts of these.
func ExampleBase() {
	src := rand.NewPCG(1, 2)
	x := mat.NewDense(1, 2, []float64{0.5, -1})
	for _, base := range []nf.Base{
		nf.NewDiagGaussian(2, nil),
		nf.NewGaussian(2, &nf.GaussianOptions{Covariance: mat.NewSymDense(2, []float64{2, 1, 1, 2})}),
		nf.NewGaussianPCA(2, &nf.GaussianPCAOptions{Latent: 1}, src),
		nf.NewGaussianMixture(3, 2, nil, src),
		nf.NewStudentT(2, 4, nil),
		nf.NewUniform(2, &nf.UniformOptions{Low: -2, High: 2}),
		nf.NewUniformGaussian(2, []int{0}, nil),
		nf.NewLaplace(2, nil),
		nf.NewCauchy(2, nil),
		nf.NewTruncatedGaussian(2, -2, 2, nil),
		nf.NewJoint(nf.NewBeta(1, 2, 3), nf.NewLaplace(1, nil)),
	} {
		fmt.Printf("%T %.3f\n", base, nf.NewNormalizingFlow(base, nil).LogProb(x)[0])
	}
	// Output:
	// *nfkit.DiagGaussian -2.463
	// *nfkit.Gaussian -2.971
	// *nfkit.GaussianPCA -56.975
	// *nfkit.GaussianMixture -2.904
	// *nfkit.StudentT -2.671
	// *nfkit.Uniform -2.773
	// *nfkit.UniformGaussian -1.419
	// *nfkit.Laplace -2.886
	// *nfkit.StudentT -3.206
	// *nfkit.TruncatedGaussian -2.370
	// *nfkit.Joint -1.288
}

// A network that accepts or rejects the points of a normal distribution can cut a hole into it.
func ExampleNewResampledGaussian() {
	src := rand.NewPCG(1, 2)
	ring := targets.RingMixture{Rings: 1}
	base := nf.NewResampledGaussian(nf.NewMLP([]int{2, 32, 32, 1}, nil, src), nil)
	model := nf.NewNormalizingFlow(base, nil)
	if _, err := nf.Fit(context.Background(), model.NLL(nil), ring, &nf.FitOptions{Steps: 300, BatchSize: 256, Schedule: nf.Cosine(1e-2, 0, 300)}, src); err != nil {
		fmt.Println(err)
		return
	}
	z, _ := base.Acceptance(100_000, src)
	fmt.Printf("%.0f %% of the points are accepted\n", 100*z)
	l := model.LogProb(mat.NewDense(2, 2, []float64{0, 0, 2, 0}))
	fmt.Println("the density on the ring is 20 times that in the middle, or more:", l[1] > l[0]+math.Log(20))
	// Output:
	// 5 % of the points are accepted
	// the density on the ring is 20 times that in the middle, or more: true
}

// Bases of positive numbers have shapes of their own.
func ExampleNewGamma() {
	x := mat.NewDense(1, 2, []float64{0.5, 1})
	for _, base := range []nf.Base{nf.NewGamma(2, 1.5, nil), nf.NewLogNormal(2, nil)} {
		fmt.Printf("%.3f\n", nf.NewNormalizingFlow(base, nil).LogProb(x)[0])
	}
	// Output:
	// -1.605
	// -1.385
}

// A mixture can start from data, with the covariances of clusters; or a network can compute it from the context.
func ExampleNewConditionalGaussianMixture() {
	src := rand.NewPCG(1, 2)
	x := targets.CircularGaussianMixture{}.Sample(2000, src)
	clusters := nf.NewGaussianMixture(8, 2, &nf.GaussianMixtureOptions{Covariance: nf.CovarianceFull, Data: x}, src)
	loss, err := nf.NewNormalizingFlow(clusters, nil).NLL(nil).Loss(targets.CircularGaussianMixture{}.Sample(20_000, src), nil)
	fmt.Printf("%.2f, at least %.2f %v\n", loss, targets.CircularGaussianMixture{}.Entropy(), err)

	encoder := nf.NewMLP([]int{3, 16, nf.GaussianMixtureParams(8, 2, nf.CovarianceFull)}, nil, src)
	fmt.Println(nf.NewNormalizingFlow(nf.NewConditionalGaussianMixture(encoder, 8, 2, nf.CovarianceFull), nil).ContextDim(), "columns of context")
	// Output:
	// 2.19, at least 2.18 <nil>
	// 3 columns of context
}

// A base can depend on the context: here, a network gives mean and deviation.
func ExampleNewConditionalDiagGaussian() {
	src := rand.NewPCG(1, 2)
	encoder := nf.NewMLP([]int{3, 16, 4}, nil, src) // from 3 columns of a context to means and logarithms of deviations in 2 dimensions
	model := nf.NewNormalizingFlow(nf.NewConditionalDiagGaussian(encoder), []nf.Flow{nf.NewPlanar(2, nil, src)})
	x := model.Given(mat.NewDense(1, 3, []float64{1, 0, 2})).Sample(5, src)
	fmt.Println(model.ContextDim(), "columns of context")
	fmt.Println(x.Dims())
	// Output:
	// 3 columns of context
	// 5 2
}

// A model can be the base of another one, which then learns what is left.
func ExampleNewModelBase() {
	src := rand.NewPCG(1, 2)
	coarse := nf.NewNormalizingFlow(nf.NewDiagGaussian(2, nil), []nf.Flow{nf.NewLULinearPermute(2, nil, src)})
	fmt.Println(nf.NewNormalizingFlow(nf.NewModelBase(coarse), []nf.Flow{nf.NewPlanar(2, nil, src)}))
	// Output:
	// NormalizingFlow in 2 dimensions, 15 parameters
	// base  ModelBase(DiagGaussian, LULinearPermute)  10
	// 0     Planar                                    5
}

// A mixture of distributions of different kinds: most of the data near 0, some anywhere in a box.
func ExampleNewMixture() {
	inliers, outliers := nf.NewDiagGaussian(2, nil), nf.NewUniform(2, &nf.UniformOptions{Low: -10, High: 10})
	model := nf.NewNormalizingFlow(nf.NewMixture([]nf.Base{inliers, outliers}, []float64{19, 1}), nil)
	for _, logProb := range model.LogProb(mat.NewDense(2, 2, []float64{0, 0, 8, 8})) {
		fmt.Printf("%.3f\n", logProb)
	}
	// Output:
	// -1.888
	// -8.987
}

// Models of several seeds are one density, which is saved in one file.
func ExampleNewEnsemble() {
	var models []*nf.NormalizingFlow
	for seed := range uint64(5) {
		models = append(models, nf.NewRealNVP(2, &nf.ModelOptions{Layers: 2}, rand.NewPCG(seed, 0))) // and trained
	}
	ensemble := nf.NewEnsemble(models)
	fmt.Println(ensemble.Sample(10, rand.NewPCG(1, 2)).Dims())
	// Output: 10 2
}

// Noise that is spread evenly makes estimates from few points better. Training and estimates take it; densities are those of the base.
func ExampleNewQuasiRandom() {
	target := nf.TargetFunc(func(x, _ *ad.Value) *ad.Value { return x.Shift(-1).Square().RowSum().Scale(-0.5) })
	plain := nf.NewDiagGaussian(2, nil)
	for _, base := range []nf.Base{plain, nf.NewQuasiRandom(plain)} {
		loss := nf.NewNormalizingFlow(base, nil).ReverseKL(target, 512, nil)
		var most float64
		for seed := range uint64(20) {
			l := nf.Must(loss.Loss(nil, rand.NewPCG(seed, 2)))
			most = max(most, math.Abs(l-(1-math.Log(2*math.Pi)))) // the loss is known here
		}
		fmt.Printf("%T: at most %.3f off\n", base, most)
	}
	// Output:
	// *nfkit.DiagGaussian: at most 0.122 off
	// *nfkit.QuasiRandom: at most 0.017 off
}
