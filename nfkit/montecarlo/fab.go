package montecarlo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// FABOptions are the options of [NewFAB].
type FABOptions struct {
	Temperatures int // densities between q and p²/q; 0 means 4
	Moves        int // Hamiltonian trajectories at each of them; 0 means 1
	Leapfrogs    int // steps of a trajectory; 0 means 3

	Buffer  int // annealed batches that are kept; 0 means 100
	Updates int // training steps from one annealed batch to the next; 0 means 4

	MaxCorrection float64 // the largest factor by which the weight of a point in a training step is corrected; 0 means 10
}

// FAB is the objective of flow annealed importance sampling bootstrap, for [nf.Fit] without data. It lowers the α-divergence with α = 2, that is the
// variance of the importance weights p̃/q, and so makes the model cover all of the target.
//
// Points of the model are annealed from q to p²/q, where that divergence has its weight, by Hamiltonian trajectories as in
// [AnnealedImportanceSample]. They are kept in a buffer with their weights w and the ln q that they were made with. A training step draws points
// from the buffer with probabilities proportional to w, without replacement, and lowers
//
//	−Σ cᵢ·ln q(xᵢ)/Σ cᵢ,  cᵢ = min(q_then(xᵢ)/q_now(xᵢ), MaxCorrection),
//
// and the weights in the buffer follow q. LossGrad returns this number, a cross-entropy with the target that may be held against its entropy.
// Loss is that of [nf.NormalizingFlow.AlphaDivergence] with α = 2, at least ln Z.
//
// The buffer is not part of the State, which has the sizes of steps beside the tensors of the model: a run that goes on from a [nf.Checkpoint]
// begins with a new one.
//
// Midgley, Stimper, Simm, Schölkopf & Hernández-Lobato 2023, arXiv:2208.01893, algorithm 1.
type FAB struct {
	FABOptions
	model    *nf.NormalizingFlow
	target   nf.Target
	n        int
	fit      nf.Objective // of weighted rows
	stepSize []float64    // of each temperature
	buffer   replay
	batches  [][]int // rows of the buffer for the training steps to come
}

var _ nf.Objective = (*FAB)(nil)

// NewFAB returns the objective, for batches of n points. A nil opts means the defaults. It panics when the model takes a context, an argument is nil or
// a number is out of range.
func NewFAB(model *nf.NormalizingFlow, target nf.Target, n int, opts *FABOptions) *FAB {
	if model == nil || target == nil || n < 2 {
		panic(fmt.Sprintf("montecarlo: NewFAB: got a model that is nil: %t, target %v and batches of %d points, want a model, a target and 2 points or more", model == nil, target, n))
	}
	f := &FAB{model: model, target: target, n: n}
	if opts != nil {
		f.FABOptions = *opts
	}
	o := &f.FABOptions
	o.Temperatures, o.Moves, o.Leapfrogs = orDefault(o.Temperatures, 4), orDefault(o.Moves, 1), orDefault(o.Leapfrogs, 3)
	o.Buffer, o.Updates = orDefault(o.Buffer, 100), orDefault(o.Updates, 4)
	if o.MaxCorrection == 0 {
		o.MaxCorrection = 10
	}
	if min(o.Temperatures, o.Moves, o.Leapfrogs, o.Updates) < 1 || o.Buffer < o.Updates || !(o.MaxCorrection >= 1) || model.ContextDim() > 0 {
		panic(fmt.Sprintf("montecarlo: NewFAB: got %+v and a model with a context of %d columns, want positive numbers, a buffer of as many batches as there are updates, a correction of 1 or more and no context", *o, model.ContextDim()))
	}
	f.fit = model.NLL(&nf.NLLOptions{Weighted: true})
	f.stepSize = make([]float64, o.Temperatures+1)
	for k := range f.stepSize {
		f.stepSize[k] = 0.2
	}
	return f
}

// State lists the tensors of the model, and the sizes of steps.
func (f *FAB) State() nf.State {
	return append(f.model.State(), nf.Tensor{Name: "fab.step_size", Shape: []int{len(f.stepSize)}, Floats: f.stepSize, Check: func(t nf.Tensor) error {
		for i, s := range t.Floats {
			if !(s > 0) {
				return fmt.Errorf("element %d is %v, want a positive number", i, s)
			}
		}
		return nil
	}})
}

// Columns returns 0: there is no data.
func (f *FAB) Columns() int { return 0 }

