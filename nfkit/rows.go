package nfkit

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Sampler is a source of training data: every target of package targets, any model, and fixed data as [Rows].
type Sampler interface {
	// Sample returns n rows drawn from src.
	Sample(n int, src rand.Source) *mat.Dense
}

// Rows is a data set to draw from without replacement: each row comes once before any comes again, in an order that is
// drawn anew for each such epoch. A batch may end one epoch and begin the next.
type Rows struct {
	x     *mat.Dense
	order []int
	next  int // place in order of the next row
}

var _ Sampler = (*Rows)(nil)

// NewRows returns the data set of the rows of x, which it does not copy. It panics when there are none.
func NewRows(x mat.Matrix) *Rows {
	n, _ := x.Dims()
	if n == 0 {
		panic("nfkit: NewRows: got a matrix without rows, want at least one")
	}
	r := &Rows{x: dense(x), order: make([]int, n), next: n}
	for i := range r.order {
		r.order[i] = i
	}
	return r
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.order) }

// Sample returns a copy of the next n rows. It panics when n is not positive.
func (r *Rows) Sample(n int, src rand.Source) *mat.Dense {
	if n < 1 {
		panic(fmt.Sprintf("nfkit: Rows.Sample: got %d rows, want 1 or more", n))
	}
	_, c := r.x.Dims()
	batch := mat.NewDense(n, c, nil)
	for i := range n {
		if r.next == len(r.order) {
			rand.New(src).Shuffle(len(r.order), func(i, j int) { r.order[i], r.order[j] = r.order[j], r.order[i] })
			r.next = 0
		}
		batch.SetRow(i, r.x.RawRowView(r.order[r.next]))
		r.next++
	}
	return batch
}
