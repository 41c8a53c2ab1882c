package nfkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// NewObjective returns the mean of a loss over the rows of a batch, as an objective for [Fit]. state has what the loss depends on and
// training changes; rows have the given number of columns; loss returns a number for each row of v, n×1, which other rows do not influence. It
// draws random numbers, if it needs any, from the tape of v.
//
//	net := nf.NewMLP([]int{3, 64, 2}, nil, src)
//	objective := nf.NewObjective(net.State(), 5, func(v *ad.Value) *ad.Value { // squared error of a regression
//		return net.Apply(v.Slice(0, 3), nil).Sub(v.Slice(3, 5)).Square().RowSum()
//	})
//
// loss may evaluate the model that is trained, as with [NormalizingFlow.LogProb]: what it then gets are constants. It must not train it or load into
// it, which waits until the step is over.
//
// It panics when columns is not positive, loss is nil, or two tensors have the same name.
func NewObjective(state State, columns int, loss func(v *ad.Value) *ad.Value) *RowObjective {
	if columns < 1 || loss == nil {
		panic(fmt.Sprintf("nfkit: NewObjective: got %d columns and a loss that is nil: %t, want 1 or more and a loss", columns, loss == nil))
	}
	o := &RowObjective{engine: newEngine(state, columns), columns: columns}
	o.rows = func(t *ad.Tape, lo, hi int) *ad.Value { return loss(t.Rows(o.batch, lo, hi)) }
	return o.init()
}

// NewDataFreeObjective is [NewObjective] for a loss that needs no data, but draws what it needs from the tape: the mean over n numbers. loss
// returns the given number of them, k×1. It panics when n is not positive or loss is nil.
func NewDataFreeObjective(state State, n int, loss func(t *ad.Tape, k int) *ad.Value) *RowObjective {
	if n < 1 || loss == nil {
		panic(fmt.Sprintf("nfkit: NewDataFreeObjective: got %d numbers and a loss that is nil: %t, want 1 or more and a loss", n, loss == nil))
	}
	o := &RowObjective{engine: newEngine(state, 1), n: n}
	o.rows = func(t *ad.Tape, lo, hi int) *ad.Value { return loss(t, hi-lo) }
	return o.init()
}

// RowObjective is the mean of a loss over rows, or over draws of what it needs itself; see [NewObjective] and [NewDataFreeObjective].
type RowObjective struct {
	Precision ad.Precision // in which it is computed; parameters are kept in float64

	engine  *engine
	columns int
	n       int
	rows    func(t *ad.Tape, lo, hi int) *ad.Value // n×1

	mu    sync.Mutex
	batch *mat.Dense // of the call in hand
	seed  [2]uint64
	sum   func(t *ad.Tape, lo, hi int) *ad.Value // made once, so that a step allocates nothing
}

var _ Objective = (*RowObjective)(nil)

func (o *RowObjective) init() *RowObjective {
	o.sum = func(t *ad.Tape, lo, hi int) *ad.Value { return o.losses(t, lo, hi).Sum() }
	return o
}

// losses returns those of rows lo to hi, and panics unless there is one for each.
func (o *RowObjective) losses(t *ad.Tape, lo, hi int) *ad.Value {
	l := o.rows(t, lo, hi)
	if r, c := l.Dims(); r != hi-lo || c != 1 {
		panic(fmt.Sprintf("nfkit: Objective: the loss of %d rows is a %d×%d value, want %d×1", hi-lo, r, c, hi-lo))
	}
	return l
}

// State lists what is trained.
func (o *RowObjective) State() State { return o.engine.state }

// Columns returns the number of columns of a row, 0 if there is no data.
func (o *RowObjective) Columns() int { return o.columns }

// Loss returns the mean loss.
func (o *RowObjective) Loss(rows mat.Matrix, src rand.Source) (float64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.release()
	n, err := o.take("Loss", rows)
	if err != nil {
		return math.NaN(), err
	}
	o.seed = [2]uint64{}
	if src != nil {
		o.seed = newSeed(src)
	}
	losses := make([]float64, n)
	o.engine.eachNesting(o.Precision, n, o.seed, func(t *ad.Tape, lo, hi int) { o.losses(t, lo, hi).DataTo(losses[lo:hi]) })
	return o.check(mean(losses))
}

// LossGrad returns the mean loss and sets its gradients.
func (o *RowObjective) LossGrad(rows mat.Matrix, src rand.Source) (float64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.release()
	n, err := o.take("LossGrad", rows)
	if err != nil {
		return math.NaN(), err
	}
	checkSource("Objective.LossGrad", src)
	return o.engine.step(o.Precision, n, 1/float64(n), src, o.sum, o)
}

// take makes rows the batch and returns their number.
func (o *RowObjective) take(method string, rows mat.Matrix) (int, error) {
	if o.columns == 0 {
		if rows != nil {
			panic(fmt.Sprintf("nfkit: Objective.%s: got rows for a loss that takes no data", method))
		}
		return o.n, nil
	}
	n, err := checkRows("Objective."+method, rows, o.columns)
	if err == nil {
		o.batch = dense(rows)
	}
	return n, err
}

// release lets go of the batch.
func (o *RowObjective) release() { o.batch = nil }

// rest lets go of what steps have in common.
func (o *RowObjective) rest() { o.engine.rest() }

// check returns loss, with an error that says where it began if it is not finite.
func (o *RowObjective) check(loss float64) (float64, error) {
	if isFinite(loss) {
		return loss, nil
	}
	n := o.n
	if o.batch != nil {
		if where, row := badInput("data", o.batch); row >= 0 {
			return loss, &NonFiniteError{What: "loss", Value: loss, Where: where, Row: row}
		}
		n, _ = o.batch.Dims()
	}
	return loss, firstOrigin(loss, origins(o.Precision, n, o.seed, func(t *ad.Tape, lo, hi int, see func(v *ad.Value, where string)) {
		see(o.losses(t, lo, hi), "the loss of the row")
	}))
}

// checkRows returns the number of rows of a batch, an error if there are none, and panics unless they have the given number of columns.
func checkRows(call string, rows mat.Matrix, columns int) (int, error) {
	if d, ok := rows.(*mat.Dense); rows == nil || ok && d == nil {
		panic(fmt.Sprintf("nfkit: %s: got nil rows, want a matrix of %d columns", call, columns))
	}
	n, c := rows.Dims()
	switch {
	case n == 0:
		return 0, fmt.Errorf("nfkit: %s: the batch has no rows; it needs at least one", call)
	case c != columns:
		panic(fmt.Sprintf("nfkit: %s: got a %d×%d batch, want %d columns", call, n, c, columns))
	}
	return n, nil
}

// checkSource panics when src is nil.
func checkSource(call string, src rand.Source) {
	if src == nil {
		panic(fmt.Sprintf("nfkit: %s: got a nil source of random numbers, want one as rand.NewPCG(1, 2)", call))
	}
}

// newRand returns the random numbers of src. It panics when src is nil.
func newRand(call string, src rand.Source) *rand.Rand {
	checkSource(call, src)
	return rand.New(src)
}

// mean returns the mean of x.
func mean(x []float64) float64 {
	var sum float64
	for _, x := range x {
		sum += x
	}
	return sum / float64(len(x))
}
