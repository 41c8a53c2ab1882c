package tables

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// CSVOptions are the options of [ReadCSV].
type CSVOptions struct {
	Comma        rune     // what separates the values of a line; 0 means a comma
	DecimalComma bool     // numbers are written as 1,5, and none as 1.5; Comma must be another
	Names        []string // of the columns, for files without a line of names; nil means that the first line has them
	Columns      []string // the columns to take, in this order; nil means all
	Missing      []string // what stands for a missing value; nil means an empty field, NA, N/A, NaN, null, none and ?, in capitals or not
	DropMissing  bool     // rows with a missing value in a column that is taken are left out; the default is an error that says where they are
}

var missingWords = []string{"", "na", "n/a", "nan", "null", "none", "?"}

// ReadCSV reads a table from a file of comma-separated values, as RFC 4180 has them: the first line has the names of the columns, a field with a
// separator in it is in double quotes. Lines may end in CRLF, a byte-order mark and empty lines are passed over, and spaces before values,
// and after those without quotes, do not count. Types are
// guessed; [Table.As] changes them. A nil opts means the defaults.
//
// It is an error, which names line and column, when a line has more or fewer values than there are names, when a value is text, infinite or
// missing, when two columns have the same name or one has none, and when no row is left.
func ReadCSV(path string, opts *CSVOptions) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tables: ReadCSV: %w", err)
	}
	defer f.Close()
	t, err := parse(f, opts)
	if err != nil {
		return nil, fmt.Errorf("tables: ReadCSV %s: %w", path, err)
	}
	return t, nil
}

// ParseCSV reads from r, to its end, what [ReadCSV] reads from a file.
func ParseCSV(r io.Reader, opts *CSVOptions) (*Table, error) {
	t, err := parse(r, opts)
	if err != nil {
		return nil, fmt.Errorf("tables: ParseCSV: %w", err)
	}
	return t, nil
}

// reader takes lines apart and collects what is wrong with them.
type reader struct {
	CSVOptions
	csv   *csv.Reader
	names []string
	taken []int // numbers of the columns to take

	rows    []float64
	places  []place // of missing values
	missing []int   // number of them, by column taken
	text    []place // the first text of each column taken
	texts   []int   // how many there are
	lines   int
}

// place is where a value stands.
type place struct {
	line   int
	column string
	value  string
}

func (p place) String() string { return fmt.Sprintf("line %d, column %q", p.line, p.column) }

func parse(r io.Reader, opts *CSVOptions) (*Table, error) {
	p := &reader{}
	if opts != nil {
		p.CSVOptions = *opts
	}
	if p.Comma == 0 {
		p.Comma = ','
	}
	if p.DecimalComma && p.Comma == ',' {
		panic("tables: CSVOptions: got a decimal comma with a comma between values, want another Comma, as ';'")
	}
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		b.Discard(len(mark))
	}
	p.csv = csv.NewReader(b)
	p.csv.Comma, p.csv.FieldsPerRecord, p.csv.ReuseRecord = p.Comma, -1, true
	p.csv.TrimLeadingSpace = p.Comma != '\t'
	if err := p.header(); err != nil {
		return nil, err
	}
	for {
		line, err := p.csv.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := p.line(line); err != nil {
			return nil, err
		}
	}
	return p.table()
}

// header takes the names.
func (p *reader) header() error {
	p.names = slices.Clone(p.Names)
	if p.names == nil {
		first, err := p.csv.Read()
		if err == io.EOF {
			return errors.New("the file is empty; the first line should have the names of the columns")
		}
		if err != nil {
			return err
		}
		numbers := 0
		for _, s := range first {
			p.names = append(p.names, strings.TrimSpace(s))
			if _, err := p.number(s); err == nil {
				numbers++
			}
		}
		if len(first) == 1 {
			for _, s := range []string{",", ";", "\t", "|"} {
				if s != string(p.Comma) && strings.Contains(first[0], s) {
					return fmt.Errorf("the first line is one value, %q: if %q separates the columns, say so by Comma", first[0], s)
				}
			}
		}
		if numbers == len(first) {
			return fmt.Errorf("the first line, which should have the names of the columns, has numbers: %q; if the file has no names, give them by Names", p.names)
		}
	}
	if err := checkNames(p.names); err != nil {
		return err
	}
	columns := p.Columns
	if columns == nil {
		columns = p.names
	}
	for k, name := range columns {
		j := slices.Index(p.names, name)
		if j < 0 {
			return fmt.Errorf("there is no column %q; there are %s", name, quoted(p.names))
		}
		if slices.Index(columns, name) < k {
			panic(fmt.Sprintf("tables: CSVOptions: got column %q twice in Columns", name))
		}
		p.taken = append(p.taken, j)
	}
	p.missing, p.texts, p.text = make([]int, len(p.taken)), make([]int, len(p.taken)), make([]place, len(p.taken))
	return nil
}

