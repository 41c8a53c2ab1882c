package montecarlo

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// IndependenceMetropolis makes a Markov chain of independent draws of a model, whose weights are w = p̃/q: from draw i it goes to the next
// one, j, with probability min(1, w_j/w_i), and else stays. Its stationary distribution is the target p̃, whatever the model is; how well they agree is
// the share of moves that are accepted. It returns the number of the draw at which the chain is after each of them has been proposed; the first
// is where it starts, and is not a proposal.
//
//	x, logWeights := model.ImportanceSample(target, 1<<16, src)
//	states, acceptance, err := montecarlo.IndependenceMetropolis(logWeights, src)
//
// An observable along the chain is its value at these draws; package eval has its autocorrelation time. Draws of a [StochasticFlow] have weights
// of paths, with which the chain is as exact. It returns an error when a weight is NaN or infinite, or the first one is 0, and panics when
// there are no draws or src is nil. Cost O(n). Tierney 1994; Albergo, Kanwar & Shanahan 2019, arXiv:1904.12072, section II.B.
func IndependenceMetropolis(logWeights []float64, src rand.Source) (states []int, acceptance float64, err error) {
	if len(logWeights) == 0 || src == nil {
		panic(fmt.Sprintf("montecarlo: IndependenceMetropolis: got %d draws and source %v, want 1 or more and a source as rand.NewPCG(1, 2)", len(logWeights), src))
	}
	for i, l := range logWeights {
		if math.IsNaN(l) || math.IsInf(l, 1) || i == 0 && math.IsInf(l, -1) {
			return nil, math.NaN(), fmt.Errorf("montecarlo: IndependenceMetropolis: the logarithm of weight %d is %v, want a finite number, or −Inf after the first", i, l)
		}
	}
	r := rand.New(src)
	states = make([]int, len(logWeights))
	at, accepted := 0, 0
	for i, l := range logWeights[1:] {
		if -r.ExpFloat64() < l-logWeights[at] {
			at = i + 1
			accepted++
		}
		states[i+1] = at
	}
	return states, float64(accepted) / float64(max(1, len(logWeights)-1)), nil
}
