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

// Scatter returns the layer that draws a dot for each row of the n×2 matrix xy. A translucent colour ([Alpha])
// shows where many rows lie. It panics when xy has not two columns. An empty *mat.Dense is no rows.
func Scatter(xy mat.Matrix, c color.Color) Layer {
	if xy == nil {
		panic("nfplot: Scatter: got no matrix, want n×2")
	}
	n, columns := xy.Dims()
	if columns != 2 && n != 0 {
		panic(fmt.Sprintf("nfplot: Scatter: got a %d×%d matrix, want 2 columns", n, columns))
	}
	return &scatter{n: n, xy: func(i int) (x, y float64) { return xy.At(i, 0), xy.At(i, 1) }, radius: dotRadius, color: c}
}

const dotRadius = 3.2

type scatter struct {
	n      int
	xy     func(i int) (x, y float64)
	radius float64
	color  color.Color
}

// DataRange implements plot.DataRanger.
func (s *scatter) DataRange() (xmin, xmax, ymin, ymax float64) {
	return pointRange(s.n, s.xy)
}

// Plot implements plot.Plotter. The dots are drawn into an image, so that tens of thousands cost milliseconds and
// a vector file stays small.
func (s *scatter) Plot(c draw.Canvas, p *plot.Plot) {
	img := newRaster(c)
	width, height := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	dot := newStamp(s.radius*resolution, s.color)
	for i := range s.n {
		x, y := s.xy(i)
		if px, py := p.X.Norm(x)*width, (1-p.Y.Norm(y))*height; isFinite(px) && isFinite(py) {
			dot.blend(img, px, py)
		}
	}
	c.DrawImage(c.Rectangle, img)
}

// Thumbnail implements plot.Thumbnailer.
func (s *scatter) Thumbnail(c *draw.Canvas) {
	c.DrawGlyph(draw.GlyphStyle{Color: s.color, Radius: vg.Length(s.radius), Shape: draw.CircleGlyph{}}, c.Center())
}

// stamp is a disc with a smooth edge, in premultiplied colour.
type stamp struct {
	size   int
	r      [4]float64 // red, green, blue, alpha of the full colour, 0 to 1
	covers []float64  // size×size, 0 to 1
}

func newStamp(radius float64, c color.Color) stamp {
	r, g, b, a := c.RGBA()
	half := int(math.Ceil(radius + 0.5))
	d := stamp{size: 2*half + 1, r: [4]float64{float64(r) / 0xffff, float64(g) / 0xffff, float64(b) / 0xffff, float64(a) / 0xffff}}
	for y := -half; y <= half; y++ {
		for x := -half; x <= half; x++ {
			edge := radius + 0.5 - math.Hypot(float64(x), float64(y))
			d.covers = append(d.covers, min(max(edge, 0), 1))
		}
	}
	return d
}

// blend draws the stamp over the image, its centre in the pixel that has the point (x, y).
func (d stamp) blend(img *image.RGBA, x, y float64) {
	size := float64(d.size)
	if x < -size || y < -size || x > float64(img.Rect.Dx())+size || y > float64(img.Rect.Dy())+size {
		return
	}
	left, top := int(math.Floor(x))-d.size/2, int(math.Floor(y))-d.size/2
	box := image.Rect(left, top, left+d.size, top+d.size).Intersect(img.Rect)
	for py := box.Min.Y; py < box.Max.Y; py++ {
		for px := box.Min.X; px < box.Max.X; px++ {
			cover := d.covers[(py-top)*d.size+px-left]
			if cover == 0 {
				continue
			}
			pixel := img.Pix[img.PixOffset(px, py):][:4]
			keep := 1 - d.r[3]*cover
			for k := range pixel {
				pixel[k] = uint8(float64(pixel[k])*keep + d.r[k]*cover*255 + 0.5)
			}
		}
	}
}
