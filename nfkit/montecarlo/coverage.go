package montecarlo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
)

// Coverage is how much of a target a model covers, from points of the model and from points that came to the target without it.
type Coverage struct {
	// From n points of the model: what their weights estimate, what they are worth, and k̂, see [eval.ParetoSmooth]. A model that misses a mode
	// knows nothing of it: all three can be good.
	LogNormalizer       eval.Estimate
	EffectiveSampleSize float64
	ParetoShape         float64

	// From n annealed points, which know nothing of the model.
	Annealed eval.Estimate // ln Z
	Missed   eval.Estimate // the share of the target where the model has less than a hundredth of its density
	KL       eval.Estimate // KL(p‖q), with ln Z of the annealed points; +Inf where the model is 0 at one of them

	n int
}

// CheckCoverage holds a model against points that [SequentialMonteCarlo] takes from a base to the target, and so finds modes that the model has lost;
// if the base is broad enough that its points find them. The options are those of the annealing. It has the errors of SequentialMonteCarlo, and
// panics as it does.
func CheckCoverage(ctx context.Context, model *nf.NormalizingFlow, target nf.Target, base nf.Base, n int, opts *AnnealingOptions, src rand.Source) (*Coverage, error) {
	if model == nil {
		panic("montecarlo: CheckCoverage: got a nil model")
	}
	a, err := SequentialMonteCarlo(ctx, base, target, n, opts, src)
	if err != nil {
		return nil, err
	}
	_, logWeights := model.ImportanceSample(target, n, src)
	c := &Coverage{LogNormalizer: eval.LogNormalizer(logWeights), EffectiveSampleSize: eval.EffectiveSampleSize(logWeights), Annealed: a.LogNormalizer, n: n}
	_, c.ParetoShape = eval.ParetoSmooth(logWeights)
	logQ, missed := model.LogProb(a.X), make([]float64, n)
	logRatio := make([]float64, n)
	for i, l := range a.logP {
		logRatio[i] = l - a.LogNormalizer.Value - logQ[i]
		if logRatio[i] > math.Log(100) {
			missed[i] = 1
		}
	}
	c.Missed, c.KL = a.Expectation(missed), a.Expectation(logRatio)
	return c, nil
}

// ModeLost reports whether the model probably misses a part of the target: more than a hundredth of it, by more than three standard errors, or so much
// that ln Z is lower than by annealing, by more than five.
func (c *Coverage) ModeLost() bool {
	gap := c.Annealed.Value - c.LogNormalizer.Value
	return c.Missed.Value-3*c.Missed.Error > 0.01 || gap > 5*math.Hypot(c.Annealed.Error, c.LogNormalizer.Error)
}

// String says in two or three lines what was found.
func (c *Coverage) String() string {
	s := fmt.Sprintf("from the model: ln Z = %.4f ± %.4f, %d points worth %.0f, k̂ = %.2f\n", c.LogNormalizer.Value, c.LogNormalizer.Error, c.n, c.EffectiveSampleSize, c.ParetoShape) +
		fmt.Sprintf("by annealing:   ln Z = %.4f ± %.4f, KL(p‖q) = %.4f ± %.4f, %.1f ± %.1f %% of the target missed by the model",
			c.Annealed.Value, c.Annealed.Error, c.KL.Value, c.KL.Error, 100*c.Missed.Value, 100*c.Missed.Error)
	switch {
	case c.ModeLost():
		s += "\nthe model has probably lost a mode"
	case !(c.ParetoShape < eval.ParetoThreshold(c.n)):
		s += fmt.Sprintf("\nk̂ is above %.2f: weights of the model are not to be trusted", eval.ParetoThreshold(c.n))
	}
	return s
}
