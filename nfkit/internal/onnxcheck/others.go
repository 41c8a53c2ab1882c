package main

import (
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// others are models of the layers and bases that no ready-made model has.
var others = map[string]constructor{
	"linear": layers(func(dim int, src rand.Source) []nf.Flow {
		return []nf.Flow{nf.NewHouseholder(dim, nil, src), nf.NewRotation(dim), nf.NewQRLinear(dim, nil, src), nf.NewSVDLinear(dim, nil, src),
			nf.NewTriangular(dim), nf.NewInvertibleAffine(dim, nil, src), nf.NewAffineConstFlow(dim, nil), nf.NewBatchNorm(dim, nil),
			nf.NewPermute(dim, nf.PermuteReverse, src), nf.NewIndexed(dim, []int{2}, nf.NewActNorm(1))}
	}),
	"bent": layers(func(dim int, src rand.Source) []nf.Flow {
		small := func(in, out int) nf.Net { return nf.NewMLP([]int{in, 8, out}, nil, src) }
		return []nf.Flow{nf.NewRadial(dim, src), nf.NewPlanar(dim, &nf.PlanarOptions{LeakyReLU: true}, src),
			nf.NewMaskedAffineFlow([]bool{true, false, true}, small(dim, dim), small(dim, dim)), nf.NewInvert(nf.NewPlanar(dim, nil, src)),
			nf.NewElementwiseRationalQuadraticSpline(dim, &nf.SplineOptions{Tail: ad.TailFree, Bins: 4}, src),
			nf.NewElementwiseRationalQuadraticSpline(dim, &nf.SplineOptions{Lo: -1, Hi: 4, Bins: 2}, src)}
	}),
	"scales": layers(func(dim int, src rand.Source) (flows []nf.Flow) {
		for i, s := range []nf.ScaleMap{nf.ScaleExp, nf.ScaleSigmoid, nf.ScaleSigmoidInv, nf.ScaleContract, nf.ScaleSoftplus} {
			net := nf.MADEOptions{Blocks: 1, Activation: []nf.Activation{nf.ActSiLU, nf.ActELU, nf.ActTanh, nf.ActReLU, nf.ActReLU}[i], FeedForward: i%2 == 1}
			flows = append(flows, nf.NewAutoregressive(nf.Affine{Scale: s}, nf.NewMADE(dim, 2, 12, &net, src), nil))
		}
		return flows
	}),
	"transformers": layers(func(dim int, src rand.Source) (flows []nf.Flow) {
		for _, f := range []nf.Transformer{nf.CubicSpline{}, nf.LinearSpline{}, nf.DeepDenseSigmoid{}} {
			flows = append(flows, nf.NewAutoregressive(f, nf.NewMADE(dim, f.Params(), 12, &nf.MADEOptions{Blocks: 1}, src), nil))
		}
		return flows
	}),
	"angles": layers(func(dim int, src rand.Source) []nf.Flow {
		return []nf.Flow{nf.NewCircularCoupledRationalQuadraticSpline(dim, 12, []int{0, 2}, nil, src), nf.NewPeriodicWrap(dim, []int{1}, 3)}
	}),
	"bounded": layers(func(dim int, src rand.Source) []nf.Flow {
		return []nf.Flow{nf.NewIndexed(dim, []int{0}, nf.NewSoftplus(1)), nf.NewIndexed(dim, []int{1}, nf.NewTanh(1)), nf.NewIndexed(dim, []int{2}, nf.NewSigmoid(1, -3, 2))}
	}),
	"bases": func(_ int, _ *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		return nf.NewNormalizingFlow(nf.NewJoint(nf.NewBeta(1, 2, 3), nf.NewGamma(1, 2, nil), nf.NewLaplace(1, nil), nf.NewStudentT(1, 4, nil),
			nf.NewTruncatedGaussian(1, -1, 2, nil), nf.NewUniform(1, nil), nf.NewUniformGaussian(2, []int{0}, nil), nf.NewGaussian(2, nil), nf.NewLogNormal(1, nil),
			nf.NewGaussianPCA(2, nil, src), nf.NewGaussianMixture(3, 2, nil, src), nf.NewGaussianMixture(2, 2, &nf.GaussianMixtureOptions{Covariance: nf.CovarianceFull}, src),
			nf.NewMixture([]nf.Base{nf.NewDiagGaussian(1, nil), nf.NewLaplace(1, nil)}, []float64{1, 2})), nil)
	},
	"conditional-mixture": func(dim int, _ *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		const modes = 3
		encoder := nf.NewMLP([]int{context, 8, nf.GaussianMixtureParams(modes, dim, nf.CovarianceFull)}, nil, src)
		return nf.NewNormalizingFlow(nf.NewConditionalGaussianMixture(encoder, modes, dim, nf.CovarianceFull), nil)
	},
	"embedding": func(dim int, _ *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		return nf.NewRealNVP(dim, &nf.ModelOptions{Layers: 2, Context: 4}, src).WithEmbedding(nf.NewMLP([]int{context, 8, 4}, nil, src))
	},
}

// layers makes a model of flows on a standard normal base.
func layers(flows func(dim int, src rand.Source) []nf.Flow) constructor {
	return func(dim int, _ *nf.ModelOptions, src rand.Source) *nf.NormalizingFlow {
		return nf.NewNormalizingFlow(nf.NewDiagGaussian(dim, nil), flows(dim, src))
	}
}
