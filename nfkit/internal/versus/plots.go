package main

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
	"github.com/nfkit/nfkit-go/nfkit/nfplot"
)

var (
	rowCounts  = []int{1, 10, 100, 1000, 10_000, 100_000, 1_000_000}
	dimensions = []int{64, 256, 784, 2048}
	widths     = []int{16, 32, 64, 128, 256, 512, 1024, 2048}
	depths     = []int{2, 4, 8, 16, 32, 64, 128, 200}
	shared     = []int{128, 512, 2048, 8192, 32_768}
)

// The rows of the pictures: how the cost of each goes with one size, the others being those of the tutorial or usual.

func trainRows(n int) workload.Row {
	return workload.Row{Task: workload.Train, Model: workload.Tutorial, N: n}
}
func logProbRows(n int) workload.Row {
	return workload.Row{Task: workload.LogProb, Model: workload.Tutorial, N: n}
}

func realNVP(dim int) workload.Row {
	return workload.Row{Task: workload.Train, Model: workload.Model{Kind: workload.Coupling, Dim: dim, Layers: 2, Hidden: 512, Mix: workload.LU}, N: 128}
}

func maf(dim int) workload.Row {
	return workload.Row{Task: workload.Train, Model: workload.Model{Kind: workload.MAF, Dim: dim, Layers: 2, Hidden: 1024, Mix: workload.Swap}, N: 128}
}

func wide(hidden int) workload.Row {
	return workload.Row{Task: workload.Train, Model: workload.Model{Kind: workload.Coupling, Dim: 2, Layers: 4, Hidden: hidden, Mix: workload.LU}, N: 512}
}

func deep(task workload.Task, layers int) workload.Row {
	m := workload.Tutorial
	m.Layers = layers
	return workload.Row{Task: task, Model: m, N: 512}
}

// shallow returns rows of the tutorial's model with two layers.
func shallow(task workload.Task) func(n int) workload.Row {
	return func(n int) workload.Row {
		row := deep(task, 2)
		row.N = n
		return row
	}
}

// plots measures what sizes cost, and writes pictures and a page into a folder.
func plots(folder string) error {
	t, m := newTimes(), newMemories()
	if err := t.measure(); err != nil {
		return err
	}
	if err := m.measure(); err != nil {
		return err
	}
	return writePlots(folder, t, m)
}

// writePlots draws what was measured, and writes the page.
func writePlots(folder string, t *times, m *memories) error {
	var page strings.Builder
	fmt.Fprintf(&page, "# What a step costs\n\n"+
		"`go run ./nfkit/internal/versus -plots FOLDER` measures all of this, draws the pictures and writes this page. Times are processor times of one core,\n"+
		"the least of a few, so that other work on the machine has little part in them. The ceiling is what a core does in multiply-adds on registers alone.\n"+
		"Where a line is flat, a cost grows as the arithmetic does.\n\n"+
		"```\n%s```\n\n", machine())
	if err := t.write(folder, &page); err != nil {
		return err
	}
	if err := m.write(folder, &page); err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(folder, "README.md"), func(w io.Writer) error {
		_, err := io.WriteString(w, strings.TrimRight(page.String(), "\n")+"\n")
		return err
	})
}

// sweeps returns a curve in either precision.
func sweeps(name string, sizes []int, row func(size int) workload.Row) []*curve {
	return []*curve{sweep(name, ad.Float32, sizes, row), sweep(name, ad.Float64, sizes, row)}
}

// times are the curves of times.png.
type times struct {
	rows, dims, hidden, layers []*curve
	second                     []*curve // seconds are those on two cores
}

func newTimes() *times {
	return &times{
		rows:   slices.Concat(sweeps("train", rowCounts, trainRows), sweeps("log-density", rowCounts, logProbRows)),
		dims:   slices.Concat(sweeps("RealNVP with LU", dimensions, realNVP), sweeps("MAF", dimensions, maf)),
		hidden: sweeps("train", widths, wide),
		layers: slices.Concat(sweeps("train", depths, func(n int) workload.Row { return deep(workload.Train, n) }),
			sweeps("log-density", depths, func(n int) workload.Row { return deep(workload.LogProb, n) })),
		second: slices.Concat(sweeps("train", shared, trainRows), sweeps("log-density", shared, logProbRows)),
	}
}

func (t *times) measure() error {
	for _, c := range slices.Concat(t.rows, t.dims, t.hidden, t.layers) {
		if err := c.measure(); err != nil {
			return err
		}
	}
	for _, c := range t.second {
		if err := c.measureSecond(); err != nil {
			return err
		}
	}
	return nil
}