// Loss returns the α-divergence with α = 2 from n points of the model.
func (f *FAB) Loss(rows mat.Matrix, src rand.Source) (float64, error) {
	return f.model.AlphaDivergence(f.target, f.n, 2, nil).Loss(rows, src)
}

// LossGrad returns the cross-entropy of a batch of the buffer, and sets its gradients. Each time that the updates of the last annealed batch are
// done, it anneals the next one; the first time, it anneals as many as are needed for a choice.
func (f *FAB) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	if rows != nil || src == nil {
		panic(fmt.Sprintf("montecarlo: FAB.LossGrad: got rows: %t and source %v, want no rows and a source", rows != nil, src))
	}
	if len(f.batches) == 0 {
		for {
			if err := f.anneal(src); err != nil {
				return math.NaN(), err
			}
			if len(f.buffer.logWeights) >= min(f.Buffer, 4*f.Updates)*f.n {
				break
			}
		}
		f.batches = f.buffer.batches(f.Updates, f.n, rand.New(src))
	}
	batch := f.batches[0]
	f.batches = f.batches[1:]
	d := f.model.Dim()
	x := f.buffer.points(batch)
	logQ := f.model.LogProb(x)
	weighted := mat.NewDense(f.n, d+1, nil)
	for i, k := range batch {
		correction := f.buffer.correct(k, logQ[i])
		copy(weighted.RawRowView(i), x.RawRowView(i))
		weighted.Set(i, d, math.Min(math.Exp(correction), f.MaxCorrection))
	}
	return f.fit.LossGrad(weighted, src)
}

// anneal adds a batch to the buffer.
func (f *FAB) anneal(src rand.Source) error {
	k := f.Temperatures + 1
	betas := make([]float64, k)
	for i := range betas {
		betas[i] = float64(i+1) / float64(k)
	}
	a := newAnnealing("FAB", nf.NewModelBase(f.model), f.target, f.n, &AnnealingOptions{Betas: betas, Moves: f.Moves, Leapfrogs: f.Leapfrogs}, src)
	a.end, a.stepSize = 2, f.stepSize
	points, err := anneal(context.Background(), a, 0)
	if err != nil {
		return err
	}
	f.buffer.add(points.X, points.LogWeights, a.logQ, f.Buffer*f.n)
	return nil
}

// replay is a buffer of points, with weights for p²/q.
type replay struct {
	x          [][]float64
	logWeights []float64
	logQ       []float64 // with which the weights are computed
	next       int       // the oldest one, when the buffer is full
}

// add adds rows, in the place of the oldest ones where there are more than size.
func (b *replay) add(x *mat.Dense, logWeights, logQ []float64, size int) {
	for i, l := range logWeights {
		row := slices.Clone(x.RawRowView(i))
		if len(b.x) < size {
			b.x, b.logWeights, b.logQ = append(b.x, row), append(b.logWeights, l), append(b.logQ, logQ[i])
			continue
		}
		b.x[b.next], b.logWeights[b.next], b.logQ[b.next] = row, l, logQ[i]
		b.next = (b.next + 1) % size
	}
}

// batches returns the numbers of the points of k batches of n, drawn without replacement with probabilities proportional to their weights: those with
// the largest ln w + g, g of Gumbel's distribution, in random order. Efraimidis & Spirakis 2006.
func (b *replay) batches(k, n int, r *rand.Rand) [][]int {
	keys, order := make([]float64, len(b.x)), make([]int, len(b.x))
	for i, l := range b.logWeights {
		keys[i], order[i] = l-math.Log(r.ExpFloat64()), i
	}
	slices.SortFunc(order, func(i, j int) int {
		if keys[i] != keys[j] {
			if keys[i] > keys[j] {
				return -1
			}
			return 1
		}
		return i - j
	})
	order = order[:k*n]
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return slices.Collect(slices.Chunk(order, n))
}

// points returns the points with the given numbers.
func (b *replay) points(numbers []int) *mat.Dense {
	x := mat.NewDense(len(numbers), len(b.x[0]), nil)
	for i, k := range numbers {
		copy(x.RawRowView(i), b.x[k])
	}
	return x
}

// correct makes the weight of point k that for a model of the density logQ, and returns by how much its logarithm grows. Where the model is 0 now,
// the point is of no use any more.
func (b *replay) correct(k int, logQ float64) float64 {
	correction := b.logQ[k] - logQ
	if math.IsInf(logQ, 0) || math.IsNaN(correction) {
		correction = math.Inf(-1)
	}
	b.logWeights[k] += correction
	b.logQ[k] = logQ
	return correction
}
