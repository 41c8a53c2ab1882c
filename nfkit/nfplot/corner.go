package nfplot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// Sample is a set of points, the rows of X, with a name for the legend; the empty name is not in it. The zero colour means
// one of a fixed sequence.
type Sample struct {
	Name  string
	X     mat.Matrix
	Color color.NRGBA
}

// CornerOptions are the optional parts of a [Corner]; the zero value has the defaults.
type CornerOptions struct {
	Truths []float64 // the true value of each column, drawn as lines; NaN: none. nil: no truths
	Shares []float64 // of the mass within the contours. nil: 0.393 and 0.865, a normal distribution's within 1 and 2 standard deviations
}

// Corner returns the figure of all marginals of samples that have the same columns, one on top of the other: on the
// diagonal a histogram of each column, below it a panel for each pair of columns with dots for rows, at most 1000 of
// each sample, evenly spaced, and contours of highest density. The range of a column goes from the smallest to the
// largest 0.0025- and 0.9975-quantile of a sample, and to its truth. A row with a value that is not finite is left out
// of the pairs that have it. Samples that fill about the same part of a column's range have the same bins there, so that their
// bars can be compared; a narrow sample on top of a wide one has finer bins, which end where those of the wide one do.
//
// Contours are those of a kernel density estimate on a grid of 64×64, for samples of 100 rows or more: its normal kernel has
// in each direction 0.7·n^(−1/6) of half the width of the middle 68 % of the values. The cost is O(n·d²) for n rows of
// d columns. The layout is that of corner.py (Foreman-Mackey 2016, Journal of Open Source Software 1:24).
//
// It panics without columns or samples, when a sample or the truths have another number of columns, or a share is not between
// 0 and 1.
func Corner(columns []string, samples []Sample, opts *CornerOptions) *Figure {
	o := CornerOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Shares == nil {
		o.Shares = []float64{0.393, 0.865}
	}
	if len(columns) == 0 || len(samples) == 0 {
		panic(fmt.Sprintf("nfplot: Corner: got %d columns and %d samples, want one or more of both", len(columns), len(samples)))
	}
	if o.Truths != nil && len(o.Truths) != len(columns) {
		panic(fmt.Sprintf("nfplot: Corner: got %d truths for %d columns, want as many", len(o.Truths), len(columns)))
	}
	c := corner{CornerOptions: o, names: columns}
	for i, s := range samples {
		c.add(i, s)
	}
	c.setRanges()

	d := len(columns)
	f := &Figure{columns: d, corner: true, gap: 7}
	for row := range d {
		for column := range d {
			var p *plot.Plot // stays nil above the diagonal
			switch {
			case column == row:
				p = c.diagonal(row)
			case column < row:
				p = c.pair(column, row)
			}
			f.panels, f.bars = append(f.panels, p), append(f.bars, nil)
		}
	}
	f.key = c.key()
	if d == 1 {
		f.panels[0].Legend, f.key = f.key.Legend, nil
	}
	side := min(150+175*d, 1000)
	return f.Size(side, side)
}

// corner is what a Corner is made from.
type corner struct {
	CornerOptions
	names  []string
	data   [][][]float64 // for each sample, each column
	labels []string      // the samples' names
	colors []color.NRGBA
	lo, hi []float64 // range of each column
}

func (c *corner) add(i int, s Sample) {
	if s.X == nil {
		panic(fmt.Sprintf("nfplot: Corner: sample %d has no matrix", i))
	}
	n, d := s.X.Dims()
	if d != len(c.names) && n != 0 {
		panic(fmt.Sprintf("nfplot: Corner: sample %d is %d×%d, want %d columns", i, n, d, len(c.names)))
	}
	data := make([][]float64, len(c.names))
	for j := range data {
		data[j] = make([]float64, n)
		for k := range data[j] {
			data[j][k] = s.X.At(k, j)
		}
	}
	if s.Color == (color.NRGBA{}) {
		s.Color = colorOf(i)
	}
	c.data, c.labels, c.colors = append(c.data, data), append(c.labels, s.Name), append(c.colors, s.Color)
}

