package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every notebook of the checkout runs, with the small settings that its metadata give
// under nfkit.test.set, and shows at least the figures that are committed. That its cells run one
// by one, with their own settings, is what a run in place has shown, and .ci/run shows; here those of
// testdata do.
func TestNotebooks(t *testing.T) {
	forEachNotebook(t, func(t *testing.T, file string, nb *notebook) {
		t.Parallel()
		set, err := nb.testOverrides()
		if err != nil {
			t.Fatal(err)
		}
		if err := nb.apply(set); err != nil {
			t.Fatal(err)
		}
		cells := nb.code()
		figures := make([]int, len(cells))
		for i, c := range cells {
			figures[i] = c.figures()
		}
		if filepath.Dir(file) != "testdata" {
			for from, to := range joinCells(cells) {
				n := figures[from]
				figures[from] = 0
				figures[to] += n
			}
		}
		// The cells run in a folder of their own, inside the checkout as their preamble
		// needs, so that files which they write do not replace those of a full run. What they read is there too.
		out := filepath.Join(testTools(t).checkout, "notebooks", "out")
		if err := os.MkdirAll(out, 0o755); err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp(out, "test-*")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Symlink(filepath.Join("..", "..", "data"), filepath.Join(dir, "data")); err != nil {
			t.Fatal(err)
		}
		if err := runNotebook(t.Context(), nb, testTools(t), dir, testLimit, newProgress(io.Discard)); err != nil {
			t.Fatal(err)
		}
		for i, c := range cells {
			if got := c.figures(); got < figures[i] {
				t.Errorf("cell %d shows %d figures, want the %d that are committed:\n%s", i+1, got, figures[i], indent(c.source()))
			}
		}
	})
}

// joinCells makes fewer programs of the cells, because the kernel compiles, links and runs one for each: what cells
// declare moves before the bodies of main, which become functions of one main, called in order. Variables behind a body begin
// another program, because their values may need what the body has done. Cells with tags, and cells of which the kernel takes
// lines for itself, stay as they are. It returns, for each cell, the one where its source is now.
func joinCells(cells []*cell) (now []int) {
	now = make([]int, len(cells))
	var declared, bodies []string
	first := 0 // the cell that these begin with
	join := func(end int) {
		if last := end - 1; last > first {
			source := strings.Join(declared, "\n") + "\n"
			if len(bodies) > 0 {
				source += "%%\nfunc() {\n" + strings.Join(bodies, "\n}()\nfunc() {\n") + "\n}()"
			}
			for i := first; i < last; i++ {
				now[i] = last
				cells[i].setSource("")
			}
			cells[last].setSource(source)
		}
		declared, bodies, first = nil, nil, end
	}
	for i, c := range cells {
		now[i] = i
		source, isBody := strings.CutPrefix(c.source(), "%%\n")
		plain := !c.hasTag(tagSkip) && !c.hasTag(tagRaises)
		for _, special := range cellLines(source) {
			plain = plain && !special
		}
		variables := !isBody && strings.Contains("\n"+source, "\nvar ")
		if !plain || variables && len(bodies) > 0 {
			join(i)
		}
		switch {
		case !plain:
			first = i + 1
		case isBody:
			bodies = append(bodies, source)
		default:
			declared = append(declared, source)
		}
	}
	join(len(cells))
	return now
}

// Every notebook is committed as a run in place has written it.
func TestNotebooksAreUpToDate(t *testing.T) {
	forEachNotebook(t, func(t *testing.T, file string, nb *notebook) {
		name := filepath.Base(file)
		if nb.recordedHash() != nb.sourceHash() {
			t.Fatalf("the outputs of %s are not of its present source; run go run ./notebooks -inplace %s", name, name)
		}
		got, err := nb.encode()
		if err != nil {
			t.Fatal(err)
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not written as nbformat writes it; run go run ./notebooks -inplace %s (%v)", name, name, err)
		}
		for i, c := range nb.code() {
			if c.raw["execution_count"] == nil && !c.hasTag(tagSkip) && strings.TrimSpace(c.source()) != "" {
				t.Errorf("cell %d of %s is not executed", i+1, name)
			}
			for _, o := range c.outputs() {
				if o["output_type"] == "error" && !c.hasTag(tagRaises) {
					t.Errorf("cell %d of %s has an error as its output", i+1, name)
				}
			}
		}
	})
}

// All notebooks begin alike: with the lines that make nfkit known to the kernel.
func TestNotebooksHaveThePreamble(t *testing.T) {
	forEachNotebook(t, func(t *testing.T, file string, nb *notebook) {
		var got []string
		for line, special := range cellLines(nb.code()[0].source()) {
			if special {
				got = append(got, strings.TrimRight(line, "\n"))
			}
		}
		if got := strings.Join(got, "\n"); got != preamble {
			t.Errorf("the first code cell of %s has the lines\n%s\nwant\n%s", filepath.Base(file), got, preamble)
		}
	})
}

// forEachNotebook runs f for every notebook of the checkout, and for the one in
// testdata, which has a cell of each kind.
func forEachNotebook(t *testing.T, f func(t *testing.T, file string, nb *notebook)) {
	t.Helper()
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	files, err := listNotebooks(filepath.Join(root, "notebooks"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(file string) bool { // a user's own, as in the image
		return strings.HasPrefix(file, filepath.Join(root, "notebooks", "work")+string(filepath.Separator))
	})
	for _, file := range append(files, filepath.Join("testdata", "kernel.ipynb")) {
		t.Run(strings.TrimSuffix(filepath.Base(file), suffix), func(t *testing.T) {
			nb, _, err := readNotebook(file)
			if errors.Is(err, os.ErrNotExist) {
				t.Fatalf("%v; it is part of this package", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			f(t, file, nb)
		})
	}
}
