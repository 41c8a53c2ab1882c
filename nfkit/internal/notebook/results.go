package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// keyNumber is a number that a notebook comes to and prints.
type keyNumber struct {
	Name      string  `json:"name"`
	Printed   string  `json:"printed"`             // a regular expression whose group is the number; its last match counts
	Exact     string  `json:"exact,omitempty"`     // what it would be without errors, or the floor
	Published string  `json:"published,omitempty"` // what others have reached, and who
	Tolerance float64 `json:"tolerance"`           // what it may differ by in another run: other processors round differently
}

func (n keyNumber) check() error {
	pattern, err := regexp.Compile(n.Printed)
	switch {
	case n.Name == "":
		return errors.New("a number has no name")
	case err != nil:
		return fmt.Errorf("the number %q: %w", n.Name, err)
	case pattern.NumSubexp() != 1:
		return fmt.Errorf("the number %q: got %d groups in %q, want one", n.Name, pattern.NumSubexp(), n.Printed)
	case !(n.Tolerance >= 0):
		return fmt.Errorf("the number %q: got the tolerance %v, want one that is not negative", n.Name, n.Tolerance)
	}
	return nil
}

// value returns the number as the cells of a notebook print it.
func (n keyNumber) value(nb *notebook) (string, error) {
	var said strings.Builder
	for _, c := range nb.code() {
		for _, o := range c.outputs() {
			if text, err := joinText(o["text"]); err == nil {
				said.WriteString(text + "\n")
			}
		}
	}
	matches := regexp.MustCompile(n.Printed).FindAllStringSubmatch(said.String(), -1)
	if len(matches) == 0 {
		return "", fmt.Errorf("the notebook does not print %s: no line has %q", n.Name, n.Printed)
	}
	text := matches[len(matches)-1][1]
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return "", fmt.Errorf("the notebook prints %s = %q, want a number", n.Name, text)
	}
	return text, nil
}

// resultsTable is the file, in the checkout, that has the numbers of all notebooks.
const resultsTable = "notebooks/results.csv"

// writeResults returns the table of the numbers that the notebooks of the book print.
func writeResults(book []chapter) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"file", "number", "value", "exact", "published", "tolerance"}}
	for _, c := range book {
		for _, n := range c.Numbers {
			value, err := n.value(c.nb)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			rows = append(rows, []string{c.name + suffix, n.Name, value, n.Exact, n.Published, strconv.FormatFloat(n.Tolerance, 'g', -1, 64)})
		}
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// compared is a number of a run beside the one in the table.
type compared struct {
	name, value, want, tolerance string
	ok                           bool
}

// compareResults compares the numbers that a run of the notebook file prints with the rows of the table that are its own.
func compareResults(table []byte, file string, nb *notebook) (list []compared, err error) {
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resultsTable, err)
	}
	raw, ok := object(nb.metadata(), "nfkit")["book"]
	if !ok {
		return nil, errors.New("its metadata have no numbers to check, under nfkit.book")
	}
	a, err := decodeAbout(raw)
	if err != nil {
		return nil, err
	}
	for _, n := range a.Numbers {
		value, err := n.value(nb)
		if err != nil {
			return list, err
		}
		row := findRow(rows, filepath.Base(file), n.Name)
		if row == nil {
			return list, fmt.Errorf("%s has no row for %s; go run ./notebooks index writes it", resultsTable, n.Name)
		}
		got, err1 := strconv.ParseFloat(value, 64)
		want, err2 := strconv.ParseFloat(row[2], 64)
		tolerance, err3 := strconv.ParseFloat(row[5], 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			return list, fmt.Errorf("%s: %w", resultsTable, err)
		}
		// Decimal numbers that differ by the tolerance may seem to differ by more once they are binary.
		ok := math.Abs(got-want) <= tolerance+1e-9*math.Abs(want)
		list = append(list, compared{n.Name, value, row[2], row[5], ok})
	}
	return list, nil
}

func findRow(rows [][]string, file, name string) []string {
	for _, row := range rows {
		if row[0] == file && row[1] == name {
			return row
		}
	}
	return nil
}

// checkResults says how the numbers of a run compare with those of the table. It is an error when one is outside of its tolerance.
func checkResults(table []byte, file string, nb *notebook, say func(string)) error {
	list, err := compareResults(table, file, nb)
	failures := []error{err}
	for _, c := range list {
		text := fmt.Sprintf("%s: %s, in the table %s ± %s", c.name, c.value, c.want, c.tolerance)
		if !c.ok {
			failures = append(failures, errors.New(text))
		}
		say("  " + text)
	}
	return errors.Join(failures...)
}
