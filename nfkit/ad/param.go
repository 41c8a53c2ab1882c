package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Param is a rows×cols matrix of numbers that training changes.
type Param struct {
	Data   []float64 // by rows
	Grad   []float64 // gradient of the last loss, by rows
	Frozen bool      // no gradient is computed and no optimiser changes Data

	mask       []float64 // nil: none
	rows, cols int
}

// NewParam returns a parameter with the given elements, by rows, which it keeps.
// It panics when the length of data is not rows·cols.
func NewParam(rows, cols int, data []float64) *Param {
	if rows < 0 || cols < 0 || len(data) != rows*cols {
		panic(fmt.Sprintf("ad: NewParam: got %d numbers, want %d×%d", len(data), rows, cols))
	}
	return &Param{Data: data, Grad: make([]float64, len(data)), rows: rows, cols: cols}
}

// NewMaskedParam returns a parameter that is read as data⊙mask, for a mask of 0 and 1; both slices are kept, and mask
// may change between batches, like Data. Its gradient is 0 where the mask is. It panics when a length is not rows·cols.
func NewMaskedParam(rows, cols int, data, mask []float64) *Param {
	if len(mask) != len(data) {
		panic(fmt.Sprintf("ad: NewMaskedParam: got %d numbers and a mask of %d, want %d×%d", len(data), len(mask), rows, cols))
	}
	p := NewParam(rows, cols, data)
	p.mask = mask
	return p
}

// maskGrad makes Grad that of Data, given that of Data⊙mask.
func (p *Param) maskGrad() {
	if p.mask != nil {
		kernel.Mul(p.Grad, p.Grad, p.mask)
	}
}

// Dims returns the number of rows and columns.
func (p *Param) Dims() (rows, cols int) { return p.rows, p.cols }

func (p *Param) operand(t *Tape) *Value { return t.Param(p) }
