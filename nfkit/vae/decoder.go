package vae

import (
	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Decoder is the distribution p(x | z) of data.
type Decoder interface {
	// In and Out return the number of components of a latent point, and of columns of the data.
	In() int
	Out() int
	// LogProb returns ln p(x | z) of each row, n×1.
	LogProb(x, z *ad.Value) *ad.Value
	// Mean returns E[x | z], n×Out.
	Mean(z *ad.Value) *ad.Value
	nf.Stateful
}

// NNDiagGaussianDecoder is the normal distribution of data with independent components, whose mean and logarithmic variance a network computes from
// latent points, side by side. Its twin in normflows is NNDiagGaussianDecoder, whose density has a factor of the wrong dimension.
type NNDiagGaussianDecoder struct{ net nf.Net }

// NNBernoulliDecoder is the distribution of data of zeros and ones that are independent, whose logits a network computes from latent points. Data
// between 0 and 1 count as probabilities of a one. Its twin in normflows is NNBernoulliDecoder.
type NNBernoulliDecoder struct{ net nf.Net }

var (
	_ Decoder = (*NNDiagGaussianDecoder)(nil)
	_ Decoder = (*NNBernoulliDecoder)(nil)
)

// NewNNDiagGaussianDecoder returns the decoder with the given network. It panics when the network is nil or has an odd number of outputs.
func NewNNDiagGaussianDecoder(net nf.Net) *NNDiagGaussianDecoder {
	checkHalves("NewNNDiagGaussianDecoder", net)
	return &NNDiagGaussianDecoder{net}
}

// In returns the number of components of a latent point.
func (g *NNDiagGaussianDecoder) In() int { return g.net.In() }

// Out returns the number of columns of the data.
func (g *NNDiagGaussianDecoder) Out() int { return g.net.Out() / 2 }

// LogProb returns ln p(x | z) of each row.
func (g *NNDiagGaussianDecoder) LogProb(x, z *ad.Value) *ad.Value {
	mean, logVar := halves(g.net, z)
	return normal(x.Sub(mean).Mul(logVar.Scale(-0.5).Exp()), logVar)
}

// Mean returns the mean of the data.
func (g *NNDiagGaussianDecoder) Mean(z *ad.Value) *ad.Value {
	mean, _ := halves(g.net, z)
	return mean
}

// State lists the tensors of the network under net.
func (g *NNDiagGaussianDecoder) State() nf.State { return g.net.State().Under("net") }

// NewNNBernoulliDecoder returns the decoder with the given network. It panics when the network is nil.
func NewNNBernoulliDecoder(net nf.Net) *NNBernoulliDecoder {
	if net == nil {
		panic("vae: NewNNBernoulliDecoder: got a nil network")
	}
	return &NNBernoulliDecoder{net}
}

// In returns the number of components of a latent point.
func (b *NNBernoulliDecoder) In() int { return b.net.In() }

// Out returns the number of columns of the data.
func (b *NNBernoulliDecoder) Out() int { return b.net.Out() }

// LogProb returns Σⱼ xⱼ·ln σ(sⱼ) + (1−xⱼ)·ln σ(−sⱼ) = Σⱼ xⱼsⱼ − ln(1 + e^{sⱼ}) of each row, for the logits s.
func (b *NNBernoulliDecoder) LogProb(x, z *ad.Value) *ad.Value {
	s := b.net.Apply(z, nil)
	return x.Mul(s).Sub(s.Softplus()).RowSum()
}

// Mean returns the probabilities of ones.
func (b *NNBernoulliDecoder) Mean(z *ad.Value) *ad.Value { return b.net.Apply(z, nil).Sigmoid() }

// State lists the tensors of the network under net.
func (b *NNBernoulliDecoder) State() nf.State { return b.net.State().Under("net") }
