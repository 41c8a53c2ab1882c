package tables

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"gonum.org/v1/gonum/mat"
)

// Table is rows of numbers in columns with names and types. It does not change: what would change one returns another. All numbers in it are
// finite and fit the types of their columns.
type Table struct {
	columns []Column
	x       *mat.Dense
}

// New returns the table of the rows of x, which it copies, with the given columns. It is an error when there are no rows, when two columns have
// the same name or one has none, and when a number does not fit the type of its column. It panics unless there is a column for each of x.
func New(columns []Column, x mat.Matrix) (*Table, error) {
	n, c := x.Dims()
	if c != len(columns) || c == 0 {
		panic(fmt.Sprintf("tables: New: got a %d×%d matrix and %d columns, want as many columns, at least one", n, c, len(columns)))
	}
	made := make([]Column, len(columns))
	names := make([]string, len(columns))
	for j, column := range columns {
		made[j], names[j] = column.checked("New"), column.Name
	}
	if err := checkNames(names); err != nil {
		return nil, fmt.Errorf("tables: New: %w", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("tables: New: there are no rows")
	}
	t := &Table{made, mat.DenseCopyOf(x)}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("tables: New: %w", err)
	}
	return t, nil
}

// FromMatrix is [New] with types that are guessed, see the package.
func FromMatrix(names []string, x mat.Matrix) (*Table, error) {
	n, c := x.Dims()
	if c != len(names) || c == 0 {
		panic(fmt.Sprintf("tables: FromMatrix: got a %d×%d matrix and %d names, want as many, at least one", n, c, len(names)))
	}
	columns := make([]Column, c)
	for j, name := range names {
		columns[j] = Real(name)
		if n > 0 {
			columns[j] = guess(name, mat.Col(nil, j, x))
		}
	}
	return New(columns, x)
}

// checkNames returns an error when there is no name, or the same twice.
func checkNames(names []string) error {
	for j, name := range names {
		if name == "" {
			return fmt.Errorf("column %d (counted from 1) has no name", j+1)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("the name of column %d (counted from 1), %q, is not in UTF-8", j+1, name)
		}
		if k := slices.Index(names, name); k < j {
			return fmt.Errorf("columns %d and %d (counted from 1) have the same name, %q", k+1, j+1, name)
		}
	}
	return nil
}

