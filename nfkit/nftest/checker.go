package nftest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// checker has the checks that functions of rows have in common.
type checker struct {
	r          *rand.Rand
	tol, tol32 float64
	dead       []string
	context    int // columns, 0 for none
	state      nf.State
	before     [][]float64 // contents of state
}

// begin checks the state of what is under test and perturbs its parameters, until done is called.
func (c *checker) begin(object nf.Stateful) (done func(), err error) {
	if t, ok := object.(nf.Conditional); ok {
		c.context = t.ContextDim()
	}
	if err := checkState(object.State); err != nil {
		return nil, err
	}
	if err := checkWrapped(object); err != nil {
		return nil, err
	}
	c.state = object.State()
	done = restore(c.state)
	perturb(c.state, c.r)
	c.before = contents(c.state)
	return done, nil
}

// unchanged checks that no computation has written to the state.
func (c *checker) unchanged() error {
	for i, after := range contents(c.state) {
		if !equal(c.before[i], after) {
			return fmt.Errorf("an evaluation changes %s: got %v, want %v", c.state[i].Name, after, c.before[i])
		}
	}
	return nil
}

// contextRows draws n rows of a context; nil if none is taken.
func (c *checker) contextRows(n int) *mat.Dense {
	if c.context == 0 {
		return nil
	}
	return Interval{}.points(n, c.context, c.r)
}

// mapping is a function of rows with two results, the second of which is n×1.
type mapping func(x, context *ad.Value) (y, logDet *ad.Value)

// direction is a mapping with rows to try it on.
type direction struct {
	name     string
	f        mapping
	x        *mat.Dense
	context  *mat.Dense // as many rows as x; nil if there is none
	domain   Interval   // of x
	constant bool       // nobody wants the gradient of x
	tapes    evalTapes
}

// evalTapes are tapes that compute values only, made once for all evaluations, of each precision.
type evalTapes map[ad.Precision]*ad.Tape

// of returns the tape of precision p, empty.
func (e evalTapes) of(p ad.Precision) *ad.Tape {
	if e[p] == nil {
		e[p] = ad.NewEvalTape(p)
	}
	e[p].Reset()
	return e[p]
}

// at returns d with rows x, which have the context of d.
func (d *direction) at(x *mat.Dense) *direction {
	e := *d
	e.x = x
	return &e
}

// rows returns d with the rows of these indices alone.
func (d *direction) rows(indices ...int) *direction {
	e := *d
	e.x = rowsOf(d.x, indices)
	if d.context != nil {
		e.context = rowsOf(d.context, indices)
	}
	return &e
}

// on applies d to its points on tape t.
func (d *direction) on(t *ad.Tape) (x, context, y, logDet *ad.Value) {
	x, context = variable(t, d.x), variable(t, d.context)
	y, logDet = d.f(x, context)
	return x, context, y, logDet
}

// eval returns the results of d for its points.
func (d *direction) eval(p ad.Precision) (y *mat.Dense, logDet []float64) {
	_, _, v, l := d.on(d.tapes.of(p))
	return v.Matrix(), l.Data()
}

// rows checks that a row gives the same bytes alone and in a batch.
func (c *checker) rows(d *direction) error {
	y, logDet := d.eval(ad.Float64)
	for i := range checkRows {
		yi, li := d.rows(i).eval(ad.Float64)
		if got, want := y.RawRowView(i), yi.RawRowView(0); !equal(got, want) {
			return fmt.Errorf("%s: row %d depends on the other rows: got %v in a batch, %v alone", d.name, i, got, want)
		}
		if logDet[i] != li[0] {
			return fmt.Errorf("%s: the log-determinant of row %d depends on the other rows: got %v in a batch, %v alone", d.name, i, logDet[i], li[0])
		}
	}
	return nil
}

// nan checks that NaN in a point shows in its row and in no other.
func (c *checker) nan(d *direction) error {
	y, logDet := d.eval(ad.Float64)
	for j := range d.x.RawMatrix().Cols {
		x := mat.DenseCopyOf(d.x)
		x.Set(1, j, math.NaN())
		yn, ln := d.at(x).eval(ad.Float64)
		for i := range checkRows {
			switch row := yn.RawRowView(i); {
			case i == 1 && !hasNaN(row) && !math.IsNaN(ln[i]):
				return fmt.Errorf("%s: a row with NaN in column %d gives %v and log-determinant %v, want NaN", d.name, j, row, ln[i])
			case i != 1 && (!equal(row, y.RawRowView(i)) || ln[i] != logDet[i]):
				return fmt.Errorf("%s: NaN in row 1 changes row %d: got %v, want %v", d.name, i, row, y.RawRowView(i))
			}
		}
	}
	return nil
}

// conditional checks that a context matters where one is taken, and is ignored elsewhere.
func (c *checker) conditional(d *direction) error {
	y, logDet := d.eval(ad.Float64)
	e := *d
	e.context = c.contextRows(checkRows)
	if c.context == 0 {
		e.context = Interval{}.points(checkRows, 3, c.r)
	}
	ye, le := e.eval(ad.Float64)
	same := mat.Equal(y, ye) && equal(logDet, le)
	if c.context > 0 && same {
		return fmt.Errorf("%s: another context of %d columns gives the same result, want it to matter", d.name, c.context)
	}
	if c.context == 0 && !same {
		return fmt.Errorf("%s: a context changes the result of something whose ContextDim is 0", d.name)
	}
	return nil
}

// float32 compares the precisions.
func (c *checker) float32(d *direction) error {
	d = d.at(mat.DenseCopyOf(d.x))
	round32(d.x)
	y, logDet := d.eval(ad.Float64)
	y32, logDet32 := d.eval(ad.Float32)
	for i := range checkRows {
		for j, want := range y.RawRowView(i) {
			if got := y32.At(i, j); !near(got, want, c.tol32) {
				return fmt.Errorf("%s in float32: row %d, column %d: got %v, want %v as in float64", d.name, i, j, got, want)
			}
		}
		if !near(logDet32[i], logDet[i], c.tol32) {
			return fmt.Errorf("%s in float32: row %d: got log-determinant %v, want %v as in float64", d.name, i, logDet32[i], logDet[i])
		}
	}
	return nil
}