func (c *corner) setRanges() {
	for j := range c.names {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, data := range c.data {
			if q := Quantile(data[j]); !math.IsNaN(q(0)) {
				lo, hi = min(lo, q(0.0025)), max(hi, q(0.9975))
			}
		}
		if c.Truths != nil && isFinite(c.Truths[j]) {
			lo, hi = min(lo, c.Truths[j]), max(hi, c.Truths[j])
		}
		if lo <= hi {
			a := plot.Axis{}
			a.Min, a.Max = roomy(lo, hi, 0.5, 0.5)
			widen(&a, 0.05, 0.05)
			lo, hi = a.Min, a.Max
		}
		c.lo, c.hi = append(c.lo, lo), append(c.hi, hi)
	}
}

// plot returns a panel of the columns; y < 0 is the density of x.
func (c *corner) plot(x, y int) *plot.Plot {
	p := New("", c.names[x], "")
	p.X.Tick.Marker = innerTicks{}
	p.Y.Tick.Marker = plot.ConstantTicks{}
	p.X.Min, p.X.Max = c.lo[x], c.hi[x]
	if y >= 0 {
		p.Y.Label.Text = c.names[y]
		p.Y.Tick.Marker = innerTicks{}
		p.Y.Min, p.Y.Max = c.lo[y], c.hi[y]
	}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Length = 3
		if len(c.names) > 6 {
			a.Tick.Label.Font.Size, a.Label.TextStyle.Font.Size = 10, 12
		}
	}
	return p
}

func (c *corner) line(i int) draw.LineStyle { return draw.LineStyle{Color: c.colors[i], Width: 1.2} }

var truthLine = draw.LineStyle{Color: Black, Width: 1}

func (c *corner) diagonal(x int) *plot.Plot {
	p := c.plot(x, -1)
	top := 0.0
	for i, edges := range c.edges(x) {
		if edges == nil {
			continue
		}
		h := Histogram(c.data[i][x], edges, Alpha(c.colors[i], 0.2)).(*histogram)
		top = max(top, h.tallest())
		p.Add(h, &outline{h, c.line(i)})
	}
	if c.Truths != nil {
		p.Add(VLine("", c.Truths[x], truthLine))
	}
	if top > 0 {
		p.Y.Min, p.Y.Max = 0, 1.08*top
	}
	p.X.Min, p.X.Max = c.lo[x], c.hi[x]
	return p
}

