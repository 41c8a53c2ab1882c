package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// Every notebook of the checkout runs, with the small settings that its metadata give under nfkit.test.set, and shows at least as many figures
// as are committed. Here all are one program, which has the kernel's part played to it. That the kernel runs their cells one by one, with their own
// settings, is what a run in place has shown, and .ci/run shows.
func TestNotebooks(t *testing.T) {
	t.Parallel()
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	notebooks, want := map[string]*notebook{}, map[string]int{}
	for _, file := range committedNotebooks(t, root) {
		name := strings.TrimSuffix(filepath.Base(file), suffix)
		nb, figures := readForTest(t, file)
		notebooks[name] = nb
		for _, n := range figures {
			want[name] += n
		}
	}
	program := buildProgram(t, root, notebooks)
	for name := range notebooks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, name)
			cmd.Dir = t.TempDir() // where the cells write; what they read is there too
			if err := os.Symlink(filepath.Join(root, "notebooks", "data"), filepath.Join(cmd.Dir, "data")); err != nil {
				t.Fatal(err)
			}
			sent, _ := runInKernel(t, cmd)
			got := map[string]bool{}
			for i, d := range sent {
				if _, ok := d.Data[protocol.MIMEImagePNG]; ok {
					got[cmp.Or(d.DisplayID, fmt.Sprint(i))] = true // one with an identity is drawn anew
				}
			}
			if len(got) < want[name] {
				t.Errorf("it shows %d figures, want the %d that are committed", len(got), want[name])
			}
		})
	}
}

// The kernel runs the notebook of testdata, cell by cell.
func TestKernelRunsCells(t *testing.T) {
	t.Parallel()
	nb, figures := readForTest(t, kernelNotebook)
	built := testTools(t)
	if err := runNotebook(t.Context(), nb, built, filepath.Join(built.checkout, "notebooks"), testLimit, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}
	for i, c := range nb.code() {
		if got := c.figures(); got < figures[i] {
			t.Errorf("cell %d shows %d figures, want the %d that are committed:\n%s", i+1, got, figures[i], indent(c.source()))
		}
	}
}

// readForTest reads a notebook and makes its settings small. It returns how many figures its code cells show as they are committed.
func readForTest(t *testing.T, file string) (nb *notebook, figures []int) {
	t.Helper()
	nb, _, err := readNotebook(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := nb.testOverrides()
	if err := errors.Join(err, nb.apply(set)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, c := range nb.code() {
		figures = append(figures, c.figures())
	}
	return nb, figures
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

// All notebooks begin with the lines that make nfkit known to the kernel. They have no others that are for the kernel alone, apart from %%.
func TestNotebooksHaveThePreamble(t *testing.T) {
	forEachNotebook(t, func(t *testing.T, file string, nb *notebook) {
		var got []string
		for _, c := range nb.code() {
			for line, special := range cellLines(c.source()) {
				if line = strings.TrimRight(line, "\n"); special && line != "%%" {
					got = append(got, line)
				}
			}
		}
		if got := strings.Join(got, "\n"); got != preamble {
			t.Errorf("the cells of %s have the lines\n%s\nwant\n%s", filepath.Base(file), got, preamble)
		}
	})
}

// kernelNotebook has a cell of each kind.
var kernelNotebook = filepath.Join("testdata", "kernel.ipynb")

// forEachNotebook runs f for every notebook of the checkout, and for the one in testdata.
func forEachNotebook(t *testing.T, f func(t *testing.T, file string, nb *notebook)) {
	t.Helper()
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(committedNotebooks(t, root), kernelNotebook) {
		t.Run(strings.TrimSuffix(filepath.Base(file), suffix), func(t *testing.T) {
			nb, _, err := readNotebook(file)
			if err != nil {
				t.Fatal(err)
			}
			f(t, file, nb)
		})
	}
}

// committedNotebooks lists the notebooks of the checkout that are not a user's own.
func committedNotebooks(t *testing.T, root string) []string {
	t.Helper()
	files, err := listNotebooks(filepath.Join(root, "notebooks"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(file string) bool { // as in the image
		return strings.HasPrefix(file, filepath.Join(root, "notebooks", "work")+string(filepath.Separator))
	})
}
