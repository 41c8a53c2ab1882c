package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/samplemv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// LogProber is a target as gonum's samplers know densities: one point at a time. With it, samplemv's MetropolisHastingser, Importance and Rejection run
// on every [nf.Target], and a trained model is their proposal: [nf.NormalizingFlow.Distribution] for Importance and Rejection, [Proposal] for
// MetropolisHastingser. It must not be used by two goroutines at the same time.
//
// These take a point in some microseconds, and know neither gradients nor errors; for batches on all cores there are [nf.NormalizingFlow.ImportanceSample],
// [IndependenceMetropolis] and [HamiltonianChains]. Annealing is no [samplemv.WeightedSampler] either: its weights are logarithms, which may not be numbers
// otherwise, and it may end with an error, for which Sample and SampleWeighted have no place.
type LogProber struct {
	target nf.Target
	dim    int
	tape   *ad.Tape
}

var _ distmv.LogProber = (*LogProber)(nil)

// NewLogProber returns the target on points of dim components. It panics when the target is nil or dim not positive.
func NewLogProber(target nf.Target, dim int) *LogProber {
	if target == nil || dim < 1 {
		panic(fmt.Sprintf("montecarlo: NewLogProber: got target %v and dimension %d, want a target and a positive number", target, dim))
	}
	return &LogProber{target, dim, ad.NewEvalTape(ad.Float64)}
}

// LogProb returns ln p̃(x). It panics when x has another number of components, and when ln p̃ is NaN or +Inf, which gonum's samplers would take for a
// point that is rejected, or never left.
func (l *LogProber) LogProb(x []float64) float64 {
	if len(x) != l.dim {
		panic(fmt.Sprintf("montecarlo: LogProber.LogProb: got a point of %d components, want %d", len(x), l.dim))
	}
	l.tape.Reset()
	p := l.target.LogDensity(l.tape.Const(1, l.dim, x)).At(0, 0)
	if math.IsNaN(p) || math.IsInf(p, 1) {
		panic(fmt.Sprintf("montecarlo: LogProber.LogProb: the log-density of the target is %v at x = %.6g", p, x))
	}
	return p
}

// Proposal is a model as a proposal of gonum's MetropolisHastingser: the next point is one of the model, wherever the chain is.
type Proposal struct{ distribution distmv.RandLogProber }

var _ samplemv.MHProposal = Proposal{}

// NewProposal returns a proposal that draws from src. It panics when the model or src is nil.
func NewProposal(model *nf.NormalizingFlow, src rand.Source) Proposal {
	if model == nil || src == nil {
		panic(fmt.Sprintf("montecarlo: NewProposal: got a model that is nil: %t, and source %v, want a model and a source as rand.NewPCG(1, 2)", model == nil, src))
	}
	return Proposal{model.Distribution(src)}
}

// ConditionalLogProb returns the log-density of the model at x.
func (p Proposal) ConditionalLogProb(x, _ []float64) float64 { return p.distribution.LogProb(x) }

// ConditionalRand stores a point of the model in x, or in a new slice if that is nil.
func (p Proposal) ConditionalRand(x, _ []float64) []float64 { return p.distribution.Rand(x) }
