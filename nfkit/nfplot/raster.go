package nfplot

import (
	"image"

	"gonum.org/v1/plot/vg/draw"
)

// resolution is the number of image pixels for one unit of length, in both directions.
const resolution = 2

// newRaster returns a transparent image that covers the canvas at the resolution of an image file.
func newRaster(c draw.Canvas) *image.RGBA {
	size := c.Size()
	w, h := int(size.X*resolution+0.5), int(size.Y*resolution+0.5)
	return image.NewRGBA(image.Rect(0, 0, max(w, 1), max(h, 1)))
}