// line takes the numbers of a line.
func (p *reader) line(fields []string) error {
	at, _ := p.csv.FieldPos(0)
	if len(fields) != len(p.names) {
		return fmt.Errorf("line %d has %d values for the %d columns: %s", at, len(fields), len(p.names), shortened(strings.Join(fields, string(p.Comma))))
	}
	p.lines++
	start, complete := len(p.rows), true
	for k, j := range p.taken {
		field := strings.TrimSpace(fields[j])
		here := place{at, p.names[j], field}
		x := math.NaN()
		if p.isMissing(field) {
			p.places = append(p.places, here)
			p.missing[k]++
			complete = false
		} else if y, err := p.number(field); err == nil && math.IsInf(y, 0) {
			return fmt.Errorf("%v: the value %s is infinite", here, field)
		} else if err != nil || math.IsNaN(y) {
			if p.texts[k] == 0 {
				p.text[k] = place{at, p.names[j], strings.Clone(field)}
			}
			p.texts[k]++
		} else {
			x = y
		}
		p.rows = append(p.rows, x)
	}
	if !complete {
		p.rows = p.rows[:start]
	}
	return nil
}

func (p *reader) isMissing(field string) bool {
	if p.Missing != nil {
		return slices.Contains(p.Missing, field)
	}
	return slices.Contains(missingWords, strings.ToLower(field))
}

func (p *reader) number(field string) (float64, error) {
	if p.DecimalComma {
		if strings.Contains(field, ".") { // which may separate thousands
			return 0, strconv.ErrSyntax
		}
		field = strings.Replace(field, ",", ".", 1)
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
	if errors.Is(err, strconv.ErrRange) { // it is a number, if too large
		err = nil
	}
	return x, err
}

// table returns the table of all lines, if there is nothing wrong with it.
func (p *reader) table() (*Table, error) {
	if p.lines == 0 {
		return nil, errors.New("there are no rows below the names")
	}
	var faults []string
	for k, count := range p.texts {
		switch {
		case p.missing[k] == p.lines:
			faults = append(faults, fmt.Sprintf("column %q has no values: all %d are missing", p.names[p.taken[k]], p.lines))
		case count > 0:
			faults = append(faults, fmt.Sprintf("column %q has %d of %d values that are not numbers, as %q in line %d%s",
				p.text[k].column, count, p.lines, p.text[k].value, p.text[k].line, p.hint(p.text[k].value)))
		}
	}
	if faults != nil {
		return nil, fmt.Errorf("%s; Columns chooses the columns to take", strings.Join(faults, "; "))
	}
	if len(p.places) > 0 && !p.DropMissing {
		return nil, fmt.Errorf("%d values are missing: %s; DropMissing leaves out their rows", len(p.places), listed(p.places))
	}
	if len(p.rows) == 0 {
		return nil, fmt.Errorf("no row is left: each of the %d has a missing value", p.lines)
	}
	names := make([]string, len(p.taken))
	for k, j := range p.taken {
		names[k] = p.names[j]
	}
	return FromMatrix(names, mat.NewDense(len(p.rows)/len(names), len(names), p.rows))
}

// hint says what a value may be that is no number here.
func (p *reader) hint(value string) string {
	swapped := *p
	swapped.DecimalComma = !p.DecimalComma
	switch x, err := swapped.number(value); {
	case err != nil || math.IsNaN(x):
		return ""
	case p.DecimalComma:
		return " (numbers with a decimal point are not read with DecimalComma)"
	}
	return " (if that is a number with a decimal comma, say so by DecimalComma)"
}

// listed names the first few places.
func listed(places []place) string {
	const shown = 5
	var s []string
	for _, p := range places[:min(len(places), shown)] {
		s = append(s, p.String())
	}
	if more := len(places) - shown; more > 0 {
		s = append(s, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(s, "; ")
}

func shortened(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// WriteCSV writes the table to a file that [ReadCSV] reads: each number in the fewest digits that give it back. The file is written whole or not
// at all.
func (t *Table) WriteCSV(path string) error {
	err := wholefile.Write(path, func(w io.Writer) error {
		c := csv.NewWriter(w)
		c.Write(t.Names()) // errors are kept until Flush
		line := make([]string, len(t.columns))
		for i := range t.Len() {
			for j, x := range t.x.RawRowView(i) {
				line[j] = strconv.FormatFloat(x, 'g', -1, 64)
			}
			c.Write(line)
		}
		c.Flush()
		return c.Error()
	})
	if err != nil {
		return fmt.Errorf("tables: Table.WriteCSV %s: %w", path, err)
	}
	return nil
}
