package tables

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Model is the density of the columns of a table, or of some of them given others: a flow on real numbers and circles, and fixed maps from there
// to the columns,
//
//	x = g(s⊙z + t),
//
// where g is the exponential for Positive columns and those Whole ones that have a lower bound, a scaled sigmoid for those with two bounds, and the
// identity for others; s and t are standard deviation and mean of g⁻¹(x) in the training table. A circle is turned and scaled to [−π, π].
//
// A whole number x stands for the interval [x, x+1): training adds noise u, uniform between 0 and 1, and samples are rounded down. So the flow has
// a density q for real numbers, and the probability of a whole number is
//
//	P(x) = ∫ q(x + u) du  over 0 < u < 1.
//
// Theis, van den Oord & Bethge 2016, arXiv:1511.01844, section 3.1.
//
// What is given reaches the flow as its context: g⁻¹(x), standardised, with x + ½ for a whole number; sine and cosine of an angle.
//
// Methods may be called from several goroutines at the same time, also while the model is trained.
type Model struct {
	columns     []Column // those whose density it is, then those that are given
	dim         int      // number of the former
	flow        *nf.NormalizingFlow
	mean, scale []float64 // of the coordinates that are given
	header      []int     // bytes of the names and types, kept with the weights

	given   *Table // nil for none
	context *mat.Dense
}

// ModelOptions are the options of [NewModel].
type ModelOptions struct {
	Given   []string // names of the columns that are given; nil means none
	NewFlow NewFlow  // nil means splines, see [Spline]
}

// NewModel returns a model of the columns of the training table, which decide the scaling, with the weights with which training starts. src is
// passed to NewFlow. A nil opts means the defaults. It is an error when a column is constant. It panics when a name in Given is not that of a
// column, or all are, and when the flow does not have the shape asked for.
func NewModel(train *Table, opts *ModelOptions, src rand.Source) (*Model, error) {
	var o ModelOptions
	if opts != nil {
		o = *opts
	}
	if src == nil {
		panic("tables: NewModel: got a nil source of random numbers, want one as rand.NewPCG(1, 2)")
	}
	for k, name := range o.Given {
		if train.index("NewModel", name); slices.Index(o.Given, name) < k {
			panic(fmt.Sprintf("tables: NewModel: got column %q twice in Given", name))
		}
	}
	if len(o.Given) == len(train.columns) {
		panic(fmt.Sprintf("tables: NewModel: all columns are given: %s; want at least one that is not", quoted(o.Given)))
	}
	var columns []Column
	for _, c := range train.columns {
		if !slices.Contains(o.Given, c.Name) {
			columns = append(columns, c)
		}
	}
	for _, name := range o.Given {
		columns = append(columns, train.columns[train.index("NewModel", name)])
	}
	mean, scale := make([]float64, len(columns)), make([]float64, len(columns))
	for j, c := range columns {
		x := train.Column(c.Name)
		if slices.Min(x) == slices.Max(x) {
			return nil, fmt.Errorf("tables: NewModel: column %v is constant: all %d values are %v; leave it out by Select", c, len(x), x[0])
		}
		for i := range x {
			x[i] = c.coordinate(x[i])
		}
		mean[j], scale[j] = meanAndDeviation(x)
		if c.Kind == "circular" {
			mean[j], scale[j] = 0, 1
		} else if !(scale[j] > 0) || !isFinite(scale[j]) {
			return nil, fmt.Errorf("tables: NewModel: column %v cannot be standardised: its standard deviation, on the scale of real numbers, is %v", c, scale[j])
		}
	}
	return newModel(columns, len(columns)-len(o.Given), mean, scale, o.NewFlow, src), nil
}

// String describes the model: its columns, those that are given, and its flow.
func (m *Model) String() string {
	var b strings.Builder
	b.WriteString("Model of " + columnList(m.columns[:m.dim]))
	if given := m.columns[m.dim:]; len(given) > 0 {
		b.WriteString("\ngiven " + columnList(given))
	}
	fmt.Fprintf(&b, "\n%v", m.flow)
	return b.String()
}

