package nfplot

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// ECDF returns the layer that draws the empirical distribution function of the values, a step of 1/n at each. NaN counts in
// the total: the function then ends below 1. A name puts it in the legend.
func ECDF(name string, values []float64, style draw.LineStyle) Layer {
	return &ecdf{name: name, sorted: ordered(values), total: len(values), style: style}
}

// ordered returns the finite values in ascending order.
func ordered(values []float64) []float64 {
	v := make([]float64, 0, len(values))
	for _, x := range values {
		if isFinite(x) {
			v = append(v, x)
		}
	}
	slices.Sort(v)
	return v
}

type ecdf struct {
	name   string
	sorted []float64
	total  int
	minus  bool // minus the distribution function of a uniform number
	style  draw.LineStyle
}

// steps returns the corners of the function; at each value the one before the step and the one after.
func (e *ecdf) steps() (x, y []float64) {
	add := func(at, share float64) {
		if e.minus {
			share -= at
		}
		x, y = append(x, at), append(y, share)
	}
	if e.minus {
		add(0, 0)
	}
	for i, v := range e.sorted {
		add(v, float64(i)/float64(e.total))
		add(v, float64(i+1)/float64(e.total))
	}
	if e.minus {
		add(1, float64(len(e.sorted))/float64(e.total))
	}
	return x, y
}

func (e *ecdf) line() *line {
	x, y := e.steps()
	return &line{x: x, y: y, style: e.style}
}

// DataRange implements plot.DataRanger.
func (e *ecdf) DataRange() (xmin, xmax, ymin, ymax float64) { return e.line().DataRange() }

// Plot implements plot.Plotter.
func (e *ecdf) Plot(c draw.Canvas, p *plot.Plot) {
	l := e.line()
	if !e.minus && len(e.sorted) > 0 { // 0 before the first value, and level after the last
		last := len(l.x) - 1
		l.x = append(append([]float64{min(p.X.Min, l.x[0])}, l.x...), max(p.X.Max, l.x[last]))
		l.y = append(append([]float64{0}, l.y...), l.y[last])
	}
	l.Plot(c, p)
}

// Thumbnail implements plot.Thumbnailer.
func (e *ecdf) Thumbnail(c *draw.Canvas) { e.line().Thumbnail(c) }

func (e *ecdf) legendName() string { return e.name }
