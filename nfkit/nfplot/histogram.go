package nfplot

import (
	"fmt"
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Histogram returns the layer that draws the values as a density. The bins are a number of them, of equal width from the
// smallest to the largest finite value, or their edges, one more than there are bins, of [Edges] for example: then a bin has
// its left edge, and the last one its right edge too. The area is the share of the values that are in a bin: what is not
// finite, or outside of the edges, is missing area.
// It panics when a number of bins is less than 1 or more than a million, or when edges are fewer than 2, not finite, or do
// not ascend.
func Histogram[Bins int | []float64](values []float64, bins Bins, c color.Color) Layer {
	var edges []float64
	switch bins := any(bins).(type) {
	case int:
		edges = evenEdges("Histogram", bins, values)
	case []float64:
		checkEdges("Histogram", bins)
		edges = bins
	}
	h := &histogram{edges: edges, color: c}
	if len(values) > 0 {
		h.density = density(values, edges)
	}
	return h
}

// Edges returns the edges of bins of equal width from the smallest to the largest finite value of all samples, so that
// histograms can share them. It panics when bins is less than 1 or more than a million.
func Edges(bins int, samples ...[]float64) []float64 { return evenEdges("Edges", bins, samples...) }

func evenEdges(operation string, bins int, samples ...[]float64) []float64 {
	if bins < 1 || bins > 1e6 {
		panic(fmt.Sprintf("nfplot: %s: got %d bins, want 1 to 1000000", operation, bins))
	}
	lo, hi := finiteRange(samples...)
	lo, hi = roomy(lo, hi, 0.5, 0.5)
	return span("x", lo, hi, bins+1)
}

func checkEdges(operation string, edges []float64) {
	if len(edges) < 2 {
		panic(fmt.Sprintf("nfplot: %s: got %d edges, want 2 or more", operation, len(edges)))
	}
	for i, e := range edges {
		if !isFinite(e) || i > 0 && e <= edges[i-1] {
			panic(fmt.Sprintf("nfplot: %s: got the edge %v at place %d, want finite ones that ascend", operation, e, i))
		}
	}
}

// binOf returns the bin of v; −1 if there is none.
func binOf(edges []float64, v float64) int {
	last := len(edges) - 1
	if !(v >= edges[0] && v <= edges[last]) {
		return -1
	}
	return min(sort.Search(last, func(i int) bool { return edges[i+1] > v }), last-1)
}

// density returns the share of the values in each bin, divided by its width.
func density(values, edges []float64) []float64 {
	d := make([]float64, len(edges)-1)
	for _, v := range values {
		if i := binOf(edges, v); i >= 0 {
			d[i]++
		}
	}
	for i := range d {
		half := edges[i+1]/2 - edges[i]/2 // the whole may overflow
		d[i] = d[i] / float64(len(values)) / 2 / half
	}
	return d
}

type histogram struct {
	edges   []float64
	density []float64 // nil: of nothing
	color   color.Color
}

// DataRange implements plot.DataRanger.
func (h *histogram) DataRange() (xmin, xmax, ymin, ymax float64) {
	if len(h.density) == 0 {
		return math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	}
	return h.edges[0], h.edges[len(h.edges)-1], 0, h.tallest()
}

func (h *histogram) tallest() float64 {
	_, top := finiteRange(h.density)
	return top
}

// Plot implements plot.Plotter. The bars are one shape, so that no seams show between them.
func (h *histogram) Plot(c draw.Canvas, p *plot.Plot) {
	if len(h.density) == 0 {
		return
	}
	outline := stairs(c, p, h.edges, h.density)
	c.FillPolygon(h.color, c.ClipPolygonXY(outline))
}

// stairs returns the outline of bars, from the axis up and back to it.
func stairs(c draw.Canvas, p *plot.Plot, edges, heights []float64) []vg.Point {
	place := placer(c, p)
	at := func(x, y float64) vg.Point {
		pt := place(x, y)
		if math.IsNaN(float64(pt.Y)) { // 0 on a logarithmic axis
			pt.Y = c.Min.Y
		}
		return pt
	}
	outline := []vg.Point{at(edges[0], 0)}
	for i, y := range heights {
		outline = append(outline, at(edges[i], y), at(edges[i+1], y))
	}
	return append(outline, at(edges[len(edges)-1], 0))
}

// Thumbnail implements plot.Thumbnailer.
func (h *histogram) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(h.color, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}
