package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
	"github.com/nfkit/nfkit-go/nfkit/nfplot"
)

// toyCell is what a family reaches on a target with a seed: above the entropy, in nats, on held-out points.
type toyCell struct {
	above, err float64 // and its standard error
	seconds    float64 // of training
	cpu        float64 // the same, of all threads together
	cut        bool    // the time was up before the last step
}

// String shows hundredths of a nat where that is what counts, a * where training was cut short, and a dash where there was none.
func (c toyCell) String() string {
	switch {
	case c == toyCell{}:
		return "-"
	case c.cut:
		return fmt.Sprintf("%.4f*", c.above)
	}
	return fmt.Sprintf("%.4f", c.above)
}

// toyFormat is how a file has a cell.
const toyFormat = "above %g error %g seconds %g cpu %g cut %t\n"

// toyResults is a folder with a file for each training, so that a table can be made in parts. An empty name keeps nothing.
type toyResults string

func (r toyResults) path(family, target string, seed uint64) string {
	return filepath.Join(string(r), fmt.Sprintf("%s_%s_%d.txt", target, family, seed))
}

// load returns what is kept of a training, and whether there is something.
func (r toyResults) load(family, target string, seed uint64) (c toyCell, ok bool, err error) {
	if r == "" {
		return c, false, nil
	}
	text, err := os.ReadFile(r.path(family, target, seed))
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	} else if err != nil {
		return c, false, err
	}
	if _, err := fmt.Sscanf(string(text), toyFormat, &c.above, &c.err, &c.seconds, &c.cpu, &c.cut); err != nil {
		return c, false, fmt.Errorf("%s: %w", r.path(family, target, seed), err)
	}
	return c, true, nil
}

func (r toyResults) save(family, target string, seed uint64, c toyCell) error {
	if r == "" {
		return nil
	}
	if err := os.MkdirAll(string(r), 0o755); err != nil {
		return err
	}
	return wholefile.Write(r.path(family, target, seed), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, toyFormat, c.above, c.err, c.seconds, c.cpu, c.cut)
		return err
	})
}

// toyPicture returns the table as a heat map, targets with their floors as rows. Families and targets of which there is nothing are left out; what else
// is missing says NaN.
func toyPicture(families []toyFamily, chosen []toy, worst map[[2]string]toyCell, seeds int) nfplot.Drawing {
	has := func(family, target string) bool { _, ok := worst[[2]string{family, target}]; return ok }
	families = slices.DeleteFunc(slices.Clone(families), func(f toyFamily) bool {
		return !slices.ContainsFunc(chosen, func(t toy) bool { return has(f.name, t.name) })
	})
	chosen = slices.DeleteFunc(slices.Clone(chosen), func(t toy) bool {
		return !slices.ContainsFunc(families, func(f toyFamily) bool { return has(f.name, t.name) })
	})
	if len(chosen) == 0 {
		return nfplot.New("No results of all seeds", "", "")
	}
	var rows, columns []string
	for _, f := range families {
		columns = append(columns, f.name)
	}
	values := mat.NewDense(len(chosen), len(families), nil)
	for i, t := range chosen {
		rows = append(rows, fmt.Sprintf("%s, H = %.4f, goal %g", t.name, t.target.Entropy(), t.goal))
		for j, f := range families {
			values.Set(i, j, math.NaN())
			if has(f.name, t.name) {
				values.Set(i, j, math.Round(1e4*worst[[2]string{f.name, t.name}].above)/1e4) // errors are of that size
			}
		}
	}
	title := "Nats above the entropy H"
	if seeds > 1 {
		title += fmt.Sprintf(", worst of %d seeds", seeds)
	}
	p := nfplot.Table(title, rows, columns, values, nfplot.BlueRed("", 0, 0.05))
	return nfplot.Row(p).Size(min(1000, 380+70*len(columns)), 120+24*len(rows))
}
