package nfplot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Solid returns the style of a solid line.
func Solid(c color.Color) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: 1.6}
}

// Dashed returns the style of a dashed line.
func Dashed(c color.Color) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: 1.6, Dashes: []vg.Length{6, 3}}
}

// Line returns the layer that joins the points (x[i], y[i]), with a gap where one is not finite or, on a logarithmic
// axis, not positive.
// A name puts it in the legend, the empty name does not. It panics when x and y differ in length.
func Line(name string, x, y []float64, style draw.LineStyle) Layer {
	if len(x) != len(y) {
		panic(fmt.Sprintf("nfplot: Line: got %d x and %d y, want as many of both", len(x), len(y)))
	}
	return &line{name: name, x: x, y: y, style: style}
}

// Curve returns the layer that draws f from x0 to x1, evaluated at 801 points.
// It panics unless x0 < x1, both finite.
func Curve(name string, f func(x float64) float64, x0, x1 float64, style draw.LineStyle) Layer {
	if !(x0 < x1) || !isFinite(x0) || !isFinite(x1) {
		panic(fmt.Sprintf("nfplot: Curve: got the range %v to %v, want an ascending finite one", x0, x1))
	}
	const n = 801
	x := span("x", x0, x1, n)
	y := make([]float64, n)
	for i, v := range x {
		y[i] = f(v)
	}
	return &line{name: name, x: x, y: y, style: style}
}

type line struct {
	name  string
	x, y  []float64
	style draw.LineStyle
}

// DataRange implements plot.DataRanger.
func (l *line) DataRange() (xmin, xmax, ymin, ymax float64) {
	return pointRange(len(l.x), func(i int) (x, y float64) { return l.x[i], l.y[i] })
}

// pointRange returns the ranges of n points, without those that are not finite.
func pointRange(n int, at func(i int) (x, y float64)) (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for i := range n {
		if x, y := at(i); isFinite(x) && isFinite(y) {
			xmin, xmax = min(xmin, x), max(xmax, x)
			ymin, ymax = min(ymin, y), max(ymax, y)
		}
	}
	return
}

// placer returns where on the canvas a point is: NaN where a coordinate is not finite or, on a logarithmic axis, not
// positive. What lies a million lengths of an axis away, or farther, is a million away, so that lines can be drawn to it.
func placer(c draw.Canvas, p *plot.Plot) func(x, y float64) vg.Point {
	norm := func(a plot.Axis, v float64) float64 {
		if !isFinite(v) {
			return math.NaN()
		}
		return min(max(a.Norm(v), -1e6), 1e6)
	}
	return func(x, y float64) vg.Point { return vg.Point{X: c.X(norm(p.X, x)), Y: c.Y(norm(p.Y, y))} }
}

// Plot implements plot.Plotter.
func (l *line) Plot(c draw.Canvas, p *plot.Plot) {
	place := placer(c, p)
	var run []vg.Point
	stroke := func() {
		if len(run) == 1 { // a value between two gaps
			c.DrawGlyph(draw.GlyphStyle{Color: l.style.Color, Radius: l.style.Width, Shape: draw.CircleGlyph{}}, run[0])
		}
		c.StrokeLines(l.style, c.ClipLinesXY(run)...)
		run = run[:0]
	}
	for i := range l.x {
		if at := place(l.x[i], l.y[i]); !math.IsNaN(float64(at.X + at.Y)) {
			run = append(run, at)
		} else {
			stroke()
		}
	}
	stroke()
}

// Thumbnail implements plot.Thumbnailer.
func (l *line) Thumbnail(c *draw.Canvas) {
	y := c.Center().Y
	c.StrokeLine2(l.style, c.Min.X, y, c.Max.X, y)
}

func (l *line) legendName() string { return l.name }
