package nfplot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Table returns the plot of a table of numbers with a name for each row and each column, models and targets for example:
// each cell has the colour of its number in the scale and the number, with three digits. NaN is a cell without colour that
// says NaN; an infinity has the first or last colour. It panics when the numbers are not as many as the names, or there is
// no scale.
func Table(title string, rows, columns []string, values mat.Matrix, s *Scale) *plot.Plot {
	if values == nil || s == nil {
		panic(fmt.Sprintf("nfplot: Table: got the values %v and the scale %v, want none of them nil", values, s))
	}
	if n, d := values.Dims(); n != len(rows) || d != len(columns) || n == 0 || d == 0 {
		panic(fmt.Sprintf("nfplot: Table: got %d×%d values for %d rows and %d columns, want as many, and one or more", n, d, len(rows), len(columns)))
	}
	t := table{values: mat.DenseCopyOf(values), scale: s}
	s.cover(Field{Z: t.values.RawMatrix().Data})
	p := New(title, "", "")
	Add(p, t)
	p.X.Tick.Marker, p.Y.Tick.Marker = names(columns), reversed(names(rows))
	p.X.Tick.Length, p.Y.Tick.Length = 0, 0
	return p
}

// names marks 0, 1, 2, …
func names(labels []string) plot.ConstantTicks {
	ticks := make(plot.ConstantTicks, len(labels))
	for i, l := range labels {
		ticks[i] = plot.Tick{Value: float64(i), Label: l}
	}
	return ticks
}

func reversed(ticks plot.ConstantTicks) plot.ConstantTicks {
	for i := range ticks {
		ticks[i].Value = float64(len(ticks) - 1 - i)
	}
	return ticks
}

type table struct {
	values *mat.Dense
	scale  *Scale
}

// DataRange implements plot.DataRanger.
func (t table) DataRange() (xmin, xmax, ymin, ymax float64) {
	n, d := t.values.Dims()
	return -0.5, float64(d) - 0.5, -0.5, float64(n) - 0.5
}

// Plot implements plot.Plotter.
func (t table) Plot(c draw.Canvas, p *plot.Plot) {
	n, d := t.values.Dims()
	place := placer(c, p)
	style := p.X.Tick.Label
	corner, next := place(0, 0), place(1, 1)
	style.Font.Size = max(min(style.Font.Size, 0.6*(next.Y-corner.Y)), 4)
	for widest := t.widest(style.Width); widest > 0.9*(next.X-corner.X) && style.Font.Size > 4; widest = t.widest(style.Width) {
		style.Font.Size = max(style.Font.Size*0.95*0.9*(next.X-corner.X)/widest, 4)
	}
	img := newRaster(c) // polygons would have seams
	size := img.Rect.Size()
	for y := range size.Y {
		for x := range size.X {
			px := p.X.Min + (float64(x)+0.5)/float64(size.X)*(p.X.Max-p.X.Min)
			py := p.Y.Max - (float64(y)+0.5)/float64(size.Y)*(p.Y.Max-p.Y.Min)
			if j, i := int(math.Round(px)), n-1-int(math.Round(py)); i >= 0 && i < n && j >= 0 && j < d && !math.IsNaN(t.values.At(i, j)) {
				img.SetRGBA(x, y, t.scale.color(t.values.At(i, j)))
			}
		}
	}
	c.DrawImage(c.Rectangle, img)
	for i := range n {
		for j := range d {
			v := t.values.At(i, j)
			style.Color = color.Black
			if !math.IsNaN(v) {
				if fill := t.scale.color(v); 0.299*float64(fill.R)+0.587*float64(fill.G)+0.114*float64(fill.B) < 130 {
					style.Color = color.White
				}
			}
			if at := place(float64(j), float64(n-1-i)); c.Contains(at) {
				drawText(c, style, draw.XCenter, at.X, at.Y-capHeight/2*style.Font.Size, short(v))
			}
		}
	}
}

func (t table) widest(width func(string) vg.Length) (w vg.Length) {
	for _, v := range t.values.RawMatrix().Data {
		w = max(w, width(short(v)))
	}
	return w
}

// short writes a number with three digits, or the whole of a number that has more before its point, up to 99999.
func short(v float64) string {
	if a := math.Abs(v); a >= 1000 && a < 99999.5 {
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	} else if a >= 0.001 && a < 1000 {
		return minus(strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(a)+1e-9))), 64))
	}
	return minus(strconv.FormatFloat(v, 'g', 3, 64))
}
