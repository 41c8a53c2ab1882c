package ad

import "fmt"

// Param is a rows×cols matrix of numbers that training changes.
type Param struct {
	Data   []float64 // by rows
	Grad   []float64 // gradient of the last loss, by rows
	Frozen bool      // no gradient is computed and no optimiser changes Data

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

// Dims returns the number of rows and columns.
func (p *Param) Dims() (rows, cols int) { return p.rows, p.cols }

func (p *Param) operand(t *Tape) *Value { return t.Param(p) }
