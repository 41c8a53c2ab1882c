package vae_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/nftest"
	"github.com/nfkit/nfkit-go/nfkit/vae"
)

func mlp(layers ...int) *nf.MLP { return nf.NewMLP(layers, nil, rand.NewPCG(7, 8)) }

func TestEncoder(t *testing.T) {
	if err := nftest.Base(vae.NewNNDiagGaussian(mlp(3, 8, 4)), nil, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]nf.Objective{
		"normal":    newVAE(vae.NewNNDiagGaussianDecoder(mlp(2, 8, 6))).NegativeELBO(1),
		"Bernoulli": newVAE(vae.NewNNBernoulliDecoder(mlp(2, 8, 3))).NegativeELBO(5),
		"Dirac": vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(3, nil), vae.Dirac{Components: 3}, nil,
			vae.NewNNDiagGaussianDecoder(mlp(3, 6))).NegativeELBO(1),
		"a base": vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(2, &nf.DiagGaussianOptions{Fixed: true}), nf.NewDiagGaussian(2, nil), nil,
			vae.NewNNDiagGaussianDecoder(mlp(2, 8, 6))).NegativeELBO(2), // which does not look at the data
		"Uniform": vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(2, nil), nf.NewUniform(2, &nf.UniformOptions{Low: 0, High: 1}), nil,
			vae.NewNNDiagGaussianDecoder(mlp(2, 8, 6))).NegativeELBO(1),
	} {
		if err := nftest.Objective(o, testkit.NormalRows(9, 3, 1), rand.NewPCG(1, 2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func newVAE(decoder vae.Decoder) *vae.NormalizingFlowVAE {
	return vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(2, nil), vae.NewNNDiagGaussian(mlp(3, 8, 4)), []nf.Flow{nf.NewPlanar(2, nil, rand.NewPCG(1, 2))}, decoder)
}

// Densities of decoders are normalised: over a grid, and over all patterns.
func TestDecoders(t *testing.T) {
	tape := ad.NewEvalTape(ad.Float64)
	normal := vae.NewNNDiagGaussianDecoder(mlp(2, 8, 2)) // one column: not as many as latent components
	const n = 4001
	x := tape.Full(n, 1, 0).Add(tape.Const(n, 1, grid(n, -20, 20)))
	z := tape.Full(n, 2, 0.3)
	if sum := normal.LogProb(x, z).Exp().Sum().At(0, 0) * 40 / (n - 1); math.Abs(sum-1) > 1e-9 {
		t.Errorf("the normal density integrates to %v, want 1", sum)
	}
	bernoulli := vae.NewNNBernoulliDecoder(mlp(2, 8, 2))
	patterns := tape.Const(4, 2, []float64{0, 0, 0, 1, 1, 0, 1, 1})
	at := tape.Full(4, 2, 0.3)
	p := bernoulli.LogProb(patterns, at).Exp().Data()
	if sum := p[0] + p[1] + p[2] + p[3]; math.Abs(sum-1) > 1e-12 || math.Abs(p[2]+p[3]-bernoulli.Mean(at).At(0, 0)) > 1e-12 {
		t.Errorf("probabilities %v add up to %v with the mean %v", p, sum, bernoulli.Mean(at).Data())
	}
}

func grid(n int, lo, hi float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = lo + (hi-lo)*float64(i)/float64(n-1)
	}
	return x
}

// Of a linear model with normal noise the likelihood is known, x = az + b + noise: the bound is below it and comes to it, as its posterior is normal.
func TestBound(t *testing.T) {
	src := rand.NewPCG(1, 2)
	r := rand.New(src)
	const n = 500
	x := mat.NewDense(n, 2, nil)
	for i := range n {
		z := r.NormFloat64()
		x.SetRow(i, []float64{1.5*z + 0.5 + 0.5*r.NormFloat64(), -z + 0.5*r.NormFloat64()})
	}
	m := vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(1, &nf.DiagGaussianOptions{Fixed: true}), vae.NewNNDiagGaussian(mlp(2, 2)), nil, vae.NewNNDiagGaussianDecoder(mlp(1, 4)))
	before, err := m.NegativeELBO(20).Loss(x, rand.NewPCG(5, 6))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nf.Fit(context.Background(), m.NegativeELBO(2), nf.NewRows(x), &nf.FitOptions{Steps: 1200, BatchSize: 100, Schedule: nf.Cosine(0.05, 0, 1200)}, src); err != nil {
		t.Fatal(err)
	}
	bound, err1 := m.NegativeELBO(20).Loss(x, rand.NewPCG(5, 6))
	likelihood, err2 := m.LogLikelihood(x, 50, rand.NewPCG(5, 6))
	// The covariance of the truth is a·aᵀ + ¼·1, with entropy ln 2πe + ½·ln det.
	entropy := math.Log(2*math.Pi*math.E) + 0.5*math.Log((1.5*1.5+0.25)*(1+0.25)-1.5*1.5)
	if err1 != nil || err2 != nil || math.Abs(bound-entropy) > 0.12 || -likelihood > bound+0.02 || bound+likelihood > 0.05 || before < bound+0.5 {
		t.Errorf("the bound goes from %v to %v and the likelihood is %v, want near %v (%v, %v)", before, bound, -likelihood, entropy, err1, err2)
	}
	if rows, columns := m.SampleMeans(7, src).Dims(); rows != 7 || columns != 2 {
		t.Errorf("got %d×%d samples", rows, columns)
	}
}

