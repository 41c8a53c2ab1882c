package nfplot

import (
	"bytes"
	"image"
	"image/png"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// laidOut returns what is drawn for d: a plot alone is a figure, an animation its last frame.
func laidOut(d Drawing) Drawing {
	switch d := d.(type) {
	case *plot.Plot:
		return Row(d)
	case *Animation:
		return laidOut(d.frames[len(d.frames)-1])
	}
	return d
}

// sizeOf returns the size of a drawing in pixels of a notebook page.
func sizeOf(d Drawing) (width, height vg.Length) {
	switch d := laidOut(d).(type) {
	case *Figure:
		width, height = d.size()
	case *Bar:
		width, height = d.width(300)+16, 300
	default:
		width, height = 560, 420
	}
	return floor(width + 0.5), floor(height + 0.5)
}

// render draws with the given number of image pixels for one of the page.
func render(d Drawing, scale int) *image.RGBA {
	d = laidOut(d)
	w, h := sizeOf(d)
	c := newCanvas(w, h, scale)
	d.Draw(draw.New(c))
	return c.Image().(*image.RGBA)
}

// encodePNG writes the image with a palette: of 256 colours, or 144, or 64 if the file would be larger than goal.
func encodePNG(img *image.RGBA, goal int) []byte {
	for colors := 256; ; {
		var b bytes.Buffer
		// The best compression saves a fourteenth of the bytes, and takes longer than the drawing.
		if err := png.Encode(&b, quantize(img, colors)); err != nil {
			panic("nfplot: " + err.Error()) // a buffer takes everything, and the image is valid
		}
		switch {
		case b.Len() <= goal || colors == 64:
			return b.Bytes()
		case colors == 256 && b.Len() <= goal*3/2:
			colors = 144
		default:
			colors = 64
		}
	}
}

// PNG returns the drawing as the file that [Show] sends: twice as many pixels as on a notebook page. The bytes depend on
// the drawing alone. Most figures take less than 120 KB, and colours are merged if one would take more than 140; very large
// ones may take more.
func PNG(d Drawing) []byte {
	img := render(d, resolution)
	const usual = 1.6e6 // pixels; larger figures may take more
	return encodePNG(img, int(140<<10*max(1, float64(len(img.Pix)/4)/usual)))
}
