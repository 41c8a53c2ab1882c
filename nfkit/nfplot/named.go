package nfplot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
)

// Named returns the layer with a name for the legend: [Histogram], [Scatter], or a plotter of gonum's that has a thumbnail.
// [Line] and [Curve] take their names themselves. It panics when the layer has no thumbnail.
func Named(name string, layer Layer) Layer {
	thumbnail, ok := layer.(plot.Thumbnailer)
	if !ok {
		panic(fmt.Sprintf("nfplot: Named: got %q for a %T, want a layer with a thumbnail", name, layer))
	}
	return named{Layer: layer, Thumbnailer: thumbnail, name: name}
}

type named struct {
	Layer
	plot.Thumbnailer
	name string
}

func (n named) legendName() string { return n.name }

// DataRange implements plot.DataRanger.
func (n named) DataRange() (xmin, xmax, ymin, ymax float64) {
	if r, ok := n.Layer.(plot.DataRanger); ok {
		return r.DataRange()
	}
	return math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
}

// GlyphBoxes implements plot.GlyphBoxer.
func (n named) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	if b, ok := n.Layer.(plot.GlyphBoxer); ok {
		return b.GlyphBoxes(p)
	}
	return nil
}
