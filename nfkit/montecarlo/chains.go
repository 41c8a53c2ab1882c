package montecarlo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ChainsOptions are the options of [HamiltonianChains].
type ChainsOptions struct {
	WarmUp     int     // draws before the first one that is kept, in which the size of steps is found; 0 means 200
	Leapfrogs  int     // steps of a trajectory; 0 means 8
	StepSize   float64 // at first; 0 means 0.2
	Acceptance float64 // which the warm-up aims at; 0 means 0.8
}

// Chains are draws of several Markov chains.
type Chains struct {
	Draws      []*mat.Dense // of each chain, draws×d
	Acceptance float64      // mean over all moves that are kept
	StepSize   float64
}

// Column returns component j along each chain, as the diagnostics of package eval take it:
//
//	fmt.Println(eval.RHat(chains.Column(0)), eval.BulkEffectiveSampleSize(chains.Column(0)))
func (c *Chains) Column(j int) [][]float64 {
	columns := make([][]float64, len(c.Draws))
	for i, x := range c.Draws {
		columns[i] = mat.Col(nil, j, x)
	}
	return columns
}

// HamiltonianChains returns the given numbers of chains and draws of each for a target p̃, by Hamiltonian trajectories in the latent space of a model:
// for the density
//
//	ln p̃(f(z)) + ln|det ∂f/∂z|,
//
// whose points x = f(z) have the target as their distribution, whatever the model is. The better it is, the closer that density is to the base, and the
// longer the steps that are accepted. Chains begin at points of the model. A model without flows has the data as its latent space.
//
// Step sizes vary by a fifth from draw to draw, so that no trajectory comes back to where it began each time. All chains have the same. In the warm-up
// every fifth draw has steps that are up to a hundred times shorter, with which chains that begin far out, where gradients are large, come in. Chains are
// computed side by side on all cores; the same arguments give the same bytes on any number of them.
//
// It returns an error when ctx is cancelled, when the density is NaN, +Inf, or 0 where chains begin, and when no move of a hundred is accepted after
// the warm-up, or none of a chain in 20 draws or more: gradients may be too large. It panics when an argument is nil or out of range. Cost: Leapfrogs
// gradients of the target and of Forward for each draw.
//
// Hoffman et al. 2019, arXiv:1903.03704; Gabrié, Rotskoff & Vanden-Eijnden 2022, arXiv:2105.12603, for moves by the model itself, see
// [IndependenceMetropolis].
func HamiltonianChains(ctx context.Context, model *nf.NormalizingFlow, target nf.Target, chains, draws int, opts *ChainsOptions, src rand.Source) (*Chains, error) {
	const call = "HamiltonianChains"
	if model == nil || target == nil || chains < 1 || draws < 1 || src == nil || model.ContextDim() > 0 {
		panic(fmt.Sprintf("montecarlo: %s: got a model that is nil: %t, target %v, %d chains of %d draws and source %v, want a model without a context, a target, positive numbers and a source", call, model == nil, target, chains, draws, src))
	}
	var o ChainsOptions
	if opts != nil {
		o = *opts
	}
	o.WarmUp, o.Leapfrogs = orDefault(o.WarmUp, 200), orDefault(o.Leapfrogs, 8)
	if o.StepSize == 0 {
		o.StepSize = 0.2
	}
	if o.Acceptance == 0 {
		o.Acceptance = 0.8
	}
	if min(o.WarmUp, o.Leapfrogs) < 1 || !(o.StepSize > 0) || math.IsInf(o.StepSize, 1) || !(o.Acceptance > 0 && o.Acceptance < 1) {
		panic(fmt.Sprintf("montecarlo: %s: got %+v, want positive numbers and an acceptance below 1", call, o))
	}
	d := model.Dim()
	flows := model.Flows()
	through := func(z *ad.Value) (x, logP *ad.Value) {
		logP = z.Tape().Full(z.Rows(), 1, 0)
		for _, f := range flows {
			var logDet *ad.Value
			z, logDet = f.Forward(z, nil)
			logP = logP.Add(logDet)
		}
		return z, logP.Add(target.LogDensity(z))
	}
	logP := func(z *ad.Value) *ad.Value { _, l := through(z); return l }
	z, _ := model.Inverse(model.Sample(chains, src))
	next, x := mat.NewDense(chains, d, nil), mat.NewDense(chains, d, nil)
	accepted, moves := make([]float64, chains), make([]float64, chains)
	shards, guard := ad.NewShards(ad.Float64, max(d, rowsPerShard/max(1, chains/8))), ad.NewGuard(model.Params())
	r := rand.New(src)
	c := &Chains{StepSize: o.StepSize, Draws: make([]*mat.Dense, chains)}
	for i := range c.Draws {
		c.Draws[i] = mat.NewDense(draws, d, nil)
	}
	for k := -o.WarmUp; k < draws; k++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("montecarlo: %s: ended after %d of %d draws: %w", call, max(k, 0), draws, err)
		}
		size := c.StepSize * (0.8 + 0.4*r.Float64())
		short := k < 0 && k%5 == 0
		if short {
			size *= math.Pow(10, -2*r.Float64())
		}
		shards.Seed = [2]uint64{src.Uint64(), src.Uint64()}
		guard.RLockNesting()
		shards.Each(chains, func(t *ad.Tape, lo, hi int) {
			from := t.Rows(z, lo, hi)
			m := leapfrog(logP, from, t.Normal(hi-lo, d), t.Full(1, d, size), o.Leapfrogs)
			to, _ := m.decide(from, t.Uniform(hi-lo, 1).Log())
			to.DataTo(next.RawMatrix().Data[lo*d : hi*d])
			m.logRatio.DataTo(accepted[lo:hi])
			if k >= 0 {
				v, _ := through(to)
				v.DataTo(x.RawMatrix().Data[lo*d : hi*d])
			}
		})
		guard.RUnlockNesting()
		for i, l := range accepted {
			if math.IsInf(l, 1) {
				return nil, fmt.Errorf("montecarlo: %s: the log-density is +Inf where a trajectory of chain %d ends that begins at z = %.6g", call, i, z.RawRowView(i))
			}
			if floats.HasNaN(next.RawRowView(i)) {
				return nil, fmt.Errorf("montecarlo: %s: the log-density, or its gradient, is NaN on a trajectory of chain %d that begins at z = %.6g", call, i, z.RawRowView(i))
			}
			accepted[i] = math.Exp(min(0, l))
			if k >= 0 {
				moves[i] += accepted[i]
				copy(c.Draws[i].RawRowView(k), x.RawRowView(i))
			}
		}
		z, next = next, z
		switch mean := stat.Mean(accepted, nil); {
		case short: // which says nothing about the size
		case k < 0: // the change gets smaller, so that the size settles
			c.StepSize *= math.Exp((mean - o.Acceptance) / math.Sqrt(1+float64(k+o.WarmUp)/10))
		default:
			c.Acceptance += mean / float64(draws)
		}
	}
	if c.Acceptance < 0.01 {
		return nil, fmt.Errorf("montecarlo: %s: %.2g of the moves are accepted with steps of %.2g: gradients may be too large, or the density 0 where chains begin", call, c.Acceptance, c.StepSize)
	}
	if draws >= longEnough {
		for i, m := range moves {
			if m < 1e-6 {
				return nil, fmt.Errorf("montecarlo: %s: chain %d stays at z = %.6g for all %d draws, where others move with steps of %.2g: gradients may be too large there, or the density 0", call, i, z.RawRowView(i), draws, c.StepSize)
			}
		}
	}
	return c, nil
}

// longEnough is a number of draws in which a chain moves, unless it is stuck.
const longEnough = 20

// rowsPerShard divided by the number of rows of a shard is the width that [ad.ShardRows] gives that number for.
const rowsPerShard = 1 << 17
