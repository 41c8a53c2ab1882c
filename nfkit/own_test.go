package nfkit_test

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
)

// A flow, a transformer, a base, objectives and a stochastic layer of one's own, each in at most 20 lines and without gradient code.

// stretch is in the example of [nf.Flow].
func TestOwnFlow(t *testing.T) {
	if err := nftest.Flow(stretch{ad.NewParam(1, 3, make([]float64, 3))}, nil, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
}

// sinhArcsinh is the transformer x = sinh(arsinh(z)·e^{tanh a} + tanh b), for the parameters a and b of each component: tails and skewness. Jones & Pewsey
// 2009.
type sinhArcsinh struct{}

func (sinhArcsinh) Params() int               { return 2 }
func (sinhArcsinh) Initial() []float64        { return []float64{0, 0} }
func (f sinhArcsinh) Of([]int) nf.Transformer { return f }
func arsinh(v *ad.Value) *ad.Value {
	return v.Abs().Add(v.Square().Shift(1).Sqrt()).Log().Mul(v.Div(v.Abs().Shift(1e-300)))
}
func sinh(v *ad.Value) *ad.Value { return v.Exp().Sub(v.Neg().Exp()).Scale(0.5) }
func logCosh(v *ad.Value) *ad.Value {
	return v.Abs().Add(v.Abs().Scale(-2).Exp().Log1p()).Shift(-math.Ln2)
}
func odd(params *ad.Value, k int) (*ad.Value, *ad.Value) {
	var a, b []int
	for j := range k {
		a, b = append(a, 2*j), append(b, 2*j+1)
	}
	return params.Columns(a).Tanh(), params.Columns(b).Tanh()
}
func (sinhArcsinh) Forward(z, params *ad.Value) (x, logDet *ad.Value) {
	a, b := odd(params, z.Cols())
	u := arsinh(z)
	v := u.Mul(a.Exp()).Add(b)
	return sinh(v), logCosh(v).Sub(logCosh(u)).Add(a).RowSum()
}
func (sinhArcsinh) Inverse(x, params *ad.Value) (z, logDet *ad.Value) {
	a, b := odd(params, x.Cols())
	v := arsinh(x)
	u := v.Sub(b).Mul(a.Neg().Exp())
	return sinh(u), logCosh(u).Sub(logCosh(v)).Sub(a).RowSum()
}

func TestOwnTransformer(t *testing.T) {
	if err := nftest.Transformer(sinhArcsinh{}, &nftest.FlowOptions{Latent: nftest.Interval{Lo: -8, Hi: 8}, Data: nftest.Interval{Lo: -8, Hi: 8}}, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
}

// logistic is the base whose components have the density σ(z)·σ(−z).
type logistic int

func (b logistic) Dim() int        { return int(b) }
func (b logistic) NoiseDim() int   { return int(b) }
func (b logistic) State() nf.State { return nil }
func (b logistic) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.Float64()
	}
}
func (b logistic) LogProb(z, _ *ad.Value) *ad.Value {
	return z.LogSigmoid().Add(z.Neg().LogSigmoid()).RowSum()
}
func (b logistic) Sample(noise, context *ad.Value) (z, logProb *ad.Value) {
	z = noise.Log().Sub(noise.Neg().Log1p())
	return z, b.LogProb(z, context)
}

