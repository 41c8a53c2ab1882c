package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// average is the exponential moving average of parameters,
//
//	p̄ ← λ·p̄ + (1 − λ)·p,  λ = min(decay, (1 + k)/(10 + k)),
//
// after the k-th step of a run, so that the first parameters do not stay in it for long. Polyak & Juditsky 1992, doi:10.1137/0330046; the warm-up is
// that of TensorFlow.
type average struct {
	decay  float64
	steps  float64
	params []*ad.Param // those that are trained
	means  [][]float64
}

// newAverage starts at the parameters as they are; nil for a decay of 0. It panics when the decay is out of range.
func newAverage(params []*ad.Param, decay float64) *average {
	if !(decay >= 0 && decay < 1) {
		panic(fmt.Sprintf("nfkit: Fit: got Average %v, want 0 or more and less than 1", decay))
	}
	if decay == 0 {
		return nil
	}
	a := &average{decay: decay}
	for _, p := range params {
		if !p.Frozen {
			a.params, a.means = append(a.params, p), append(a.means, slices.Clone(p.Data))
		}
	}
	return a
}

// add takes the parameters into the average.
func (a *average) add() {
	if a == nil {
		return
	}
	a.steps++
	decay := min(a.decay, (1+a.steps)/(10+a.steps))
	for i, p := range a.params {
		mean := a.means[i]
		for k, x := range p.Data[:len(mean)] {
			mean[k] += (1 - decay) * (x - mean[k])
		}
	}
}

// swap exchanges parameters and averages, which readers of the parameters must not see half of.
func (a *average) swap(guard *ad.Guard) {
	if a == nil {
		return
	}
	guard.Lock()
	defer guard.Unlock()
	for i, p := range a.params {
		for k := range p.Data {
			p.Data[k], a.means[i][k] = a.means[i][k], p.Data[k]
		}
	}
}
