package vae

import (
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Encoder draws latent points for data: every [nf.Base] that has data as its context, or [Dirac].
type Encoder interface {
	// Dim returns the number of components of a latent point.
	Dim() int
	// NoiseDim returns the number of random numbers that one point takes, 0 for none.
	NoiseDim() int
	// Noise fills dst, whole rows of NoiseDim numbers, from r.
	Noise(dst []float64, r *rand.Rand)
	// Sample turns noise, n×NoiseDim and nil if that is 0, into points z for data x, n×D, and ln q(z | x), n×1.
	Sample(noise, x *ad.Value) (z, logQ *ad.Value)
	nf.Stateful
}

// Dirac is the encoder that returns the data as they are, with ln q = 0: for an autoencoder without noise, whose bound is none. Its twin in normflows is
// Dirac.
type Dirac struct{ Components int }

var _ Encoder = Dirac{}

// Dim returns the number of components.
func (d Dirac) Dim() int { return d.Components }

// NoiseDim returns 0.
func (Dirac) NoiseDim() int { return 0 }

// Noise does nothing.
func (Dirac) Noise([]float64, *rand.Rand) {}

// Sample returns x and 0.
func (Dirac) Sample(_, x *ad.Value) (z, logQ *ad.Value) { return x, x.Tape().Full(x.Rows(), 1, 0) }

// State returns nil.
func (Dirac) State() nf.State { return nil }

// NNDiagGaussian is the normal distribution with independent components whose mean μ and logarithmic variance v a network computes from data, side by
// side: z = μ + e^{v/2}⊙ε. Its twin in normflows is NNDiagGaussian. [nf.ConditionalDiagGaussian] has logarithmic standard deviations instead.
type NNDiagGaussian struct{ net nf.Net }

var (
	_ Encoder        = (*NNDiagGaussian)(nil)
	_ nf.Base        = (*NNDiagGaussian)(nil)
	_ nf.Conditional = (*NNDiagGaussian)(nil)
)

// NewNNDiagGaussian returns the encoder with the given network. It panics when the network is nil or has an odd number of outputs.
func NewNNDiagGaussian(net nf.Net) *NNDiagGaussian {
	checkHalves("NewNNDiagGaussian", net)
	return &NNDiagGaussian{net}
}

// checkHalves panics unless the outputs of a network are two halves.
func checkHalves(call string, net nf.Net) {
	if net == nil {
		panic(fmt.Sprintf("vae: %s: got a nil network", call))
	}
	if net.Out() < 2 || net.Out()%2 != 0 {
		panic(fmt.Sprintf("vae: %s: got a network of %d outputs, want means and as many logarithmic variances", call, net.Out()))
	}
}

// Dim returns the number of components of a latent point.
func (g *NNDiagGaussian) Dim() int { return g.net.Out() / 2 }

// ContextDim returns the number of columns of the data.
func (g *NNDiagGaussian) ContextDim() int { return g.net.In() }

// NoiseDim returns the number of components.
func (g *NNDiagGaussian) NoiseDim() int { return g.Dim() }

// Noise draws standard normal numbers.
func (g *NNDiagGaussian) Noise(dst []float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}

// Sample returns points for data x.
func (g *NNDiagGaussian) Sample(noise, x *ad.Value) (z, logQ *ad.Value) {
	mean, logVar := halves(g.net, x)
	return mean.Add(noise.Mul(logVar.Scale(0.5).Exp())), normal(noise, logVar)
}

// LogProb returns ln q(z | x) of each row of z.
func (g *NNDiagGaussian) LogProb(z, x *ad.Value) *ad.Value {
	mean, logVar := halves(g.net, x)
	return normal(z.Sub(mean).Mul(logVar.Scale(-0.5).Exp()), logVar)
}

// State lists the tensors of the network under net.
func (g *NNDiagGaussian) State() nf.State { return g.net.State().Under("net").OwnedBy(g) }

// halves returns means and logarithmic variances that a network computes.
func halves(net nf.Net, v *ad.Value) (mean, logVar *ad.Value) {
	out := net.Apply(v, nil)
	return out.Slice(0, out.Cols()/2), out.Slice(out.Cols()/2, out.Cols())
}

// normal returns the log-density of points that are e standard deviations from their mean.
func normal(e, logVar *ad.Value) *ad.Value {
	return e.Square().Add(logVar).RowSum().Shift(math.Log(2*math.Pi) * float64(e.Cols())).Scale(-0.5)
}
