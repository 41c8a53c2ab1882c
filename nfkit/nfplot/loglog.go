package nfplot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// LogLog returns a plot like [New] whose axes are both logarithmic, of costs over sizes for example: a power law is a straight
// line on it. What is not positive has no place on such an axis; it becomes linear, and its label says so, if a layer
// has such values.
func LogLog(title, xLabel, yLabel string, layers ...Layer) *plot.Plot {
	p := New(title, xLabel, yLabel)
	setLog(&p.X)
	setLog(&p.Y)
	Add(p, layers...)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		if _, log := a.Scale.(logScale); log {
			widenLog(a)
		} else {
			widen(a, 0.05, 0.05)
		}
	}
	return p
}

// Marked returns a [Line] with a dot at each of its points: for few of them, of measurements.
func Marked(name string, x, y []float64, style draw.LineStyle) Layer {
	if len(x) != len(y) {
		panic(fmt.Sprintf("nfplot: Marked: got %d x and %d y, want as many of both", len(x), len(y)))
	}
	return &marked{line{name: name, x: x, y: y, style: style}}
}

type marked struct{ line }

// Plot implements plot.Plotter.
func (m *marked) Plot(c draw.Canvas, p *plot.Plot) {
	m.line.Plot(c, p)
	place := placer(c, p)
	for i := range m.x {
		if at := place(m.x[i], m.y[i]); !math.IsNaN(float64(at.X+at.Y)) && c.Contains(at) {
			m.dot(&c, at)
		}
	}
}

// Thumbnail implements plot.Thumbnailer.
func (m *marked) Thumbnail(c *draw.Canvas) {
	m.line.Thumbnail(c)
	m.dot(c, c.Center())
}

func (m *marked) dot(c *draw.Canvas, at vg.Point) {
	c.DrawGlyph(draw.GlyphStyle{Color: m.style.Color, Radius: 2 * m.style.Width, Shape: draw.CircleGlyph{}}, at)
}
