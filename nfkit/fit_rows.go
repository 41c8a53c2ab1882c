package nfkit

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

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
	checkMatrix("NewRows", "matrix", x)
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
	checkSource("Rows.Sample", src)
	_, c := r.x.Dims()
	batch := mat.NewDense(n, c, nil)
	r.sampleTo(batch, src)
	return batch
}

// sampleTo is Sample to a matrix that there is.
func (r *Rows) sampleTo(batch *mat.Dense, src rand.Source) {
	from, to := r.x.RawMatrix(), batch.RawMatrix()
	for i := range to.Rows {
		if r.next == len(r.order) {
			rand.New(src).Shuffle(len(r.order), func(i, j int) { r.order[i], r.order[j] = r.order[j], r.order[i] })
			r.next = 0
		}
		at := r.order[r.next] * from.Stride
		copy(to.Data[i*to.Stride:][:to.Cols], from.Data[at:at+from.Cols])
		r.next++
	}
}

// JoinColumns returns the columns of all parts side by side, as the rows of a conditional model have a point, its context and its weight:
//
//	data := nf.NewRows(nf.JoinColumns(x, context, mat.NewVecDense(len(weights), weights)))
//
// It panics when there are no parts or no rows, or the numbers of rows differ.
func JoinColumns(parts ...mat.Matrix) *mat.Dense {
	n, columns := 0, 0
	for i, p := range parts {
		checkMatrix("JoinColumns", fmt.Sprintf("part %d", i), p)
		r, c := p.Dims()
		if i > 0 && r != n || r == 0 {
			panic(fmt.Sprintf("nfkit: JoinColumns: got %d rows in part %d and %d before, want as many in each", r, i, n))
		}
		n, columns = r, columns+c
	}
	if len(parts) == 0 {
		panic("nfkit: JoinColumns: got no parts, want at least one")
	}
	joined := mat.NewDense(n, columns, nil)
	at := 0
	for _, p := range parts {
		_, c := p.Dims()
		joined.Slice(0, n, at, at+c).(*mat.Dense).Copy(p)
		at += c
	}
	return joined
}

// RepeatRows returns each row of x n times in a row: row i of r×c gives rows i·n to i·n+n−1 of the r·n×c result. It is how to have several
// points for each row of a context:
//
//	x := model.Given(nf.RepeatRows(context, 5)).Sample(20, src) // context is 4×c; rows 5i to 5i+4 of x belong to its row i
//
// It panics when x is nil or n is not positive.
func RepeatRows(x mat.Matrix, n int) *mat.Dense {
	checkMatrix("RepeatRows", "matrix", x)
	r, c := x.Dims()
	if n < 1 {
		panic(fmt.Sprintf("nfkit: RepeatRows: got %d copies of the rows of a %d×%d matrix, want 1 or more", n, r, c))
	}
	if r == 0 {
		return &mat.Dense{}
	}
	repeated := mat.NewDense(r*n, c, nil)
	for i := range r * n {
		for j := range c {
			repeated.Set(i, j, x.At(i/n, j))
		}
	}
	return repeated
}

// checkMatrix panics when x is nil, and names it.
func checkMatrix(call, name string, x mat.Matrix) {
	if d, ok := x.(*mat.Dense); x == nil || ok && d == nil {
		panic(fmt.Sprintf("nfkit: %s: got a nil %s", call, name))
	}
}
