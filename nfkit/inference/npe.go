package inference

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// NPE is neural posterior estimation: the density q(θ | x) of parameters given data, learned from draws of prior and simulator by
//
//	−E_{p(θ)p(x|θ)}[ln q(θ | x)],
//
// whose minimum is the posterior p(θ | x), for all data at once: after one training, any observation has its posterior without another simulation.
//
// q is a density of the normal numbers z of [Prior], so that it has the support of the prior. It is the mean of the densities of several flows (an
// ensemble), each of which models what a linear regression of z on features of x leaves, and sees the features: the standardised data and their normal
// scores. The members are trained on different parts of the simulations and from different starts, which the mean evens out.
//
// Papamakarios & Murray 2016, arXiv:1605.06376; with flows, Greenberg, Nonnenmacher & Macke 2019, arXiv:1905.07488; ensembles, Hermans et al.
// 2022, arXiv:2110.06581.
//
// Methods may be called from several goroutines at the same time, but not while Fit is running.
type NPE struct {
	prior     *Prior
	estimator *estimator
}

var _ nf.Stateful = (*NPE)(nil)

// NewNPE returns an estimator for data of the given number of columns, which is the prior, roughly, until it is trained or loaded. A nil opts means the
// defaults. It panics when prior or src is nil, dataDim is not positive, or an option is out of range.
func NewNPE(prior *Prior, dataDim int, opts *EstimatorOptions, src rand.Source) *NPE {
	checkEstimator("NewNPE", prior, dataDim, src)
	return &NPE{prior, newEstimator("NewNPE", prior.Dim(), dataDim, opts, src)}
}

func checkEstimator(caller string, prior *Prior, dataDim int, src rand.Source) {
	if prior == nil || dataDim < 1 || src == nil {
		panic(fmt.Sprintf("inference: %s: got a nil prior: %t, %d columns of data and a nil source: %t, want a prior, 1 column or more and a source as rand.NewPCG(1, 2)", caller, prior == nil, dataDim, src == nil))
	}
}

// State lists what was learned, with all that scales the data: nf.Save and nf.Load take it.
func (e *NPE) State() nf.State { return e.estimator.State() }

// Fit trains the flows on simulations of the prior's draws, and returns the history of each. It is an error when parameters are not in the support
// of the prior, and otherwise where [nf.Fit] has one. A nil opts means the defaults. The same arguments give the same bytes, for any GOMAXPROCS. It panics
// when the simulations have other numbers of columns, or there are fewer than 20.
func (e *NPE) Fit(ctx context.Context, sims *Simulations, opts *FitOptions, src rand.Source) ([]*nf.History, error) {
	checkFit("NPE.Fit", e.prior, e.estimator.given(), sims)
	if err := e.prior.checkSupport(sims.Theta); err != nil {
		return nil, fmt.Errorf("inference: NPE.Fit: %w", err)
	}
	z, _ := e.prior.toNormal(sims.Theta)
	h, err := e.estimator.fit(ctx, z, sims.X, opts, src)
	if err != nil {
		err = fmt.Errorf("inference: NPE.Fit: %w", err)
	}
	return h, err
}

func checkFit(method string, prior *Prior, dataDim int, sims *Simulations) {
	n, d := sims.Theta.Dims()
	rows, m := sims.X.Dims()
	if n != rows || d != prior.Dim() || m != dataDim || n < leastRows {
		panic(fmt.Sprintf("inference: %s: got simulations of %d×%d parameters and %d×%d data, want %d and %d columns, and as many rows of both, at least %d", method, n, d, rows, m, prior.Dim(), dataDim, leastRows))
	}
}

// leastRows is the number of simulations without which there is nothing to learn.
const leastRows = 20

// checkSupport returns an error for the first row that is not in the support.
func (p *Prior) checkSupport(theta *mat.Dense) error {
	n, _ := theta.Dims()
	for i := range n {
		for j, x := range theta.RawRowView(i) {
			if !p.inside(j, x) {
				return fmt.Errorf("parameter %d of row %d is %v, but the prior has it between %v and %v", j, i, x, p.lo[j], p.hi[j])
			}
		}
	}
	return nil
}

// LogProb returns ln q(θ | x) for each row of theta, n×d, and the same, or the only, row of x: −Inf outside the prior's support. Its mean over simulations
// that were not trained with is the score to compare estimators by. It panics on wrong numbers of rows or columns.
func (e *NPE) LogProb(theta, x mat.Matrix) []float64 {
	n := checkRows("NPE.LogProb", "parameters", theta, e.prior.Dim())
	if n == 0 {
		return []float64{}
	}
	if rows := checkRows("NPE.LogProb", "data", x, e.estimator.given()); rows != n && rows != 1 {
		panic(fmt.Sprintf("inference: NPE.LogProb: got %d rows of parameters and %d of data, want as many, or one row of data", n, rows))
	}
	z, logDet := e.prior.toNormal(theta)
	logs := e.estimator.logProb(z, mat.DenseCopyOf(x))
	for i, l := range logDet {
		logs[i] += l
	}
	return logs
}

// Posterior returns the distribution of the parameters given an observation. It is an error when a number of it is not finite. It panics when x does not
// have as many numbers as the data.
func (e *NPE) Posterior(x []float64) (*Posterior, error) {
	if len(x) != e.estimator.given() {
		panic(fmt.Sprintf("inference: NPE.Posterior: got %d numbers of data, want %d", len(x), e.estimator.given()))
	}
	if j := nonFinite(x); j >= 0 {
		return nil, fmt.Errorf("inference: NPE.Posterior: number %d of the observation is %v", j, x[j])
	}
	return &Posterior{e, mat.NewDense(1, len(x), append([]float64(nil), x...))}, nil
}

// Posterior is the distribution q(θ | x) of parameters given one observation x, which package eval takes as a density.
type Posterior struct {
	npe *NPE
	x   *mat.Dense // 1×m
}

// Dim returns the number of parameters d.
func (p *Posterior) Dim() int { return p.npe.prior.Dim() }

// Sample returns n draws, n×d, all of them in the support of the prior. It panics when n is not positive or src is nil.
func (p *Posterior) Sample(n int, src rand.Source) *mat.Dense {
	checkDraw("Posterior.Sample", n, src)
	theta := p.npe.estimator.sample(n, p.x, src)
	p.npe.prior.fromNormal(theta)
	return theta
}

// LogProb returns ln q(θ | x) of each row of theta, n×d, normalised, in the units of the parameters: −Inf outside the support of the prior.
func (p *Posterior) LogProb(theta mat.Matrix) []float64 { return p.npe.LogProb(theta, p.x) }

// Remarks says in what the observation is unlike the simulations: numbers out of their range, or a combination of numbers farther from their mean than
// that of any simulation, as the covariance measures it. A posterior is an extrapolation then, and nothing says that it is right. It is nil if there is
// nothing to say.
func (p *Posterior) Remarks() []string { return p.npe.estimator.features.remarks(p.x.RawRowView(0)) }

func checkDraw(method string, n int, src rand.Source) {
	if n < 1 || src == nil {
		panic(fmt.Sprintf("inference: %s: got %d rows and a nil source: %t, want 1 row or more and a source as rand.NewPCG(1, 2)", method, n, src == nil))
	}
}

// checkRows panics unless x has the given number of columns, and returns the number of rows.
func checkRows(method, what string, x mat.Matrix, columns int) int {
	n, c := x.Dims()
	if n > 0 && c != columns {
		panic(fmt.Sprintf("inference: %s: got %d×%d %s, want %d columns", method, n, c, what, columns))
	}
	return n
}
