package nfplot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Histogram returns the layer that draws the values as a density: bins of equal width from the smallest to the largest
// finite value, with the area 1. Values that are not finite count in the total, and their share of the area is missing.
// It panics when bins is less than 1.
func Histogram(values []float64, bins int, c color.Color) Layer {
	if bins < 1 {
		panic(fmt.Sprintf("nfplot: Histogram: got %d bins, want 1 or more", bins))
	}
	lo, hi := finiteRange(values)
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	h := &histogram{lo: lo, width: (hi - lo) / float64(bins), color: c}
	if len(values) == 0 {
		return h
	}
	h.density = make([]float64, bins)
	each := 1 / (float64(len(values)) * h.width)
	for _, v := range values {
		if isFinite(v) {
			h.density[min(int((v-lo)/h.width), bins-1)] += each
		}
	}
	return h
}

type histogram struct {
	lo, width float64
	density   []float64
	color     color.Color
}

// DataRange implements plot.DataRanger.
func (h *histogram) DataRange() (xmin, xmax, ymin, ymax float64) {
	if len(h.density) == 0 {
		return math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	}
	_, top := finiteRange(h.density)
	return h.lo, h.lo + h.width*float64(len(h.density)), 0, top
}

// Plot implements plot.Plotter. The bars are one shape, so that no seams show between them.
func (h *histogram) Plot(c draw.Canvas, p *plot.Plot) {
	if len(h.density) == 0 {
		return
	}
	toX, toY := p.Transforms(&c)
	outline := []vg.Point{{X: toX(h.lo), Y: toY(0)}}
	for i, d := range h.density {
		left, right := toX(h.lo+h.width*float64(i)), toX(h.lo+h.width*float64(i+1))
		outline = append(outline, vg.Point{X: left, Y: toY(d)}, vg.Point{X: right, Y: toY(d)})
	}
	outline = append(outline, vg.Point{X: outline[len(outline)-1].X, Y: toY(0)})
	c.FillPolygon(h.color, c.ClipPolygonXY(outline))
}

// Thumbnail implements plot.Thumbnailer.
func (h *histogram) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(h.color, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}
