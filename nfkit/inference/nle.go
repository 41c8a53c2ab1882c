package inference

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/eval"
	"github.com/nfkit/nfkit-go/nfkit/montecarlo"
)

// NLE is neural likelihood estimation: the density q(x | θ) of data given parameters, learned by −E[ln q(x | θ)]. With the prior it gives the posterior up
// to a factor,
//
//	p̃(θ | x) = p(θ)·q(x | θ),
//
// also for several independent observations of the same parameters, whose likelihoods multiply, or under another prior with the same support. It is made as
// [NPE] is, with data and parameters in each other's places. The data must have a density: counts do not, nor do numbers that repeat.
//
// Papamakarios, Sterratt & Murray 2019, arXiv:1805.07226.
type NLE struct {
	prior     *Prior
	estimator *estimator
}

var _ nf.Stateful = (*NLE)(nil)

// NewNLE returns an estimator for data of the given number of columns. Arguments are those of [NewNPE].
func NewNLE(prior *Prior, dataDim int, opts *EstimatorOptions, src rand.Source) *NLE {
	checkEstimator("NewNLE", prior, dataDim, src)
	return &NLE{prior, newEstimator("NewNLE", dataDim, prior.Dim(), opts, src)}
}

// State lists what was learned, with all that scales data and parameters.
func (e *NLE) State() nf.State { return e.estimator.State() }

// Fit trains the flows, as [NPE.Fit] does. The parameters need not be drawn from the prior, but cover its support. It is an error when a number of the data
// is the same in all simulations.
func (e *NLE) Fit(ctx context.Context, sims *Simulations, opts *FitOptions, src rand.Source) ([]*nf.History, error) {
	checkFit("NLE.Fit", e.prior, e.estimator.dim(), sims)
	for j := range sims.DataDim() {
		if x := mat.Col(nil, j, sims.X); floats.Max(x) == floats.Min(x) {
			return nil, fmt.Errorf("inference: NLE.Fit: number %d of the data is %v in all %d simulations; a constant has no density", j, x[0], len(x))
		}
	}
	h, err := e.estimator.fit(ctx, sims.X, sims.Theta, opts, src)
	if err != nil {
		err = fmt.Errorf("inference: NLE.Fit: %w", err)
	}
	return h, err
}

// LogLikelihood returns ln q(x | θ) for each row of theta, n×d, and the same, or the only, row of x. It panics on wrong numbers of rows or columns.
func (e *NLE) LogLikelihood(theta, x mat.Matrix) []float64 {
	n := checkRows("NLE.LogLikelihood", "parameters", theta, e.prior.Dim())
	if n == 0 {
		return []float64{}
	}
	rows := checkRows("NLE.LogLikelihood", "data", x, e.estimator.dim())
	if rows != n && rows != 1 {
		panic(fmt.Sprintf("inference: NLE.LogLikelihood: got %d rows of parameters and %d of data, want as many, or one row of data", n, rows))
	}
	data := mat.DenseCopyOf(x)
	if rows < n {
		data = nf.RepeatRows(x, n)
	}
	return e.estimator.logProb(data, mat.DenseCopyOf(theta))
}

// Weighted are draws of a proposal with the weights that make them draws of a posterior.
type Weighted struct {
	Theta       *mat.Dense    // n×d
	LogWeights  []float64     // smoothed, not normalised
	K           float64       // the shape k̂ of their tail: not to be trusted above eval.ParetoThreshold(n)
	LogEvidence eval.Estimate // ln ∫p(θ)·q(x|θ) dθ
}

// Posterior draws n parameters from the proposal and weighs them by p(θ)·q(x | θ)/proposal(θ), with [eval.ParetoSmooth]. The proposal is to cover the
// posterior: an [NPE] that was trained on the same simulations is made for that. x has one observation a row, k×m; the likelihoods of several multiply.
//
//	proposal := nf.Must(npe.Posterior(observed))
//	posterior := nf.Must(nle.Posterior(mat.NewDense(1, m, observed), proposal, 20_000, src))
//	theta := posterior.Resample(5000, src)
//
// It is an error when a number of x is not finite, or no draw has a finite positive weight. It panics when n is not positive or dimensions differ. Cost: a
// sample of the proposal and k·n densities of the flows.
func (e *NLE) Posterior(x mat.Matrix, proposal eval.Density, n int, src rand.Source) (*Weighted, error) {
	checkDraw("NLE.Posterior", n, src)
	if proposal == nil || proposal.Dim() != e.prior.Dim() {
		panic(fmt.Sprintf("inference: NLE.Posterior: got the proposal %v, want one of %d parameters", proposal, e.prior.Dim()))
	}
	k := checkRows("NLE.Posterior", "data", x, e.estimator.dim())
	data := mat.DenseCopyOf(x)
	for i := range k {
		if j := nonFinite(data.RawRowView(i)); j >= 0 {
			return nil, fmt.Errorf("inference: NLE.Posterior: number %d of observation %d is %v", j, i, data.At(i, j))
		}
	}
	theta := proposal.Sample(n, src)
	w := e.prior.LogProb(theta)
	floats.Sub(w, proposal.LogProb(theta))
	for i := range k {
		floats.Add(w, e.LogLikelihood(theta, data.Slice(i, i+1, 0, e.estimator.dim())))
	}
	for i, l := range w {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return nil, fmt.Errorf("inference: NLE.Posterior: the weight of the parameters %v is not finite", theta.RawRowView(i))
		}
	}
	if math.IsInf(floats.Max(w), -1) {
		return nil, fmt.Errorf("inference: NLE.Posterior: the weights of all %d draws are 0; the proposal does not cover the posterior", n)
	}
	p := &Weighted{Theta: theta, LogEvidence: eval.LogNormalizer(w)}
	p.LogWeights, p.K = eval.ParetoSmooth(w)
	return p, nil
}

// Resample returns n draws of equal weight, n×d: rows of Theta with probabilities in proportion to their weights, some of them several times
// in no order (sampling-importance resampling, Rubin 1988; see montecarlo.Resample). It panics when n is not positive, src is nil, or the weights were changed to some
// that are not finite or all 0.
func (p *Weighted) Resample(n int, src rand.Source) *mat.Dense {
	checkDraw("Weighted.Resample", n, src)
	theta, err := montecarlo.Resample(p.Theta, p.LogWeights, n, src)
	if err != nil {
		panic(fmt.Sprintf("inference: Weighted.Resample: %v", err))
	}
	return permuted(theta, rand.New(src).Perm(n))
}
