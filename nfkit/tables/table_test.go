package tables_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
	"github.com/nfkit/nfkit-go/nfkit/tables"
)

func column(name string, x ...float64) *tables.Table {
	return nf.Must(tables.FromMatrix([]string{name}, mat.NewDense(len(x), 1, x)))
}

func TestGuess(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		x    []float64
		want tables.Column
	}{
		{[]float64{0, 1, 1}, tables.Whole("x", 0, 1)},
		{[]float64{2, 0, 7}, tables.Whole("x", 0, inf)},
		{[]float64{-1, 3}, tables.Whole("x", -inf, inf)},
		{[]float64{0.5, 3}, tables.Positive("x")},
		{[]float64{1e15, 3}, tables.Positive("x")},
		{[]float64{0, 0.5}, tables.Real("x")},
		{[]float64{-0.5, 0.5}, tables.Real("x")},
	} {
		if got := column("x", c.x...).Columns()[0]; got != c.want {
			t.Errorf("%v: got %v, want %v", c.x, got, c.want)
		}
	}
}

// Each row is in one of the three tables, with its columns together, in another order for another source.
func TestSplit(t *testing.T) {
	const n = 103
	x := mat.NewDense(n, 2, nil)
	for i := range n {
		x.SetRow(i, []float64{float64(i), -float64(i) / 2})
	}
	all := nf.Must(tables.FromMatrix([]string{"a", "b"}, x))
	train, valid, test := all.Split(0.8, 0.1, rand.NewPCG(1, 2))
	if train.Len() != 82 || valid.Len() != 10 || test.Len() != 11 {
		t.Errorf("got %d, %d and %d rows of %d", train.Len(), valid.Len(), test.Len(), n)
	}
	rows := slices.Concat(train.Column("a"), valid.Column("a"), test.Column("a"))
	for i, b := range slices.Concat(train.Column("b"), valid.Column("b"), test.Column("b")) {
		if b != -rows[i]/2 {
			t.Errorf("row of %v has %v", rows[i], b)
		}
	}
	if slices.IsSorted(rows) {
		t.Error("the rows are not shuffled")
	}
	again, _, _ := all.Split(0.8, 0.1, rand.NewPCG(1, 2))
	other, _, _ := all.Split(0.8, 0.1, rand.NewPCG(1, 3))
	if !reflect.DeepEqual(again, train) || reflect.DeepEqual(other, train) {
		t.Error("the order does not follow the source")
	}
	slices.Sort(rows)
	if !slices.Equal(rows, all.Column("a")) {
		t.Errorf("got the rows %v", rows)
	}
}

func TestSelectSliceAs(t *testing.T) {
	all := nf.Must(tables.FromMatrix([]string{"a", "b", "c"}, mat.NewDense(2, 3, []float64{1, 2.5, 3, 4, 5.5, 6})))
	part := all.Select("c", "a").Slice(1, 2)
	if !slices.Equal(part.Names(), []string{"c", "a"}) || !mat.Equal(part.Matrix(), mat.NewDense(1, 2, []float64{6, 4})) {
		t.Errorf("got\n%v", part)
	}
	as := nf.Must(all.As(tables.Bounded("b", 0, 6), tables.Circular("a", 0, 24)))
	if got := as.Columns(); got[0] != tables.Circular("a", 0, 24) || got[1] != tables.Bounded("b", 0, 6) || got[2] != all.Columns()[2] {
		t.Errorf("got %v", got)
	}
	if all.Columns()[1] != tables.Positive("b") {
		t.Error("As changed the table")
	}
	all.Matrix().Set(0, 0, 100)
	all.Columns()[0].Name = "z"
	if all.Column("a")[0] != 1 {
		t.Error("what a table returned changed it")
	}
}

func TestTableMistakes(t *testing.T) {
	x := mat.NewDense(2, 2, []float64{1, -2, 3, 0.5})
	for name, c := range map[string]struct {
		columns []tables.Column
		want    string
	}{
		"same name": {[]tables.Column{tables.Real("a"), tables.Real("a")}, `columns 1 and 2 (counted from 1) have the same name, "a"`},
		"no name":   {[]tables.Column{tables.Real("a"), tables.Real("")}, "column 2 (counted from 1) has no name"},
		"positive":  {[]tables.Column{tables.Real("a"), tables.Positive("b")}, `column "b" (positive) cannot have 1 of its 2 values, as -2 in row 0`},
		"whole":     {[]tables.Column{tables.Real("a"), tables.Whole("b", -5, 5)}, "as 0.5 in row 1"},
		"bounds":    {[]tables.Column{tables.Bounded("a", 0, 3), tables.Real("b")}, "as 3 in row 1"},
	} {
		if _, err := tables.New(c.columns, x); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	x.Set(1, 0, math.NaN())
	if _, err := tables.FromMatrix([]string{"a", "b"}, x); err == nil || !strings.Contains(err.Error(), "as NaN in row 1") {
		t.Errorf("NaN: got %v", err)
	}
	some := column("a", 1, 2, 3)
	for name, f := range map[string]func(){
		"literal":         func() { some.As(tables.Column{Name: "a"}) },
		"interval":        func() { tables.Bounded("a", 1, 1) },
		"whole from ½":    func() { tables.Whole("a", 0.5, 2) },
		"whole up to":     func() { tables.Whole("a", math.Inf(-1), 2) },
		"no such column":  func() { some.Column("b") },
		"twice":           func() { some.Select("a", "a") },
		"no rows":         func() { some.Slice(1, 1) },
		"fractions":       func() { some.Split(0.9, 0.1, rand.NewPCG(1, 2)) },
		"too few rows":    func() { some.Split(0.8, 0.1, rand.NewPCG(1, 2)) },
		"no source":       func() { some.Split(0.4, 0.3, nil) },
		"too few columns": func() { tables.FromMatrix([]string{"a"}, x) },
		"comma":           func() { tables.ParseCSV(strings.NewReader("a\n1\n"), &tables.CSVOptions{DecimalComma: true}) },
	} {
		if message := testkit.Panic(f); !strings.HasPrefix(message, "tables: ") {
			t.Errorf("%s: got the panic %q", name, message)
		}
	}
}
