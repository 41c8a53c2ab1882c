package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// ContrastiveOptions are the options of [NormalizingFlow.Contrastive].
type ContrastiveOptions struct {
	Atoms int // K, points that each context is held against, its own among them: 2 or more; 0 means 10
}

// Contrastive returns the contrastive loss as an objective for [Fit]: the mean over rows of
//
//	−ln( r(xᵢ|cᵢ) / Σ_{k ∈ Aᵢ} r(xₖ|cᵢ) ),  r(x|c) = q(x|c)/p(x),
//
// where Aᵢ has i and K−1 other rows of the batch, drawn anew in each step. It teaches the posterior q(x|c) ∝ p(x)·p(c|x) from pairs (x, c) whose x were
// drawn from any distribution, as in later rounds of sequential inference, where [NormalizingFlow.NLL] would learn that distribution into q; the more
// atoms, the less q may be off by a factor that depends on c. prior is p up to a factor, and positive at all x.
//
// A row has the columns of a point and of the context; a batch has K rows or more. Cost: K evaluations of the model for each row. Greenberg et al. 2019,
// arXiv:1905.07488, eq. 7; Durkan et al. 2020, arXiv:2002.03712. A nil opts means the defaults. It panics when the prior is nil, the model takes no
// context or has been given it, or K is out of range. Its twin in FlowJAX is ContrastiveLoss.
func (m *NormalizingFlow) Contrastive(prior Target, opts *ContrastiveOptions) Objective {
	const caller = "nfkit: NormalizingFlow.Contrastive"
	atoms := 10
	if opts != nil {
		atoms = orDefault(opts.Atoms, atoms)
	}
	switch {
	case prior == nil:
		panic(caller + ": got a nil prior")
	case m.ContextDim() == 0 || m.context != nil:
		panic(caller + ": want a model that takes a context and has not been given it; contexts are columns of the data")
	case atoms < 2:
		panic(fmt.Sprintf("%s: got %d atoms, want 2 or more", caller, atoms))
	}
	d, c, of := m.Dim(), m.ContextDim(), m.view()
	o := &contrastive{atoms: atoms, dim: d}
	o.RowObjective = NewObjective(m.State(), atoms*d+c, func(v *ad.Value) *ad.Value {
		n := v.Rows()
		points, context := v.Slice(0, atoms*d).Reshape(n*atoms, d), of.embed(v.Slice(atoms*d, atoms*d+c)).Repeat(atoms)
		logRatio := of.logProb(points, context)
		if !v.Tape().Observing() { // while layers observe, nobody else may evaluate
			logRatio = logRatio.Sub(prior.LogDensity(points))
		}
		logRatio = logRatio.Reshape(n, atoms)
		return logRatio.LogSumExp().Sub(logRatio.Slice(0, 1))
	})
	o.Precision = m.precision
	return o
}

// contrastive is the objective of Contrastive: that of rows that have all of their points, the own one first.
type contrastive struct {
	*RowObjective
	atoms, dim int
}

// Columns returns the number of columns of point and context.
func (o *contrastive) Columns() int { return o.RowObjective.Columns() - (o.atoms-1)*o.dim }

// Loss returns the mean loss.
func (o *contrastive) Loss(rows mat.Matrix, src rand.Source) (float64, error) {
	all, err := o.contrasted("Loss", rows, src)
	if err != nil {
		return math.NaN(), err
	}
	return o.RowObjective.Loss(all, src)
}

// LossGrad returns the mean loss and sets its gradients.
func (o *contrastive) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	all, err := o.contrasted("LossGrad", rows, src)
	if err != nil {
		return math.NaN(), err
	}
	return o.RowObjective.LossGrad(all, src)
}

// contrasted returns rows of the own point, those of others and the context.
func (o *contrastive) contrasted(method string, rows mat.Matrix, src rand.Source) (*mat.Dense, error) {
	call := "NormalizingFlow.Contrastive: " + method
	n, err := checkRows(call, rows, o.Columns())
	if err != nil {
		return nil, err
	}
	if n < o.atoms {
		return nil, fmt.Errorf("nfkit: %s: got a batch of %d rows, want %d or more, one for each atom", call, n, o.atoms)
	}
	r := newRand(call, src)
	from, all := dense(rows), mat.NewDense(n, o.RowObjective.Columns(), nil)
	for i := range n {
		row := all.RawRowView(i)[:0]
		row = append(row, from.RawRowView(i)[:o.dim]...)
		for _, k := range distinct(o.atoms-1, n-1, r) {
			if k >= i {
				k++
			}
			row = append(row, from.RawRowView(k)[:o.dim]...)
		}
		copy(all.RawRowView(i)[len(row):], from.RawRowView(i)[o.dim:])
	}
	return all, nil
}

// distinct returns k different numbers below n, drawn at random. Floyd 1987, doi:10.1145/30401.315746.
func distinct(k, n int, r *rand.Rand) []int {
	drawn := make([]int, 0, k)
	for j := n - k; j < n; j++ {
		i := r.IntN(j + 1)
		if slices.Contains(drawn, i) {
			i = j
		}
		drawn = append(drawn, i)
	}
	return drawn
}