// write draws times.png, and writes a section on it.
func (t *times) write(folder string, page *strings.Builder) error {
	perRow := func(c *curve) []float64 { return c.per(1e-6, func(r workload.Row) int { return r.N }) }
	perLayer := func(c *curve) []float64 { return c.per(1e-6, func(r workload.Row) int { return r.Layers }) }
	milliseconds := func(c *curve) []float64 { return c.per(1e-3, func(workload.Row) int { return 1 }) }
	figure := nfplot.Row(
		chart("Rows: the tutorial's model", "Rows of a batch", "µs a row", t.rows, perRow),
		chart("Dimension: training, 128 rows", "Components", "ms a step", t.dims, milliseconds),
		percents(chart("Dimension: training, 128 rows", "Components", "% of the ceiling", t.dims, (*curve).share)),
		percents(chart("Width: 4 layers in 2-D, 512 rows", "Hidden units", "% of the ceiling", t.hidden, (*curve).share)),
		chart("Layers: the tutorial's, 512 rows", "Layers", "µs a layer", t.layers, perLayer),
		chart("Cores", "Rows of a batch", "Processor time: 2 cores / 1", t.second, (*curve).ratio),
	).Wrap(2).Size(1000, 1080)
	if err := nfplot.Save(filepath.Join(folder, "times.png"), figure); err != nil {
		return err
	}
	page.WriteString("## Time\n\n![Processor time against rows, dimension, width, layers and cores](times.png)\n\n")
	for _, part := range []struct {
		title, x string
		curves   []*curve
		y        func(c *curve) []float64
	}{
		{"Processor time in µs a row, the tutorial's model (16 couplings of 64 units in 2 dimensions)", "rows", t.rows, perRow},
		{"Training step of 128 rows in ms: RealNVP of 2 layers of 512 units with LU maps, MAF of 2 layers of 1024 units", "components", t.dims, milliseconds},
		{"The same as a share of the ceiling in per cent; masked weights count", "components", t.dims, (*curve).share},
		{"Share of the ceiling in per cent: training step of 4 couplings in 2 dimensions, 512 rows", "hidden units", t.hidden, (*curve).share},
		{"µs a layer: the tutorial's model with more and fewer layers, 512 rows", "layers", t.layers, perLayer},
		{"Processor time on 2 cores over that on 1: waiting for the other core counts, as it is done awake", "rows", t.second, (*curve).ratio},
	} {
		page.WriteString(markdown(part.title, part.x, part.curves, part.y))
	}
	for _, c := range t.dims {
		s := c.share()
		fmt.Fprintf(page, "- %s: the shares of %v to %v components differ by a factor of %.1f.\n", c.name, c.x[0], c.x[len(c.x)-1], slices.Max(s)/slices.Min(s))
	}
	page.WriteString("\n")
	return nil
}

// memories are the curves of memory.png.
type memories struct{ rows, dims, layers []*curve }

func newMemories() *memories {
	return &memories{
		rows:   slices.Concat(sweeps("train", rowCounts, shallow(workload.Train)), sweeps("log-density", rowCounts, shallow(workload.LogProb))),
		dims:   slices.Concat(sweeps("RealNVP with LU", dimensions, realNVP), sweeps("MAF", dimensions, maf)),
		layers: sweeps("train", depths, func(n int) workload.Row { return deep(workload.Train, n) }),
	}
}

func (m *memories) measure() error {
	for _, c := range slices.Concat(m.rows, m.dims, m.layers) {
		if err := c.measureMemory(); err != nil {
			return err
		}
	}
	return nil
}

// write draws memory.png, and writes a section on it.
func (m *memories) write(folder string, page *strings.Builder) error {
	mebibytes := func(c *curve) []float64 { return c.over(func(workload.Row) float64 { return 1 << 20 }) }
	ofParameters := func(c *curve) []float64 { return c.over(parameterBytes) }
	figure := nfplot.Row(
		chart("Rows: 2 layers", "Rows of a batch", "MiB", m.rows, mebibytes),
		chart("Dimension: 128 rows", "Components", "MiB", m.dims, mebibytes),
		chart("Layers: 512 rows", "Layers", "MiB", m.layers, mebibytes),
	).Size(1000, 380)
	if err := nfplot.Save(filepath.Join(folder, "memory.png"), figure); err != nil {
		return err
	}
	page.WriteString("## Memory\n\n![Memory against rows, dimension and layers](memory.png)\n\n" +
		"All that model and optimiser hold and that a first step takes, without the rows and the results. Later steps take nothing.\n\n")
	page.WriteString(markdown("MiB, the tutorial's model with 2 layers", "rows", m.rows, mebibytes))
	page.WriteString(markdown("MiB, training step of 128 rows", "components", m.dims, mebibytes))
	page.WriteString(markdown("The same, as times the parameters in float64 (a gradient and two moments of each are three more)", "components", m.dims, ofParameters))
	page.WriteString(markdown("MiB, the tutorial's model with more and fewer layers, a training step of 512 rows", "layers", m.layers, mebibytes))
	return nil
}

// chart returns a plot of the curves on logarithmic axes.
func chart(title, x, y string, curves []*curve, values func(c *curve) []float64) *plot.Plot {
	colors := []color.Color{nfplot.Steel, nfplot.Orange, nfplot.Green, nfplot.Red}
	var layers []nfplot.Layer
	top, bottom := 0.0, math.Inf(1)
	for i, c := range curves {
		v := values(c)
		layers = append(layers, nfplot.Marked(c.name, c.x, v, nfplot.Solid(colors[i])))
		top, bottom = max(top, slices.Max(v)), min(bottom, slices.Min(v))
	}
	p := nfplot.LogLog(title, x, y, layers...)
	p.Y.Max = top * math.Pow(top/bottom, 0.6) // room for the legend
	return p
}

// percents makes the vertical axis that of shares.
func percents(p *plot.Plot) *plot.Plot {
	p.Y.Min, p.Y.Max = 1, 150
	p.Legend.Top, p.Legend.Left = false, true
	nfplot.Add(p, nfplot.HLine("", 100, nfplot.Dashed(nfplot.Black)))
	return p
}

// markdown returns a table of the curves.
func markdown(title, x string, curves []*curve, values func(c *curve) []float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n\n| %s |", title, x)
	for _, c := range curves {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	fmt.Fprintf(&b, "\n| ---: |%s\n", strings.Repeat(" ---: |", len(curves)))
	for i, size := range curves[0].x {
		fmt.Fprintf(&b, "| %.0f |", size)
		for _, c := range curves {
			fmt.Fprintf(&b, " %s |", significant(values(c)[i]))
		}
		b.WriteString("\n")
	}
	return b.String() + "\n"
}

// significant returns x with three digits that say something.
func significant(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