// columnList describes columns, separated by commas.
func columnList(columns []Column) string {
	var all []string
	for _, c := range columns {
		all = append(all, c.String())
	}
	return strings.Join(all, ", ")
}

// newModel returns the model of the first dim columns given the others.
func newModel(columns []Column, dim int, mean, scale []float64, newFlow NewFlow, src rand.Source) *Model {
	m := &Model{columns: columns, dim: dim, mean: mean[dim:], scale: scale[dim:], header: encodeHeader(columns, dim)}
	shape := Shape{Dim: dim, Context: m.contextDim(), Circular: indices(columns[:dim], Column.isCircular)}
	if newFlow == nil {
		newFlow = Spline
	}
	flow := newFlow(shape, src)
	shape.check(flow)
	m.flow = nf.NewNormalizingFlow(nf.NewModelBase(flow), maps(columns[:dim], mean[:dim], scale[:dim]))
	return m
}

// meanAndDeviation returns mean and standard deviation, without overflow for numbers whose squares are too large.
func meanAndDeviation(x []float64) (mean, deviation float64) {
	n := float64(len(x))
	for _, x := range x {
		mean += x / n
	}
	for _, x := range x {
		deviation = math.Hypot(deviation, (x-mean)/math.Sqrt(n))
	}
	return mean, deviation
}

// Columns returns the columns whose density the model has. [Table.As] gives a table their types.
func (m *Model) Columns() []Column { return slices.Clone(m.columns[:m.dim]) }

// GivenColumns returns the columns that are given.
func (m *Model) GivenColumns() []Column { return slices.Clone(m.columns[m.dim:]) }

// Flow returns the model of the columns in the units of the table, without noise for whole numbers, for all that package nfkit offers. Its context
// is what Context returns.
func (m *Model) Flow() *nf.NormalizingFlow { return m.flow }

// Params returns the parameters, frozen ones of the scaling included.
func (m *Model) Params() []*ad.Param { return m.flow.Params() }

// State lists names and types of the columns as columns, mean and scale of what is given as given.mean and given.scale, and the tensors of the flow.
func (m *Model) State() nf.State {
	s := nf.State{{Name: "columns", Shape: []int{len(m.header)}, Ints: m.header, Check: m.checkHeader}}
	if g := len(m.mean); g > 0 {
		s = append(s,
			nf.Tensor{Name: "given.mean", Shape: []int{g}, Floats: m.mean},
			nf.Tensor{Name: "given.scale", Shape: []int{g}, Floats: m.scale, Check: checkPositive})
	}
	return append(s, m.flow.State()...)
}

func checkPositive(t nf.Tensor) error {
	for _, x := range t.Floats {
		if !(x > 0) {
			return fmt.Errorf("got %v, want positive numbers", t.Floats)
		}
	}
	return nil
}

// Matrix returns the numbers of the model's columns, found by their names in t, as [Model.NLL] takes them: those whose density it has, then those
// that are given. It is an error when t lacks a column, and when a number does not fit the type that the model has for it.
func (m *Model) Matrix(t *Table) (*mat.Dense, error) {
	x, err := m.matrix("Matrix", t, m.columns)
	if err != nil {
		return nil, err
	}
	if err := (&Table{m.columns, x}).check(); err != nil {
		return nil, fmt.Errorf("tables: Model.Matrix: %w", err)
	}
	return x, nil
}

// Rows returns what Matrix returns as data for [nf.Fit].
func (m *Model) Rows(t *Table) (*nf.Rows, error) {
	x, err := m.Matrix(t)
	if err != nil {
		return nil, err
	}
	return nf.NewRows(x), nil
}

// matrix returns the numbers of the given columns of t, and an error that names those that t does not have.
func (m *Model) matrix(method string, t *Table, columns []Column) (*mat.Dense, error) {
	have := t.Names()
	x := mat.NewDense(t.Len(), max(len(columns), 1), nil)
	var missing []string
	for k, c := range columns {
		if j := slices.Index(have, c.Name); j < 0 {
			missing = append(missing, c.Name)
		} else {
			x.SetCol(k, mat.Col(nil, j, t.x))
		}
	}
	if missing != nil {
		var other []string
		for _, name := range have {
			if !slices.Contains(namesOf(m.columns), name) {
				other = append(other, name)
			}
		}
		err := fmt.Errorf("tables: Model.%s: the table lacks %s", method, quoted(missing))
		if other != nil {
			err = fmt.Errorf("%w; it has %s, which the model does not know", err, quoted(other))
		}
		return nil, err
	}
	return x, nil
}