// check returns an error that lists the columns with numbers that do not fit.
func (t *Table) check() error {
	var faults []string
	for j, c := range t.columns {
		count, first := 0, 0
		for i := range t.Len() {
			if !c.fits(t.x.At(i, j)) {
				if count == 0 {
					first = i
				}
				count++
			}
		}
		if count > 0 {
			faults = append(faults, fmt.Sprintf("column %v cannot have %d of its %d values, as %v in row %d (counted from 0)%s",
				c, count, t.Len(), t.x.At(first, j), first, c.advice()))
		}
	}
	if faults != nil {
		return fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return nil
}

// advice says what to do about numbers that do not fit.
func (c Column) advice() string {
	switch c.Kind {
	case "whole":
		return "; As gives it another type or other bounds"
	case "positive", "bounded":
		return "; the bounds themselves do not occur; As gives it another type or wider bounds"
	}
	return ""
}

// Len returns the number of rows.
func (t *Table) Len() int {
	n, _ := t.x.Dims()
	return n
}

// Columns returns names and types.
func (t *Table) Columns() []Column { return slices.Clone(t.columns) }

// Names returns the names of the columns.
func (t *Table) Names() []string { return namesOf(t.columns) }

func namesOf(columns []Column) []string {
	names := make([]string, len(columns))
	for j, c := range columns {
		names[j] = c.Name
	}
	return names
}

// Matrix returns a copy of the numbers, one column for each of the table.
func (t *Table) Matrix() *mat.Dense { return mat.DenseCopyOf(t.x) }

// Column returns a copy of the numbers of a column. It panics when there is none of that name.
func (t *Table) Column(name string) []float64 { return mat.Col(nil, t.index("Column", name), t.x) }

// index returns the number of the column with the given name.
func (t *Table) index(method, name string) int {
	j := slices.Index(t.Names(), name)
	if j < 0 {
		panic(fmt.Sprintf("tables: Table.%s: there is no column %q; there are %s", method, name, quoted(t.Names())))
	}
	return j
}

// Select returns the table of the columns with the given names, in that order. It panics when there is no such column, no name, or one twice.
func (t *Table) Select(names ...string) *Table {
	if err := checkNames(names); err != nil || len(names) == 0 {
		panic(fmt.Sprintf("tables: Table.Select: got the names %q, want at least one, and none twice", names))
	}
	s := &Table{make([]Column, len(names)), mat.NewDense(t.Len(), len(names), nil)}
	for k, name := range names {
		j := t.index("Select", name)
		s.columns[k] = t.columns[j]
		s.x.SetCol(k, mat.Col(nil, j, t.x))
	}
	return s
}

// As returns the table with the types of the given columns in place of those that it has for their names:
//
//	t, err = t.As(tables.Circular("wind direction", 0, 360), tables.Bounded("humidity", 0, 100))
//
// It is an error when a number does not fit its new type. It panics when there is no column of a name.
func (t *Table) As(columns ...Column) (*Table, error) {
	as := &Table{t.Columns(), t.x}
	for _, c := range columns {
		as.columns[t.index("As", c.Name)] = c.checked("Table.As")
	}
	if err := as.check(); err != nil {
		return nil, fmt.Errorf("tables: Table.As: %w", err)
	}
	return as, nil
}

// Slice returns the table of rows lo to hi, without hi. It panics when there are none such.
func (t *Table) Slice(lo, hi int) *Table {
	if !(0 <= lo && lo < hi && hi <= t.Len()) {
		panic(fmt.Sprintf("tables: Table.Slice: got rows %d to %d of %d, want at least one of them", lo, hi, t.Len()))
	}
	return &Table{t.columns, mat.DenseCopyOf(t.x.Slice(lo, hi, 0, len(t.columns)))}
}

// Split shuffles the rows and returns three tables: for training and validation the given fractions of the rows, rounded to whole numbers, and
// for the test the rest. Each row is in one of them. It panics unless the fractions are positive and leave a rest, and each table has a row.
func (t *Table) Split(training, validation float64, src rand.Source) (train, valid, test *Table) {
	n := t.Len()
	if !(training > 0 && validation > 0 && training+validation < 1) {
		panic(fmt.Sprintf("tables: Table.Split: got the fractions %v and %v, want positive ones of sum less than 1", training, validation))
	}
	if src == nil {
		panic("tables: Table.Split: got a nil source of random numbers, want one as rand.NewPCG(1, 2)")
	}
	first := int(math.Round(training * float64(n)))
	second := first + int(math.Round(validation*float64(n)))
	if first == 0 || second == first || second >= n {
		panic(fmt.Sprintf("tables: Table.Split: the fractions %v and %v of %d rows leave a table without rows", training, validation, n))
	}
	order := rand.New(src).Perm(n)
	return t.pick(order[:first]), t.pick(order[first:second]), t.pick(order[second:])
}

// pick returns the table of the rows with the given numbers.
func (t *Table) pick(rows []int) *Table {
	p := &Table{t.columns, mat.NewDense(len(rows), len(t.columns), nil)}
	for k, i := range rows {
		p.x.SetRow(k, t.x.RawRowView(i))
	}
	return p
}

// String describes the table: for each column its type and range.
func (t *Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows\n", t.Len())
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "column\ttype\tleast\tmean\tgreatest")
	for j, c := range t.columns {
		x := mat.Col(nil, j, t.x)
		mean, _ := meanAndDeviation(x)
		fmt.Fprintf(w, "%s\t%s\t%.6g\t%.6g\t%.6g\n", c.Name, c.typeText(), slices.Min(x), mean, slices.Max(x))
	}
	w.Flush()
	return b.String()
}

func quoted(names []string) string {
	q := make([]string, len(names))
	for i, name := range names {
		q[i] = strconv.Quote(name)
	}
	return strings.Join(q, ", ")
}
