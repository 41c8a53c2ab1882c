package vae

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/rownoise"
)

// NormalizingFlowVAE is a variational autoencoder, whose posterior q(z | x) is an encoder and flows. Its twin in normflows is NormalizingFlowVAE.
type NormalizingFlowVAE struct {
	prior   nf.Base
	encoder Encoder
	flows   []nf.Flow
	decoder Decoder
	guard   *ad.Guard
}

// NewNormalizingFlowVAE returns the model of a prior p(z), an encoder and flows for q(z | x), and a decoder p(x | z). It panics when an argument is nil
// or dimensions differ.
func NewNormalizingFlowVAE(prior nf.Base, encoder Encoder, flows []nf.Flow, decoder Decoder) *NormalizingFlowVAE {
	if prior == nil || encoder == nil || decoder == nil {
		panic(fmt.Sprintf("vae: NewNormalizingFlowVAE: got prior %v, encoder %v and decoder %v, want none of them nil", prior, encoder, decoder))
	}
	d := encoder.Dim()
	if prior.Dim() != d || decoder.In() != d {
		panic(fmt.Sprintf("vae: NewNormalizingFlowVAE: got latent points of %d components from the encoder, %d in the prior and %d for the decoder, want as many", d, prior.Dim(), decoder.In()))
	}
	if c, ok := encoder.(nf.Conditional); ok && c.ContextDim() != decoder.Out() {
		panic(fmt.Sprintf("vae: NewNormalizingFlowVAE: got an encoder of %d columns of data and a decoder of %d, want as many", c.ContextDim(), decoder.Out()))
	}
	for k, f := range flows {
		if f == nil || f.Dim() != d {
			panic(fmt.Sprintf("vae: NewNormalizingFlowVAE: flow %d (%T) is nil or not of dimension %d", k, f, d))
		}
	}
	m := &NormalizingFlowVAE{prior: prior, encoder: encoder, flows: flows, decoder: decoder}
	m.guard = ad.NewGuard(m.State().Params())
	return m
}

// State lists the tensors of the prior, of the encoder under q0, of the flows under flows.0, flows.1, …, and of the decoder.
func (m *NormalizingFlowVAE) State() nf.State {
	s := append(m.prior.State().Under("prior"), m.encoder.State().Under("q0")...)
	for k, f := range m.flows {
		s = append(s, f.State().Under(fmt.Sprint("flows.", k))...)
	}
	return append(s, m.decoder.State().Under("decoder")...)
}

// weights returns, for each row of x, the given number of ln p(x | z) + ln p(z) − ln q(z | x), with z drawn from q: n×samples.
func (m *NormalizingFlowVAE) weights(x *ad.Value, samples int) *ad.Value {
	n := x.Rows()
	if samples > 1 {
		x = x.Repeat(samples)
	}
	z, logQ := m.encoder.Sample(rownoise.Draw(x.Tape(), x.Rows(), m.encoder.NoiseDim(), m.encoder.Noise), x)
	for _, f := range m.flows {
		var logDet *ad.Value
		z, logDet = f.Forward(z, nil)
		logQ = logQ.Sub(logDet)
	}
	return m.decoder.LogProb(x, z).Add(m.prior.LogProb(z, nil)).Sub(logQ).Reshape(n, samples)
}

// NegativeELBO returns minus the evidence lower bound of rows of data, the mean over the given number of latent points for each, as an objective for
// [nf.Fit]: at least the negative log-likelihood. It panics when samples is not positive.
func (m *NormalizingFlowVAE) NegativeELBO(samples int) *nf.RowObjective {
	if samples < 1 {
		panic(fmt.Sprintf("vae: NormalizingFlowVAE.NegativeELBO: got %d latent points for each row, want 1 or more", samples))
	}
	return nf.NewObjective(m.State(), m.decoder.Out(), func(x *ad.Value) *ad.Value {
		return m.weights(x, samples).RowSum().Scale(-1 / float64(samples))
	})
}

// LogLikelihood estimates the mean of ln p(x) over rows of data from the given number of latent points for each,
//
//	ln(1/S·Σ p(x | z)·p(z)/q(z | x)),
//
// whose mean rises to ln p(x) with S. Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519. It returns an error as [nf.Objective] does, and panics when
// samples is not positive.
func (m *NormalizingFlowVAE) LogLikelihood(x mat.Matrix, samples int, src rand.Source) (float64, error) {
	if samples < 1 {
		panic(fmt.Sprintf("vae: NormalizingFlowVAE.LogLikelihood: got %d latent points for each row, want 1 or more", samples))
	}
	loss, err := nf.NewObjective(m.State(), m.decoder.Out(), func(x *ad.Value) *ad.Value {
		return m.weights(x, samples).LogSumExp().Shift(-math.Log(float64(samples))).Neg()
	}).Loss(x, src)
	return -loss, err
}

// SampleMeans returns the means of the data of n points of the prior, n×D. It panics when n is not positive or src is nil.
func (m *NormalizingFlowVAE) SampleMeans(n int, src rand.Source) *mat.Dense {
	if n < 1 || src == nil {
		panic(fmt.Sprintf("vae: NormalizingFlowVAE.SampleMeans: got %d points and source %v, want 1 or more and a source", n, src))
	}
	noise := mat.NewDense(n, m.prior.NoiseDim(), nil)
	m.prior.Noise(noise.RawMatrix().Data, rand.New(src))
	d := m.decoder.Out()
	x := mat.NewDense(n, d, nil)
	m.guard.RLockNesting()
	defer m.guard.RUnlockNesting()
	ad.NewShards(ad.Float64, d).Each(n, func(t *ad.Tape, lo, hi int) {
		z, _ := m.prior.Sample(t.Rows(noise, lo, hi), nil)
		m.decoder.Mean(z).DataTo(x.RawMatrix().Data[lo*d : hi*d])
	})
	return x
}
