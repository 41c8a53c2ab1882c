package nfplot

import (
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// Heat returns the layer that draws the field in the colours of the scale.
// Between grid points values are interpolated linearly; beside NaN or an infinity the nearest one is taken. NaN is blank.
// A coordinate that stands alone on its axis is drawn one unit wide.
func Heat(f Field, s *Scale) Layer {
	f.check("Heat")
	if s == nil {
		panic("nfplot: Heat: got no scale, want one, of BlueRed or Grays")
	}
	s.cover(f)
	return heat{field: f, scale: s}
}

type heat struct {
	field Field
	scale *Scale
}

// DataRange implements plot.DataRanger.
func (h heat) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = extent(h.field.X)
	ymin, ymax = extent(h.field.Y)
	return
}

func extent(v []float64) (lo, hi float64) {
	switch len(v) {
	case 0:
		return math.Inf(1), math.Inf(-1)
	case 1:
		return roomy(v[0], v[0], 0.5, 0.5)
	}
	return v[0], v[len(v)-1]
}

// Plot implements plot.Plotter.
func (h heat) Plot(c draw.Canvas, p *plot.Plot) {
	if len(h.field.Z) == 0 {
		return
	}
	img := newRaster(c)
	width, height := img.Rect.Dx(), img.Rect.Dy()
	columns := cells(h.field.X, p.X, width)
	rows := cells(h.field.Y, p.Y, height)
	for y := range height {
		row := rows[height-1-y]
		if row.outside() {
			continue
		}
		for x, column := range columns {
			if column.outside() {
				continue
			}
			if v := h.at(column, row); !math.IsNaN(v) {
				img.SetRGBA(x, y, h.scale.color(v))
			}
		}
	}
	c.DrawImage(c.Rectangle, img)
}

// at interpolates between the four values around a point.
func (h heat) at(column, row cell) float64 {
	n := len(h.field.X)
	z := h.field.Z
	z00, z10 := z[row.lo*n+column.lo], z[row.lo*n+column.hi]
	z01, z11 := z[row.hi*n+column.lo], z[row.hi*n+column.hi]
	lower := z00 + column.t*(z10-z00)
	upper := z01 + column.t*(z11-z01)
	if v := lower + row.t*(upper-lower); isFinite(v) {
		return v
	}
	return z[row.nearest()*n+column.nearest()]
}

// cell says where a pixel's centre lies on an axis of the grid: the fraction t of the way from lo to hi.
type cell struct {
	lo, hi int
	t      float64
}

func (c cell) outside() bool { return c.lo < 0 }

func (c cell) nearest() int {
	if c.t < 0.5 {
		return c.lo
	}
	return c.hi
}

// cells returns the cell of each of n pixels along the axis.
func cells(coords []float64, axis plot.Axis, n int) []cell {
	lo, hi := extent(coords)
	first, last := axis.Norm(lo), axis.Norm(hi)
	at := make([]float64, len(coords))
	for i, x := range coords {
		at[i] = axis.Norm(x)
	}
	cells := make([]cell, n)
	for k := range cells {
		pos := (float64(k) + 0.5) / float64(n)
		switch i := sort.SearchFloat64s(at, pos); {
		case pos < first || pos > last:
			cells[k] = cell{lo: -1}
		case len(at) == 1:
			cells[k] = cell{}
		case i == 0:
			cells[k] = cell{lo: 0, hi: 1}
		case i == len(at): // beyond the last by rounding
			cells[k] = cell{lo: i - 1, hi: i - 1}
		default:
			cells[k] = cell{lo: i - 1, hi: i, t: (pos - at[i-1]) / (at[i] - at[i-1])}
		}
	}
	return cells
}