// Given returns the model with its condition: the columns that are given, found by their names in t. t has one row for each row to come, or a
// single one for all of them. It is an error when t lacks one of them, and when a number does not fit its type. It panics when the model has no
// columns that are given. Parameters are shared.
func (m *Model) Given(t *Table) (*Model, error) {
	if m.dim == len(m.columns) {
		panic("tables: Model.Given: no columns of the model are given; name them in ModelOptions.Given")
	}
	x, err := m.matrix("Given", t, m.columns[m.dim:])
	if err != nil {
		return nil, err
	}
	given := &Table{m.columns[m.dim:], x}
	if err := given.check(); err != nil {
		return nil, fmt.Errorf("tables: Model.Given: %w", err)
	}
	v := *m
	v.given, v.context = given, m.encode(x)
	return &v, nil
}

// LogProb returns for each row of t the logarithm of the density of the model's columns, found by their names, given those of the condition, which
// are those of t unless [Model.Given] was called: in nats, in the units of the table, with probabilities for whole numbers. The integral over
// the noise of whole numbers is the mean over 64 points of a lattice; without whole columns nothing is approximate. It is −Inf outside of
// the bounds, and for a fraction in a column of whole numbers.
//
// It is an error when t lacks a column, and when what is given does not fit its type. Cost: one density of the flow for each row, 64 with whole
// columns. It panics when t has another number of rows than the condition, if that has more than one.
func (m *Model) LogProb(t *Table) ([]float64, error) {
	x, err := m.matrix("LogProb", t, m.columns[:m.dim])
	if err != nil {
		return nil, err
	}
	v := m
	if m.dim < len(m.columns) && m.given == nil {
		if v, err = m.Given(t); err != nil {
			return nil, err
		}
	}
	v.checkGiven("LogProb", t.Len())
	return v.logProb(x), nil
}

// checkGiven panics unless there is a condition, if one is needed, for n rows.
func (m *Model) checkGiven(method string, n int) {
	switch {
	case m.dim == len(m.columns):
	case m.given == nil:
		panic(fmt.Sprintf("tables: Model.%s: the model wants %s to be given; call Given first", method, quoted(namesOf(m.columns[m.dim:]))))
	case m.given.Len() != 1 && m.given.Len() != n:
		panic(fmt.Sprintf("tables: Model.%s: got %d rows that are given for %d rows, want 1 or as many", method, m.given.Len(), n))
	}
}

// conditioned returns the flow with the condition.
func (m *Model) conditioned() *nf.NormalizingFlow {
	if m.context == nil {
		return m.flow
	}
	return m.flow.Given(m.context)
}

// Sample returns a table of n rows drawn from the model: the columns whose density it has, then those of the condition. A number too large for
// float64 is infinite. It panics when n is not positive, and when the model wants a condition and has none, or one of another number of rows
// than one or n.
func (m *Model) Sample(n int, src rand.Source) *Table {
	if n < 1 || src == nil {
		panic(fmt.Sprintf("tables: Model.Sample: got %d rows and a nil source: %t, want 1 row or more and a source as rand.NewPCG(1, 2)", n, src == nil))
	}
	m.checkGiven("Sample", n)
	y := m.conditioned().Sample(n, src)
	t := &Table{m.columns, mat.NewDense(n, len(m.columns), nil)}
	for i := range n {
		row := t.x.RawRowView(i)
		for j, c := range m.columns[:m.dim] {
			row[j] = c.wrap(y.At(i, j))
			if c.Kind == "whole" {
				row[j] = math.Floor(row[j])
			}
		}
		if m.given != nil {
			copy(row[m.dim:], m.given.x.RawRowView(min(i, m.given.Len()-1)))
		}
	}
	return t
}
