package nfplot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Band returns the layer that fills the area between two lines over the same x, with a gap where one of the numbers is not
// finite. It panics when the three differ in length.
func Band(x, lower, upper []float64, c color.Color) Layer {
	if len(x) != len(lower) || len(x) != len(upper) {
		panic(fmt.Sprintf("nfplot: Band: got %d x, %d lower and %d upper ends, want as many of all", len(x), len(lower), len(upper)))
	}
	return &band{x: x, lower: lower, upper: upper, color: c}
}

type band struct {
	x, lower, upper []float64
	color           color.Color
}

// DataRange implements plot.DataRanger.
func (b *band) DataRange() (xmin, xmax, ymin, ymax float64) {
	n := len(b.x)
	return pointRange(2*n, func(i int) (x, y float64) {
		switch i, j := i/2, i%2; {
		case !isFinite(b.lower[i]) || !isFinite(b.upper[i]):
			return math.NaN(), math.NaN()
		case j == 0:
			return b.x[i], b.lower[i]
		default:
			return b.x[i], b.upper[i]
		}
	})
}

// Plot implements plot.Plotter.
func (b *band) Plot(c draw.Canvas, p *plot.Plot) {
	place := placer(c, p)
	var lower, upper []vg.Point
	fill := func() {
		outline := append([]vg.Point{}, lower...)
		for i := range upper {
			outline = append(outline, upper[len(upper)-1-i])
		}
		if len(lower) > 1 {
			c.FillPolygon(b.color, c.ClipPolygonXY(outline))
		}
		lower, upper = nil, nil
	}
	for i, x := range b.x {
		lo, hi := place(x, b.lower[i]), place(x, b.upper[i])
		if math.IsNaN(float64(lo.X + lo.Y + hi.Y)) {
			fill()
			continue
		}
		lower, upper = append(lower, lo), append(upper, hi)
	}
	fill()
}

// Thumbnail implements plot.Thumbnailer.
func (b *band) Thumbnail(c *draw.Canvas) { (&histogram{color: b.color}).Thumbnail(c) }
