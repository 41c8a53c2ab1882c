package nfkit

import (
	"fmt"
	"math"
	"runtime"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

// AdamOptions are the options of [NewAdam].
type AdamOptions struct {
	LearningRate float64    // 0 means 1e-3
	Betas        [2]float64 // decay of the averages of gradient and squared gradient; both 0 mean 0.9 and 0.999
	Epsilon      float64    // added to the root of the squared gradient; 0 means 1e-8
	WeightDecay  float64    // λ of an L2 penalty ½λ‖p‖², whose gradient is added before the averages
}

// Adam is the optimiser of Kingma & Ba 2015, arXiv:1412.6980, algorithm 1, as torch.optim.Adam defines it. With g the
// gradient plus λp, in step k
//
//	m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,
//	p ← p − η·m/(1−β₁ᵏ) / (√(v/(1−β₂ᵏ)) + ε).
type Adam struct {
	LearningRate float64 // η, which a schedule may change between steps

	opts   AdamOptions
	params []*ad.Param
	guard  *ad.Guard
	m, v   [][]float64
	step   int

	// How a step is shared out: parts are ranges of params.
	parts [][2]int
	now   kernel.AdamStep
	part  func(worker, i int) // made once, so that passing it on allocates nothing
}

// adamShare is the number of elements that are worth a core of their own.
const adamShare = 1 << 14

// NewAdam returns an optimiser of params. A nil opts means the defaults. It panics on options out of range.
func NewAdam(params []*ad.Param, opts *AdamOptions) *Adam {
	o := AdamOptions{}
	if opts != nil {
		o = *opts
	}
	if o.LearningRate == 0 {
		o.LearningRate = 1e-3
	}
	if o.Betas == [2]float64{} {
		o.Betas = [2]float64{0.9, 0.999}
	}
	if o.Epsilon == 0 {
		o.Epsilon = 1e-8
	}
	if !(o.LearningRate > 0) || !(o.Epsilon > 0) || !(o.WeightDecay >= 0) ||
		!(o.Betas[0] >= 0 && o.Betas[0] < 1) || !(o.Betas[1] >= 0 && o.Betas[1] < 1) {
		panic(fmt.Sprintf("nfkit: NewAdam: got %+v, want a positive learning rate and epsilon, betas in [0, 1) and a weight decay of 0 or more", o))
	}
	a := &Adam{LearningRate: o.LearningRate, opts: o, params: params, guard: ad.NewGuard(params)}
	first, size := 0, 0
	for i, p := range params {
		a.m = append(a.m, make([]float64, len(p.Data)))
		a.v = append(a.v, make([]float64, len(p.Data)))
		if size += len(p.Data); size >= adamShare || i == len(params)-1 {
			a.parts = append(a.parts, [2]int{first, i + 1})
			first, size = i+1, 0
		}
	}
	a.part = a.stepPart
	return a
}

// Step changes the parameters, except frozen ones, along the gradients that they hold. It waits for evaluations of their model that are under
// way. Cost O(number of elements).
func (a *Adam) Step() {
	a.guard.Lock()
	defer a.guard.Unlock()
	a.step++
	a.now = kernel.AdamStep{
		LR: a.LearningRate, Beta1: a.opts.Betas[0], Beta2: a.opts.Betas[1], Eps: a.opts.Epsilon, WeightDecay: a.opts.WeightDecay,
		Correction1: 1 - math.Pow(a.opts.Betas[0], float64(a.step)),
		Correction2: 1 - math.Pow(a.opts.Betas[1], float64(a.step)),
	}
	team.Do(runtime.GOMAXPROCS(0), len(a.parts), a.part)
}

// stepPart takes the step for the parameters of part k.
func (a *Adam) stepPart(_, k int) {
	for i := a.parts[k][0]; i < a.parts[k][1]; i++ {
		if p := a.params[i]; !p.Frozen {
			kernel.Adam(p.Data, p.Grad, a.m[i], a.v[i], a.now)
		}
	}
}

// Steps returns the number of steps taken.
func (a *Adam) Steps() int { return a.step }
