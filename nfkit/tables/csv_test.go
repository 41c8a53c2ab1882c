package tables_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/tables"
)

// What is there to read: names, numbers and guessed types.
func TestParseCSV(t *testing.T) {
	want := nf.Must(tables.New([]tables.Column{tables.Positive("mass, kg"), tables.Real("shift")}, mat.NewDense(2, 2, []float64{1.5, -2, 1e300, 0.5})))
	for name, c := range map[string]struct {
		text string
		opts *tables.CSVOptions
	}{
		"plain":            {"\"mass, kg\",shift\n1.5,-2\n1e300,0.5\n", nil},
		"no last newline":  {"\"mass, kg\",shift\n1.5,-2\n1e300,0.5", nil},
		"CRLF":             {"\"mass, kg\",shift\r\n1.5,-2\r\n1e300,0.5\r\n", nil},
		"byte-order mark":  {"\ufeff\"mass, kg\",shift\n1.5,-2\n1e300,0.5\n", nil},
		"quotes":           {"\"mass, kg\",\"shift\"\n\"1.5\",\"-2\"\n\"1e300\",\"0.5\"\n", nil},
		"spaces and blank": {" \"mass, kg\", shift \n 1.5 , -2 \n\n 1e300, 0.5\n", nil},
		"semicolons":       {"mass, kg;shift\n1,5;-2\n1e300;0,5\n", &tables.CSVOptions{Comma: ';', DecimalComma: true}},
		"tabs":             {"mass, kg\tshift\n1.5\t-2\n1e300\t0.5\n", &tables.CSVOptions{Comma: '\t'}},
		"no names":         {"1.5,-2\n1e300,0.5\n", &tables.CSVOptions{Names: []string{"mass, kg", "shift"}}},
		"columns":          {"shift,site,\"mass, kg\"\n-2,Bern,1.5\n0.5,,1e300\n", &tables.CSVOptions{Columns: []string{"mass, kg", "shift"}}},
		"missing":          {"\"mass, kg\",shift\n1.5,-2\n,3\n7,N/A\nnan,4\n8,?\n1e300,0.5\n", &tables.CSVOptions{DropMissing: true}},
		"own missing":      {"\"mass, kg\",shift\n1.5,-2\n-999,3\n1e300,0.5\n", &tables.CSVOptions{DropMissing: true, Missing: []string{"-999"}}},
	} {
		got, err := tables.ParseCSV(strings.NewReader(c.text), c.opts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got.Columns(), want.Columns()) || !mat.Equal(got.Matrix(), want.Matrix()) {
			t.Errorf("%s: got %v\n%v\nwant %v\n%v", name, got.Columns(), got, want.Columns(), want)
		}
	}
}