func TestOwnBase(t *testing.T) {
	if err := nftest.Base(logistic(2), nil, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
}

// flowMatching is the loss of a vector field that carries the standard normal distribution to data along straight lines. Lipman et al. 2023.
func flowMatching(field nf.Net, d int) nf.Objective {
	return nf.NewObjective(field.State(), d, func(x *ad.Value) *ad.Value {
		t, n := x.Tape(), x.Rows()
		z, u := t.Normal(n, d), t.Uniform(n, 1)
		at := z.Add(x.Sub(z).Mul(u))
		return field.Apply(at.Concat(u), nil).Sub(x.Sub(z)).Square().RowSum()
	})
}

// vae is minus the evidence lower bound of a variational autoencoder with k latent numbers and a decoder of fixed noise σ.
func vae(encoder, decoder nf.Net, k int, sigma float64) nf.Objective {
	state := append(encoder.State().Under("encoder"), decoder.State().Under("decoder")...)
	return nf.NewObjective(state, decoder.Out(), func(x *ad.Value) *ad.Value {
		p := encoder.Apply(x, nil)
		mean, logStd := p.Slice(0, k), p.Slice(k, 2*k)
		z := mean.Add(logStd.Exp().Mul(x.Tape().Normal(x.Rows(), k)))
		misfit := decoder.Apply(z, nil).Sub(x).Square().RowSum().Scale(0.5 / (sigma * sigma))
		kl := mean.Square().Add(logStd.Scale(2).Exp()).Sub(logStd.Scale(2)).Shift(-1).RowSum().Scale(0.5)
		return misfit.Add(kl).Shift(float64(x.Cols()) * (math.Log(sigma) + 0.5*math.Log(2*math.Pi)))
	})
}

func TestOwnObjectives(t *testing.T) {
	src := rand.NewPCG(1, 2)
	tanh := &nf.MLPOptions{Activation: nf.ActTanh}
	x := mat.NewDense(300, 3, nil) // a line with noise: the last two columns follow from the first
	r := rand.New(src)
	for i := range 300 {
		u := r.NormFloat64()
		x.SetRow(i, []float64{u, 2*u + 0.1*r.NormFloat64(), -u + 0.1*r.NormFloat64()})
	}
	for name, c := range map[string]struct {
		objective nf.Objective
		most      float64 // the loss that training must reach
	}{
		// The least loss of the field is the variance that a point on its way leaves to the end of the line.
		"flow matching": {flowMatching(nf.NewMLP([]int{4, 32, 32, 3}, tanh, src), 3), 5},
		// The entropy of the data is 0.5·ln(2πe)·3 + ln of the deviations, √6 and twice 0.1.
		"VAE": {vae(nf.NewMLP([]int{3, 16, 2}, tanh, src), nf.NewMLP([]int{1, 16, 3}, tanh, src), 1, 0.1), 1.5},
	} {
		few := mat.DenseCopyOf(x.Slice(0, 20, 0, 3))
		if err := nftest.Objective(c.objective, few, src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		opts := &nf.FitOptions{Steps: 1500, BatchSize: 100, Schedule: nf.Cosine(1e-2, 0, 1500), Validation: x, MaxGradNorm: 10, ValidateEvery: 500}
		history, err := nf.Fit(context.Background(), c.objective, nf.NewRows(x), opts, src)
		if err != nil {
			t.Fatal(err)
		}
		if last := history.Validation[len(history.Validation)-1]; !(last <= c.most) || history.Best == 0 {
			t.Errorf("%s: the loss ends at %v, want %v or less; best step %d", name, last, c.most, history.Best)
		}
	}
}

// drift is a stochastic layer that adds noise of standard deviation σ; going back is as likely.
type drift struct {
	dim   int
	sigma float64
}

func (l drift) Dim() int        { return l.dim }
func (l drift) NoiseDim() int   { return l.dim }
func (l drift) State() nf.State { return nil }
func (l drift) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}
func (l drift) Forward(z, noise, _ *ad.Value) (x, logWeight *ad.Value) {
	return z.Add(noise.Scale(l.sigma)), z.Tape().Full(z.Rows(), 1, 0)
}

func TestOwnStochasticLayer(t *testing.T) {
	if err := nftest.Stochastic(drift{2, 0.3}, nil, rand.NewPCG(1, 2)); err != nil {
		t.Error(err)
	}
}

// The same seed gives the same losses and parameters on any number of cores, another seed others: with dropout, estimated log-determinants and
// noise that a loss draws.
func TestSeedIsTheCallers(t *testing.T) {
	x := testkit.NormalRows(300, 10, 1)
	for name, objective := range map[string]func() nf.Objective{
		"dropout and estimates": func() nf.Objective {
			src := rand.NewPCG(3, 4)
			coupling := nf.NewAffineCouplingBlock(nf.NewMLP([]int{5, 8, 10}, &nf.MLPOptions{Dropout: 0.3}, src), nil)
			return nf.NewNormalizingFlow(nf.NewDiagGaussian(10, nil), []nf.Flow{coupling, nf.NewResidual(nf.NewLipschitzMLP([]int{10, 8, 10}, nil, src), nil)}).NLL(nil)
		},
		"noise in a loss": func() nf.Objective { return flowMatching(nf.NewMLP([]int{11, 8, 10}, nil, rand.NewPCG(3, 4)), 10) },
	} {
		run := func(seed uint64) string {
			o := objective()
			history, err := nf.Fit(context.Background(), o, nf.NewRows(x), &nf.FitOptions{Steps: 3, BatchSize: 300}, rand.NewPCG(seed, 6))
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(history.Loss, nf.StateText(o.State()))
		}
		var first string
		testkit.OnCores(func(cores int) {
			if text := run(5); first == "" {
				first = text
			} else if text != first {
				t.Errorf("%s: %d cores give other bytes", name, cores)
			}
		})
		if run(7) == first {
			t.Errorf("%s: another seed gives the same bytes", name)
		}
	}
}
