package nfplot

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// Layer is one thing that a plot draws. Every plotter of gonum/plot is a layer.
type Layer = plot.Plotter

// New returns a plot of the layers, the first at the bottom, with the labels of its axes; empty ones are left out.
// Layers with a name are in the legend, which stands at the top right: set Legend.Left to move it.
// The axes leave a little room around the data, none around a heat map and none below a histogram. [Limits] sets them.
func New(title, xLabel, yLabel string, layers ...Layer) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = sans(14)
	p.Title.Padding = 6
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Padding = 0
		axis.LineStyle.Width = 0.8
		axis.Label.TextStyle.Font = sans(13)
		axis.Label.Padding = 2
		axis.Tick.Label.Font = sans(12)
		axis.Tick.LineStyle.Width = 0.8
		axis.Tick.Length = 4
		axis.Tick.Marker = linearTicks{}
	}
	p.Y.Label.Padding = 6 // room for descenders
	p.Legend.TextStyle.Font = sans(12)
	p.Legend.Top = true
	p.Legend.Padding = 3
	p.Legend.ThumbnailWidth = 24
	Add(p, layers...)
	addRoom(p, layers)
	return p
}

// Add puts layers on top of the plot, and those with a name in its legend. It widens the axes to what it adds.
// The logarithmic axis of [Loss] becomes linear, and its label says so, if a layer has values that are not positive.
func Add(p *plot.Plot, layers ...Layer) {
	for _, layer := range layers {
		p.Add(layer)
		if l, ok := layer.(interface {
			plot.Thumbnailer
			legendName() string
		}); ok && l.legendName() != "" {
			p.Legend.Add(l.legendName(), l)
		}
	}
	if _, log := p.Y.Scale.(logScale); log && p.Y.Min <= 0 {
		p.Y.Scale, p.Y.Tick.Marker = plot.LinearScale{}, linearTicks{}
		p.Y.Label.Text += notPositive
	}
}

// Limits sets the ends of both axes. What lies outside is not drawn.
func Limits(p *plot.Plot, xmin, xmax, ymin, ymax float64) {
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = xmin, xmax, ymin, ymax
}

// addRoom widens the axes by a twentieth of their range on each side, where no layer asks for a tight fit.
func addRoom(p *plot.Plot, layers []Layer) {
	bottom := 0.05
	for _, layer := range layers {
		switch layer.(type) {
		case heat:
			return
		case *histogram:
			bottom = 0
		}
	}
	widen(&p.X, 0.05, 0.05)
	widen(&p.Y, bottom, 0.05)
}

func widen(axis *plot.Axis, below, above float64) {
	if size := axis.Max - axis.Min; size > 0 && isFinite(size) {
		axis.Min -= below * size
		axis.Max += above * size
	}
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}