func TestMisuse(t *testing.T) {
	encoder, decoder, prior := vae.NewNNDiagGaussian(mlp(3, 4)), vae.NewNNBernoulliDecoder(mlp(2, 3)), nf.NewDiagGaussian(2, nil)
	for want, f := range map[string]func(){
		"a network of 3 outputs":     func() { vae.NewNNDiagGaussian(mlp(3, 3)) },
		"NewNNBernoulliDecoder: got": func() { vae.NewNNBernoulliDecoder(nil) },
		"3 in the prior":             func() { vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(3, nil), encoder, nil, decoder) },
		"a decoder of 5":             func() { vae.NewNormalizingFlowVAE(prior, encoder, nil, vae.NewNNBernoulliDecoder(mlp(2, 5))) },
		"want none of them nil":      func() { vae.NewNormalizingFlowVAE(nil, encoder, nil, decoder) },
		"flow 0": func() {
			vae.NewNormalizingFlowVAE(prior, encoder, []nf.Flow{nf.NewPlanar(3, nil, rand.NewPCG(1, 2))}, decoder)
		},
		"got 0 latent points": func() { vae.NewNormalizingFlowVAE(prior, encoder, nil, decoder).NegativeELBO(0) },
	} {
		testkit.WantPanic(t, want, f)
	}
}

// Pictures of zeros and ones, from two latent components.
func ExampleNormalizingFlowVAE() {
	src := rand.NewPCG(1, 2)
	model := vae.NewNormalizingFlowVAE(nf.NewDiagGaussian(2, nil), vae.NewNNDiagGaussian(nf.NewMLP([]int{4, 16, 4}, nil, src)),
		[]nf.Flow{nf.NewPlanar(2, nil, src)}, vae.NewNNBernoulliDecoder(nf.NewMLP([]int{2, 16, 4}, nil, src)))
	data := mat.NewDense(2, 4, []float64{1, 1, 0, 0, 0, 0, 1, 1})
	_, err := nf.Fit(context.Background(), model.NegativeELBO(8), nf.NewRows(data), &nf.FitOptions{Steps: 1500, Schedule: nf.Cosine(0.02, 0, 1500)}, src)
	likelihood, _ := model.LogLikelihood(data, 100, src)
	fmt.Printf("near −ln 2: %t %v\n", math.Abs(likelihood+math.Ln2) < 0.1, err)
	// Output: near −ln 2: true <nil>
}

// Points on a line, from one latent component.
func ExampleNewNNDiagGaussianDecoder() {
	src := rand.NewPCG(1, 2)
	decoder := vae.NewNNDiagGaussianDecoder(nf.NewMLP([]int{1, 4}, nil, src)) // means and logarithmic variances of two columns
	fmt.Println(decoder.In(), "latent component,", decoder.Out(), "columns")
	// Output: 1 latent component, 2 columns
}
