package nfkit

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// This file has what a type must offer to be a flow, a base, a network, a transformer, a stochastic layer, an objective, a target or data.
// Package nftest checks types of one's own against it.

// Stateful is what has parameters or buffers: what can be saved and trained.
type Stateful interface {
	// State lists parameters and buffers, in the same order on every call; nil if there are none.
	State() State
}

// Flow is a smooth bijection of R^d, applied to each row of a batch.
//
// Forward maps latent to data, Inverse data to latent. Each also returns ln|det J| of the map that it applied,
// n×1; so the two log-determinants of a point are negatives of each other. Both always exist: a flow without a
// closed form solves for it, says so, and gives NaN where it finds no solution.
//
// context is the condition, one row per row of the batch, or nil. A flow that takes one implements
// [Conditional] as well; the others ignore it.
//
// An implementation treats rows independently and writes to nothing but the tape. It needs no gradient code:
// the operations of package ad bring theirs.
type Flow interface {
	// Dim returns d, the number of columns of a batch.
	Dim() int
	// Forward maps latent points z, n×d, to data x, n×d.
	Forward(z, context *ad.Value) (x, logDet *ad.Value)
	// Inverse maps data x, n×d, to latent points z, n×d.
	Inverse(x, context *ad.Value) (z, logDet *ad.Value)
	Stateful
}

// Base is the distribution that a flow starts from: one whose density is known and that can be sampled.
//
// A sample is a function of noise that does not depend on parameters, so that gradients flow through it, and
// so that noise can be drawn in one place and transformed in parallel.
type Base interface {
	// Dim returns d, the number of columns of a batch.
	Dim() int
	// LogProb returns the log-density of each row of z, n×d: n×1. It is −Inf outside the support.
	LogProb(z, context *ad.Value) *ad.Value
	// NoiseDim returns the number of random numbers that one sample takes.
	NoiseDim() int
	// Noise fills dst, whole rows of NoiseDim numbers, from r.
	Noise(dst []float64, r *rand.Rand)
	// Sample turns noise, n×NoiseDim, into points z, n×d, and their log-density, n×1.
	Sample(noise, context *ad.Value) (z, logProb *ad.Value)
	Stateful
}

// Net is a function of rows with parameters: what computes the parameters of a [Transformer], say.
// One that depends on a context implements [Conditional] as well.
type Net interface {
	// In and Out return the number of columns of input, without the context, and output.
	In() int
	Out() int
	// Apply returns the output for x, n×In, and context, which may be nil: n×Out.
	Apply(x, context *ad.Value) *ad.Value
	Stateful
}

// Transformer maps each component of a point by an increasing or decreasing function that a few parameters describe. A conditioner computes the
// parameters: [Coupling] from other components, [Autoregressive] from those before, [Elementwise] has them itself. A transformer has no
// parameters of its own, so a new family of flows costs one of these.
type Transformer interface {
	// Params returns m, the number of parameters of each component.
	Params() int
	// Initial returns the m parameters of a component with which training starts: those of the identity, or of a map near it.
	Initial() []float64
	// Forward maps latent points z, n×k, to data x, n×k, given the parameters of each component, side by side: n×km, or 1×km for all rows
	// alike. logDet, n×1, is the sum of ln|∂xⱼ/∂zⱼ| over the components.
	Forward(z, params *ad.Value) (x, logDet *ad.Value)
	// Inverse maps data x to latent points z.
	Inverse(x, params *ad.Value) (z, logDet *ad.Value)
	// Of returns the transformer of the components with the given numbers: itself, unless it treats components in different ways.
	Of(components []int) Transformer
}

