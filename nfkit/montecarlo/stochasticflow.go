package montecarlo

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// StochasticFlow is the distribution of x = f_K ∘ … ∘ f_1(z), z drawn from a base q₀, whose layers f may move points at random: a stochastic
// normalizing flow. It has no density. A path of points z₀, z₁, …, z_K = x has the weight
//
//	ln w = ln p̃(x) − ln q₀(z₀) + Σ ln w_k
//
// for a target p̃, where ln w_k is what layer k returns: ln|det J| of a flow, or the log-ratio of the moves back and forth of a stochastic layer.
// Expectations under p are Σ w·f(x)/Σ w, and the mean of w is ∫p̃. Wu, Köhler & Noé 2020, arXiv:2002.06707, eq. 11 and 12.
type StochasticFlow struct {
	base   nf.Base
	layers []nf.StochasticLayer
	shards *ad.Shards
	guard  *ad.Guard
	width  int
}

// NewStochasticFlow returns the model with the given base and layers; [Deterministic] makes layers of flows. It panics when an argument is nil or
// dimensions differ.
func NewStochasticFlow(base nf.Base, layers ...nf.StochasticLayer) *StochasticFlow {
	if base == nil {
		panic("montecarlo: NewStochasticFlow: got a nil base")
	}
	m := &StochasticFlow{base: base, layers: layers, width: max(base.Dim(), base.NoiseDim())}
	for k, l := range layers {
		if l == nil {
			panic(fmt.Sprintf("montecarlo: NewStochasticFlow: layer %d is nil", k))
		}
		if l.Dim() != base.Dim() {
			panic(fmt.Sprintf("montecarlo: NewStochasticFlow: layer %d (%T) has dimension %d, want %d", k, l, l.Dim(), base.Dim()))
		}
		m.width = max(m.width, l.NoiseDim())
	}
	m.guard = ad.NewGuard(m.State().Params())
	return m
}

// Dim returns the number of columns of a sample.
func (m *StochasticFlow) Dim() int { return m.base.Dim() }

// State lists the tensors of the base under q0 and of the layers under flows.0, flows.1, …
func (m *StochasticFlow) State() nf.State {
	s := m.base.State().Under("q0")
	for k, l := range m.layers {
		s = append(s, l.State().Under(fmt.Sprint("flows.", k))...)
	}
	return s
}

// SampleWeights returns n points drawn from the model, n×d, and the logarithms of their weights for the target. It panics when n is not positive
// or an argument is nil. It may be called by one goroutine at a time.
func (m *StochasticFlow) SampleWeights(target nf.Target, n int, src rand.Source) (x *mat.Dense, logWeights []float64) {
	if target == nil || src == nil || n < 1 {
		panic(fmt.Sprintf("montecarlo: StochasticFlow.SampleWeights: got target %v, %d points and source %v, want 1 point or more and none of the others nil", target, n, src))
	}
	r := rand.New(src)
	noise := []*mat.Dense{mat.NewDense(n, m.base.NoiseDim(), nil)}
	m.base.Noise(noise[0].RawMatrix().Data, r)
	for _, l := range m.layers {
		var of *mat.Dense
		if k := l.NoiseDim(); k > 0 {
			of = mat.NewDense(n, k, nil)
			l.Noise(of.RawMatrix().Data, r)
		}
		noise = append(noise, of)
	}
	if m.shards == nil {
		m.shards = ad.NewShards(ad.Float64, m.width)
	}
	m.shards.Seed = [2]uint64{src.Uint64(), src.Uint64()}
	x, logWeights = mat.NewDense(n, m.Dim(), nil), make([]float64, n)
	m.guard.RLockNesting()
	defer m.guard.RUnlockNesting()
	m.shards.Each(n, func(t *ad.Tape, lo, hi int) {
		z, logQ := m.base.Sample(t.Rows(noise[0], lo, hi), nil)
		w := logQ.Neg()
		for k, l := range m.layers {
			var of, step *ad.Value
			if noise[k+1] != nil {
				of = t.Rows(noise[k+1], lo, hi)
			}
			z, step = l.Forward(z, of, nil)
			w = w.Add(step)
		}
		z.DataTo(x.RawMatrix().Data[lo*m.Dim() : hi*m.Dim()])
		w.Add(target.LogDensity(z)).DataTo(logWeights[lo:hi])
	})
	return x, logWeights
}

// Deterministic returns a flow as a layer of a [StochasticFlow]. It takes no noise.
func Deterministic(f nf.Flow) nf.StochasticLayer {
	if f == nil {
		panic("montecarlo: Deterministic: got a nil flow")
	}
	return deterministic{f}
}

type deterministic struct{ flow nf.Flow }

var _ Reversible = deterministic{}

func (d deterministic) Dim() int                        { return d.flow.Dim() }
func (d deterministic) NoiseDim() int                   { return 0 }
func (d deterministic) Noise(_ []float64, _ *rand.Rand) {}
func (d deterministic) State() nf.State                 { return d.flow.State() }
func (d deterministic) Forward(z, _, context *ad.Value) (x, logWeight *ad.Value) {
	return d.flow.Forward(z, context)
}
func (d deterministic) Backward(x, _, context *ad.Value) (z, logWeight *ad.Value) {
	return d.flow.Inverse(x, context)
}
