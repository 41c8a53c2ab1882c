package nfplot

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// HLine returns the layer that draws a horizontal line at y across the whole plot; none if y is not finite.
// A name puts it in the legend.
func HLine(name string, y float64, style draw.LineStyle) Layer {
	return &across{name: name, at: y, style: style}
}

// VLine returns the layer that draws a vertical line at x from the bottom to the top of the plot; none if x is not finite.
// A name puts it in the legend.
func VLine(name string, x float64, style draw.LineStyle) Layer {
	return &across{name: name, at: x, vertical: true, style: style}
}

type across struct {
	name     string
	at       float64
	vertical bool
	style    draw.LineStyle
}

// DataRange implements plot.DataRanger.
func (a *across) DataRange() (xmin, xmax, ymin, ymax float64) {
	none, end := math.Inf(1), math.Inf(-1)
	switch {
	case !isFinite(a.at):
		return none, end, none, end
	case a.vertical:
		return a.at, a.at, none, end
	}
	return none, end, a.at, a.at
}

// Plot implements plot.Plotter.
func (a *across) Plot(c draw.Canvas, p *plot.Plot) {
	if a.vertical {
		if t := p.X.Norm(a.at); t >= 0 && t <= 1 {
			c.StrokeLine2(a.style, c.X(t), c.Min.Y, c.X(t), c.Max.Y)
		}
	} else if t := p.Y.Norm(a.at); t >= 0 && t <= 1 {
		c.StrokeLine2(a.style, c.Min.X, c.Y(t), c.Max.X, c.Y(t))
	}
}

// Thumbnail implements plot.Thumbnailer.
func (a *across) Thumbnail(c *draw.Canvas) { (&line{style: a.style}).Thumbnail(c) }

func (a *across) legendName() string { return a.name }
