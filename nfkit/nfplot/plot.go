package nfplot

import (
	"fmt"

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
	p.TextHandler = visible{p.TextHandler}
	p.Title.TextStyle.Handler, p.Legend.TextStyle.Handler = p.TextHandler, p.TextHandler
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Scale = linearScale{}
		axis.Label.TextStyle.Handler, axis.Tick.Label.Handler = p.TextHandler, p.TextHandler
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

// Add puts layers on top of the plot, and those with a name in its legend. It widens the axes to what it adds, and leaves no room
// around that as [New] does.
// A logarithmic axis becomes linear, and its label says so, if a layer has values that are not positive.
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
	linearUnlessPositive(&p.X)
	linearUnlessPositive(&p.Y)
}

// Limits sets the ends of both axes. What lies outside is not drawn.
// It panics unless both ranges are finite and ascend.
func Limits(p *plot.Plot, xmin, xmax, ymin, ymax float64) {
	if !(xmin < xmax) || !(ymin < ymax) || !isFinite(xmin) || !isFinite(xmax) || !isFinite(ymin) || !isFinite(ymax) {
		panic(fmt.Sprintf("nfplot: Limits: got x from %v to %v and y from %v to %v, want finite numbers that ascend", xmin, xmax, ymin, ymax))
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = xmin, xmax, ymin, ymax
}

// addRoom widens the axes by a twentieth of their range on each side, where no layer asks for a tight fit.
func addRoom(p *plot.Plot, layers []Layer) {
	bottom := 0.05
	for _, layer := range layers {
		if n, ok := layer.(named); ok {
			layer = n.Layer
		}
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

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}