// What is wrong with a file is said, with its place.
func TestParseCSVMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		opts *tables.CSVOptions
		want []string
	}{
		"empty":             {"", nil, []string{"file is empty"}},
		"names alone":       {"a,b\n", nil, []string{"no rows"}},
		"ragged, long":      {"a,b\n1,2\n3,4,5\n", nil, []string{"line 3 has 3 values for the 2 columns", "3,4,5"}},
		"ragged, short":     {"a,b\r\n1,2\r\n\r\n3\r\n", nil, []string{"line 4 has 1 values"}},
		"text":              {"a,site,sex\n1,Bern,M\n2,Basel,F\n3,4,M\n", nil, []string{`column "site" has 2 of 3 values`, `"Bern" in line 2`, `column "sex" has 3 of 3`, "Columns"}},
		"one text":          {"a,b\n1,2\n3,~4\n", nil, []string{`column "b" has 1 of 2`, `"~4" in line 3`}},
		"decimal comma":     {"a;b\n1,5;2\n", &tables.CSVOptions{Comma: ';'}, []string{`column "a"`, `"1,5" in line 2`, "DecimalComma"}},
		"decimal point":     {"a;b\n1,5;2\n1.5;2\n", &tables.CSVOptions{Comma: ';', DecimalComma: true}, []string{`column "a" has 1 of 2`, `"1.5" in line 3`, "decimal point"}},
		"thousands":         {"a,b\n\"1,500,000\",2\n", nil, []string{`column "a"`, `"1,500,000" in line 2`}},
		"other separator":   {"a;b\n1;2\n", nil, []string{`"a;b"`, `";"`, "Comma"}},
		"no names":          {"1,2\n3,4\n", nil, []string{"has numbers", "Names"}},
		"duplicate":         {"a,b,a\n1,2,3\n", nil, []string{`columns 1 and 3`, `"a"`}},
		"nameless":          {"a,\n1,2\n", nil, []string{"column 2", "no name"}},
		"Latin-1":           {"a,\xe9\n1,2\n", nil, []string{"column 2", "UTF-8"}},
		"missing":           {"a,b\n1,\nNA,2\n3,4\n", nil, []string{"2 values are missing", `line 2, column "b"`, `line 3, column "a"`, "DropMissing"}},
		"many missing":      {"a,b\n1,\n1,\n1,\n1,\n1,\n1,\n1,1\n", nil, []string{"6 values are missing", "and 1 more"}},
		"all missing":       {"a,b\n1,\n2,NA\n", &tables.CSVOptions{DropMissing: true}, []string{`column "b" has no values: all 2`}},
		"none left":         {"a,b\n1,\n,2\n", &tables.CSVOptions{DropMissing: true}, []string{"no row is left", "2"}},
		"infinite":          {"a,b\n1,2\n1,-inf\n", nil, []string{`line 3, column "b"`, "-inf", "infinite"}},
		"too large":         {"a,b\n1,1e999\n", nil, []string{`line 2, column "b"`, "1e999"}},
		"no such column":    {"a,b\n1,2\n", &tables.CSVOptions{Columns: []string{"c"}}, []string{`no column "c"`, `"a", "b"`}},
		"open quote":        {"a,b\n1,\"2\n", nil, []string{"line 2"}},
		"quote in the line": {"a,b\n1,2\"3\"\n", nil, []string{"line 2"}},
	} {
		_, err := tables.ParseCSV(strings.NewReader(c.text), c.opts)
		if err == nil {
			t.Errorf("%s: got no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want %q in it", name, err, want)
			}
		}
	}
	if _, err := tables.ReadCSV(filepath.Join(t.TempDir(), "none.csv"), nil); !os.IsNotExist(unwrapped(err)) {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

func unwrapped(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		if _, ok := err.(*os.PathError); ok {
			return err
		}
		err = u.Unwrap()
	}
}

// A table that was written is read as it was.
func TestWriteCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.csv")
	want := nf.Must(tables.FromMatrix([]string{`say "x", or y`, "whole"}, mat.NewDense(3, 2, []float64{0.1, 3, -1e-310, 0, 1. / 3, 12})))
	if err := want.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	got := nf.Must(tables.ReadCSV(path, nil))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

// Whatever is read, the outcome is an error or a table that is read again as it was written.
func FuzzParseCSV(f *testing.F) {
	for _, text := range []string{"a,b\n1,2\n", "\ufeff\"a,\"\"\",b\r\n1,NA\r\n-0x1p-3,1e-400\r\n", "\"a,b\"\n1\n", "a;b\n1,5;2\n", "a\n\n", ",\n1,2\n", "a,b\n\"1\n"} {
		f.Add(text, ",", true)
		f.Add(text, ";", false)
	}
	f.Fuzz(func(t *testing.T, text, comma string, drop bool) {
		if len(comma) != 1 {
			return
		}
		first, err := tables.ParseCSV(strings.NewReader(text), &tables.CSVOptions{Comma: rune(comma[0]), DropMissing: drop, DecimalComma: comma == ";"})
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "table.csv")
		if err := first.WriteCSV(path); err != nil {
			t.Fatal(err)
		}
		second, err := tables.ReadCSV(path, nil)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !reflect.DeepEqual(second, first) {
			t.Fatalf("got\n%v\nwant\n%v", second, first)
		}
	})
}
