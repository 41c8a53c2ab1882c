package nfplot

import (
	"image"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// canvas is a vgimg.Canvas that draws images of its own resolution, which are what layers are drawn into, in a fraction
// of the time: each of its pixels is the mean of four, where vgimg.Canvas computes the weights of nine.
type canvas struct {
	*vgimg.Canvas
	pixel float64 // pixels for one unit of length
	moved []bool  // whether the axes are other than at the start, for each Push without its Pop
}

func newCanvas(w, h vg.Length, scale int) *canvas {
	return &canvas{vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(72*scale)), float64(scale), []bool{false}}
}

// Push implements vg.Canvas.
func (c *canvas) Push() {
	c.moved = append(c.moved, c.moved[len(c.moved)-1])
	c.Canvas.Push()
}

// Pop implements vg.Canvas.
func (c *canvas) Pop() {
	c.moved = c.moved[:len(c.moved)-1]
	c.Canvas.Pop()
}

// Rotate implements vg.Canvas.
func (c *canvas) Rotate(angle float64) {
	c.moved[len(c.moved)-1] = true
	c.Canvas.Rotate(angle)
}

// Translate implements vg.Canvas.
func (c *canvas) Translate(p vg.Point) {
	c.moved[len(c.moved)-1] = true
	c.Canvas.Translate(p)
}

// Scale implements vg.Canvas.
func (c *canvas) Scale(x, y float64) {
	c.moved[len(c.moved)-1] = true
	c.Canvas.Scale(x, y)
}

// DrawImage implements vg.Canvas.
func (c *canvas) DrawImage(r vg.Rectangle, img image.Image) {
	size, target := img.Bounds().Size(), c.Image()
	x, y := c.pixel*float64(r.Size().X)/float64(size.X), c.pixel*float64(r.Size().Y)/float64(size.Y)
	if c.moved[len(c.moved)-1] || min(x, y) < 0.995 { // where pixels of the image are smaller, more than four are in each
		c.Canvas.DrawImage(r, img)
		return
	}
	left, top := c.pixel*float64(r.Min.X), float64(target.Bounds().Dy())-c.pixel*float64(r.Max.Y)
	draw.ApproxBiLinear.Transform(target, f64.Aff3{x, 0, left, 0, y, top}, img, img.Bounds(), draw.Over, nil)
}