// StochasticLayer moves points at random. It has no density that could be evaluated; in its place it gives each move a weight,
//
//	ln w = ln p̃(z | x) − ln p(x | z),
//
// the logarithm of the probability of the move back, under a kernel of the layer's choice, over that of the move. For a flow, which moves in
// one way alone, that is ln|det J|. Wu, Köhler & Noé 2020, arXiv:2002.06707, eq. 12. Package montecarlo makes models of them.
type StochasticLayer interface {
	// Dim returns d, the number of columns of a batch.
	Dim() int
	// NoiseDim returns the number of random numbers that a move takes, 0 for none.
	NoiseDim() int
	// Noise fills dst, whole rows of NoiseDim numbers, from r.
	Noise(dst []float64, r *rand.Rand)
	// Forward moves points z, n×d, by noise, n×NoiseDim and nil if that is 0: to x, n×d. logWeight is n×1.
	Forward(z, noise, context *ad.Value) (x, logWeight *ad.Value)
	Stateful
}

// Conditional is a flow, base, network or layer that depends on a context. What is made of parts need not implement it for the sake of parts
// that have tensors in its [State]: they are found there.
type Conditional interface {
	// ContextDim returns the number of columns of the context, 0 for none.
	ContextDim() int
}

// Observer is a layer that takes something from training batches beside its gradient: [ActNorm] its first scale and shift, [BatchNorm]
// running statistics. While it is observing, a training step first takes the whole batch through all layers, on a tape whose
// [ad.Tape.Observing] is true. There an observer gives [ad.Tape.Observe] a function that writes to it, which is called once the batch is
// through; nothing else of its own computation may. One that cannot take what it needs calls [ad.Tape.Fail]; then no layer changes.
//
// An observer is found by its tensors, however it is wrapped: they name it among their [Tensor].Layers.
type Observer interface {
	// Observing reports whether there is something left to observe.
	Observing() bool
}

// Preparer is a layer that has something to do before each training step for which it needs no batch: [Residual] brings spectral norms up
// to date. It is found by its tensors, as an [Observer] is.
type Preparer interface {
	// Prepare is called once before the gradient of a training step, and never before an evaluation.
	Prepare()
}

// Wide is a layer that has more numbers for a row than it has columns of input and output: hidden units, channels of an image. The largest
// number decides how many rows are evaluated at once, see [ad.ShardRows]. It is found by its tensors, as an [Observer] is.
type Wide interface {
	// Width returns the largest number of elements of a row.
	Width() int
}

// Objective is a loss that [Fit] minimises. The methods [NormalizingFlow.NLL], [NormalizingFlow.ReverseKL] and
// [NormalizingFlow.AlphaDivergence] of a model return objectives; [NewObjective] makes one of a function of rows.
type Objective interface {
	// State lists what is trained, and what belongs to it.
	Stateful
	// Columns returns the number of columns of a row of data, 0 for a loss that takes none.
	Columns() int
	// Loss returns the loss as an evaluation has it. rows is nil for a loss that takes none. src is where randomness comes from; it may be nil for
	// a loss that has none.
	Loss(rows mat.Matrix, src rand.Source) (float64, error)
	// LossGrad returns the loss as a training step has it, and sets Grad of each parameter to its gradient; there is nothing to reset
	// before. After an error the gradients are not to be used.
	LossGrad(rows mat.Matrix, src rand.Source) (float64, error)
}

// Target is a density that a model learns without samples of it: every target of package targets, or a type of the
// user's. If it has parameters of its own, they are constants here.
type Target interface {
	// LogDensity returns ln p̃(x) of each row of x, n×1, where p̃ is the density up to a factor.
	LogDensity(x *ad.Value) *ad.Value
}

// TargetFunc is a function ln p̃(x | context) as a [Target]. It sees the context of the model, nil if there is none:
//
//	model.Given(context).ReverseKL(nf.TargetFunc(targets.ConditionalDiagGaussian{}.LogDensity), n, nil)
type TargetFunc func(x, context *ad.Value) *ad.Value

var _ Target = TargetFunc(nil)

// LogDensity calls f without a context.
func (f TargetFunc) LogDensity(x *ad.Value) *ad.Value { return f(x, nil) }

// Sampler is a source of training data: every target of package targets, any model, and fixed data as [Rows].
type Sampler interface {
	// Sample returns n rows drawn from src.
	Sample(n int, src rand.Source) *mat.Dense
}
