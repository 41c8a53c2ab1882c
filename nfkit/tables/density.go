package tables

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Density is a [Model] as a density of rows of a matrix, as package eval asks for it:
//
//	eval.LogLikelihood(model.Density(), nf.Must(model.Matrix(test)))
//
// A row has the columns that [Model.Matrix] returns; after [Model.Given], those that are not given alone.
type Density struct{ model *Model }

// Density returns the model as a density of rows.
func (m *Model) Density() *Density { return &Density{m} }

// Dim returns the number of columns of a row.
func (d *Density) Dim() int { return len(d.columns()) }

func (d *Density) columns() []Column {
	if d.model.given != nil {
		return d.model.columns[:d.model.dim]
	}
	return d.model.columns
}

// LogProb is [Model.LogProb] of the rows of x, NaN where what is given does not fit its type. It panics on a wrong number of columns, and when
// x has another number of rows than the condition, if that has more than one.
func (d *Density) LogProb(x mat.Matrix) []float64 {
	n, c := x.Dims()
	if c != d.Dim() {
		panic(fmt.Sprintf("tables: Density.LogProb: got a %d×%d batch, want %d columns: %s", n, c, d.Dim(), quoted(namesOf(d.columns()))))
	}
	if n == 0 {
		return nil
	}
	m, rows := *d.model, mat.DenseCopyOf(x)
	if m.given == nil && m.dim < len(m.columns) {
		m.given = &Table{m.columns[m.dim:], mat.DenseCopyOf(rows.Slice(0, n, m.dim, c))}
		m.context = m.encode(m.given.x)
	}
	m.checkGiven("Density.LogProb", n)
	return m.logProb(mat.DenseCopyOf(rows.Slice(0, n, 0, m.dim)))
}

// Sample is [Model.Sample] without the columns that are given.
func (d *Density) Sample(n int, src rand.Source) *mat.Dense {
	t := d.model.Sample(n, src)
	return t.Select(namesOf(d.model.columns[:d.model.dim])...).x
}
