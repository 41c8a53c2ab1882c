package ad

import (
	"fmt"
	"sync/atomic"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Param is a rows×cols matrix of numbers that training changes.
type Param struct {
	Data   []float64 // by rows; see Changed
	Grad   []float64 // by rows; Tape.Backward adds to it, Shards.Gradient sets it
	Frozen bool      // no gradient is computed and no optimiser changes Data

	rows, cols int
	guard      atomic.Pointer[guard] // see NewGuard
	changes    atomic.Uint64         // calls of Changed

	// How tapes read Data.
	mask               []float64     // nil: none
	rowOrder, colOrder []int         // nil: that of Data
	spans              []kernel.Span // the columns that the mask leaves of each row on a tape; nil: not always a run
}

// NewParam returns a parameter with the given elements, by rows, which it keeps.
// It panics when the length of data is not rows·cols.
func NewParam(rows, cols int, data []float64) *Param {
	if rows < 0 || cols < 0 || len(data) != rows*cols {
		panic(fmt.Sprintf("ad: NewParam: got %d numbers, want %d×%d", len(data), rows, cols))
	}
	return &Param{Data: data, Grad: make([]float64, len(data)), rows: rows, cols: cols}
}

// NewMaskedParam returns a parameter that is read as data⊙mask, for a mask of 0 and 1; both slices are kept. After a change of the mask,
// call Arrange. Its gradient is 0 where the mask is. It panics when a length is not rows·cols.
func NewMaskedParam(rows, cols int, data, mask []float64) *Param {
	if len(mask) != len(data) {
		panic(fmt.Sprintf("ad: NewMaskedParam: got %d numbers and a mask of %d, want %d×%d", len(data), len(mask), rows, cols))
	}
	p := NewParam(rows, cols, data)
	p.mask = mask
	p.Arrange(nil, nil)
	return p
}

// Arrange makes row i and column j of p on a tape those with the numbers rows[i] and cols[j] of Data; nil stands for the order of Data. Data and
// Grad keep theirs. Products are faster where a mask leaves each row a run of neighbours, and neighbouring rows similar ones. The slices are
// kept. It panics when one is not a permutation.
func (p *Param) Arrange(rows, cols []int) {
	for _, o := range []struct {
		order []int
		n     int
	}{{rows, p.rows}, {cols, p.cols}} {
		if o.order != nil && !permutation(o.order, o.n) {
			panic(fmt.Sprintf("ad: Param.Arrange: got the order %v, want a permutation of 0 to %d", o.order, o.n-1))
		}
	}
	p.Changed()
	p.rowOrder, p.colOrder, p.spans = rows, cols, nil
	if p.mask != nil {
		p.spans = p.runs()
	}
}

// runs returns the columns that the mask leaves as they are in each row on a tape, or nil if they are not neighbours.
func (p *Param) runs() []kernel.Span {
	spans := make([]kernel.Span, p.rows)
	for i := range spans {
		s := kernel.Span{}
		for j := range p.cols {
			switch m := p.mask[p.row(i)*p.cols+p.col(j)]; {
			case m == 0:
			case m != 1:
				return nil
			case s.Hi == s.Lo:
				s = kernel.Span{Lo: j, Hi: j + 1}
			case s.Hi == j:
				s.Hi++
			default:
				return nil
			}
		}
		spans[i] = s
	}
	return spans
}

func permutation(order []int, n int) bool {
	seen := make([]bool, n)
	for _, i := range order {
		if i < 0 || i >= n || seen[i] {
			return false
		}
		seen[i] = true
	}
	return len(order) == n
}

// plain reports whether tapes read Data as it is.
func (p *Param) plain() bool { return p.mask == nil && p.rowOrder == nil && p.colOrder == nil }

// row returns the number in Data of row i on a tape.
func (p *Param) row(i int) int {
	if p.rowOrder == nil {
		return i
	}
	return p.rowOrder[i]
}

// col is row for a column.
func (p *Param) col(j int) int {
	if p.colOrder == nil {
		return j
	}
	return p.colOrder[j]
}

// addGrad adds factor times g, a gradient of p on a tape, to Grad.
func addGrad[T kernel.Float](p *Param, g []T, factor float64) {
	for i := range p.rows {
		at := p.row(i) * p.cols
		to, from, lo, hi := p.Grad[at:][:p.cols], g[i*p.cols:][:p.cols], 0, p.cols
		if p.spans != nil {
			lo, hi = p.spans[i].Lo, p.spans[i].Hi // elsewhere, g may be undefined
		}
		if p.colOrder == nil {
			for j := lo; j < hi; j++ {
				to[j] += factor * float64(from[j])
			}
		} else {
			for j, k := range p.colOrder[lo:hi] {
				to[k] += factor * float64(from[lo+j])
			}
		}
		if p.mask != nil && p.spans == nil {
			kernel.Mul(to, to, p.mask[at:][:p.cols])
		}
	}
}

// Changed tells those who keep p as they compute with it, as a [Cache] does, that elements of Data have changed. Whoever holds [Guard.Lock] while he
// changes them, as optimisers do, need not call it. An evaluation that follows a change which nobody told of may have the numbers from before.
func (p *Param) Changed() {
	p.changes.Add(1)
	changes.Add(1)
}

// changes counts what changes the version of any parameter.
var changes atomic.Uint64

// version is another number after each change of p.
func (p *Param) version() uint64 {
	if g := p.guard.Load(); g != nil {
		return p.changes.Load() + g.writes.Load()
	}
	return p.changes.Load()
}

// Dims returns the number of rows and columns.
func (p *Param) Dims() (rows, cols int) { return p.rows, p.cols }

// On returns p as a value of v's tape, to begin an expression with: f.logScale.On(z).Exp(). It is short for
// v.Tape().Param(p).
func (p *Param) On(v *Value) *Value { return v.tape.Param(p) }

func (p *Param) operand(t *Tape) *Value { return t.Param(p) }