func (c *corner) pair(x, y int) *plot.Plot {
	p := c.plot(x, y)
	for i, data := range c.data {
		n := len(data[x])
		if shown := min(n, 1000); shown > 0 {
			at := func(k int) (float64, float64) {
				row := k * n / shown
				return data[x][row], data[y][row]
			}
			p.Add(&scatter{n: shown, xy: at, radius: 1.2, color: Alpha(c.colors[i], 0.25)})
		}
	}
	for i, data := range c.data {
		if f, rows := c.estimate(data, x, y); rows >= 100 {
			p.Add(Contour("", f, c.line(i), f.Levels(c.Shares...)...))
		}
	}
	if c.Truths != nil {
		p.Add(VLine("", c.Truths[x], truthLine), HLine("", c.Truths[y], truthLine))
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = c.lo[x], c.hi[x], c.lo[y], c.hi[y]
	return p
}

// key has the legend of all samples.
func (c *corner) key() *plot.Plot {
	p := New("", "", "")
	for i, name := range c.labels {
		if name != "" {
			p.Legend.Add(name, &line{style: Solid(c.colors[i])})
		}
	}
	if c.Truths != nil {
		p.Legend.Add("Truth", &line{style: truthLine})
	}
	return p
}

// edges returns the edges of each sample's bins in a column: every edge of the finest bins, or every second, fourth, eighth …
// of them, by how many bins the sample is to have. They are nil for a sample without values.
func (c *corner) edges(x int) [][]float64 {
	wanted, finest := make([]int, len(c.data)), 0
	for i, data := range c.data {
		if len(data[x]) > 0 && c.lo[x] <= c.hi[x] {
			wanted[i] = c.bins(data[x], x)
			finest = max(finest, wanted[i])
		}
	}
	all := make([][]float64, len(c.data))
	for i, n := range wanted {
		if n == 0 {
			continue
		}
		fine := span("x", c.lo[x], c.hi[x], 1+finest)
		step := 1 << int(math.Round(math.Log2(float64(finest)/float64(n))))
		for k := 0; k < finest; k += step {
			all[i] = append(all[i], fine[k])
		}
		all[i] = append(all[i], fine[finest])
	}
	return all
}

// bins returns a number of bins for the column's range: in the part that the values fill, twice the third root of how many
// they are, 8 to 40, and 200 in all at most.
func (c *corner) bins(values []float64, x int) int {
	filled := 1.0
	if q := Quantile(values); q(0.0025) < q(0.9975) {
		filled = (q(0.9975)/2 - q(0.0025)/2) / (c.hi[x]/2 - c.lo[x]/2)
	}
	return int(min(min(max(2*math.Cbrt(float64(len(values))), 8), 40)/filled, 200))
}

// estimate returns a density of a sample's rows in two columns, on a grid, and the number of rows that it is of.
func (c *corner) estimate(data [][]float64, x, y int) (f Field, rows int) {
	const size = 128
	var axes [2][]float64
	var kernels [2]*mat.SymDense
	for k, column := range []int{x, y} {
		q := Quantile(data[column])
		if math.IsNaN(q(0)) {
			return f, 0
		}
		axes[k], kernels[k] = smoothing(q, len(data[x]), size)
	}
	counts := mat.NewDense(size, size, nil)
	place := func(axis []float64, v float64) int {
		if at := (linearScale{}).Normalize(axis[0], axis[size-1], v)*(size-1) + 0.5; at >= 0 && at < size {
			return int(at)
		}
		return -1
	}
	for k, v := range data[x] {
		if i, j := place(axes[0], v), place(axes[1], data[y][k]); i >= 0 && j >= 0 {
			counts.Set(j, i, counts.At(j, i)+1)
			rows++
		}
	}
	counts.Mul(kernels[1], counts)
	counts.Mul(counts, kernels[0])
	return Field{Grid{X: axes[0], Y: axes[1]}, counts.RawMatrix().Data}, rows
}

// smoothing returns the axis of a grid for a column of n rows with the quantiles, and the kernel that smooths counts on it.
func smoothing(quantile func(float64) float64, n, size int) (axis []float64, kernel *mat.SymDense) {
	lo, hi := roomy(quantile(0.0025), quantile(0.9975), 0.5, 0.5)
	deviation := quantile(0.841)/2 - quantile(0.159)/2 // of a normal distribution
	for p := 0.0; p <= 0.75; p += 1.0 / 64 {           // the same by the shortest interval of a quarter of the values, which is in one mode of several
		deviation = min(deviation, 3.138*(quantile(p+0.25)/2-quantile(p)/2))
	}
	width := max(0.7*deviation*math.Pow(float64(n), -1.0/6), (hi/2-lo/2)/float64(size))
	axis = span("x", max(lo-3*width, -math.MaxFloat64), min(hi+3*width, math.MaxFloat64), size)
	step := 2 * (axis[size-1]/2 - axis[0]/2) / float64(size-1)
	kernel = mat.NewSymDense(size, nil)
	for i := range size {
		for j := i; j < size; j++ {
			d := float64(j-i) / (width / step)
			kernel.SetSym(i, j, math.Exp(-d*d/2))
		}
	}
	return axis, kernel
}

// outline draws the line around a histogram.
type outline struct {
	*histogram
	style draw.LineStyle
}

// Plot implements plot.Plotter.
func (o *outline) Plot(c draw.Canvas, p *plot.Plot) {
	if len(o.density) > 0 {
		c.StrokeLines(o.style, c.ClipLinesXY(stairs(c, p, o.edges, o.density))...)
	}
}
