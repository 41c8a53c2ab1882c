package nfplot

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Images returns a figure of the rows of x as images, from left to right and top to bottom, each with its title if there is
// one for it. A row has height·width·channels numbers, the pixels row by row from the top and the channels of a pixel side by
// side: 1 for grey, 3 for red, green and blue. 0 is black and 1 is white or full; what lies outside has the nearer of the two
// colours, and a pixel with a NaN is magenta. Eight images are side by side; [Figure.Wrap] changes that.
// It panics when the shape is not that of a row, there are no rows, or there are more titles than rows.
func Images(x mat.Matrix, height, width, channels int, titles ...string) *Figure {
	if x == nil {
		panic("nfplot: Images: got no matrix, want one image in each row")
	}
	n, d := x.Dims()
	if min(height, width) < 1 || channels != 1 && channels != 3 || d != height*width*channels {
		panic(fmt.Sprintf("nfplot: Images: got rows of %d numbers for %d×%d pixels of %d channels, want 1 or 3 channels and height·width·channels numbers", d, height, width, channels))
	}
	if n < len(titles) || n < 1 {
		panic(fmt.Sprintf("nfplot: Images: got %d rows and %d titles, want one row or more, and no more titles than rows", n, len(titles)))
	}
	panels := make([]Drawing, n)
	for k := range panels {
		title := ""
		if k < len(titles) {
			title = titles[k]
		}
		p := New(title, "", "", newPixels(mat.Row(nil, k, x), height, width, channels))
		p.Title.TextStyle.Font.Size = 11
		p.Title.Padding = 3
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, float64(width), 0, float64(height)
		p.HideAxes()
		panels[k] = p
	}
	f := Panels(panels...)
	f.gap = 8
	f.tallest = floor(imageSide * vg.Length(min(1, float64(height)/float64(width))))
	return f.Wrap(8)
}

const imageSide = 112 // the longer one of an image, unless it has to be shorter

// pixels is an image that fills its plot.
type pixels struct{ image *image.RGBA }

func newPixels(row []float64, height, width, channels int) pixels {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range height * width {
		v := row[i*channels : (i+1)*channels]
		c := color.RGBA{A: 255}
		switch {
		case math.IsNaN(v[0]) || math.IsNaN(v[channels-1]) || math.IsNaN(v[channels/2]):
			c.R, c.B = 255, 255
		default:
			c.R, c.G, c.B = level(v[0]), level(v[channels/2]), level(v[channels-1])
		}
		img.SetRGBA(i%width, i/width, c)
	}
	return pixels{img}
}

func level(v float64) uint8 { return uint8(255*min(max(v, 0), 1) + 0.5) }

// Plot implements plot.Plotter. Pixels stay squares of one colour.
func (px pixels) Plot(c draw.Canvas, _ *plot.Plot) {
	img := newRaster(c)
	size, source := img.Rect.Size(), px.image.Rect.Size()
	for y := range size.Y {
		for x := range size.X {
			img.SetRGBA(x, y, px.image.RGBAAt(x*source.X/size.X, y*source.Y/size.Y))
		}
	}
	c.DrawImage(c.Rectangle, img)
}
