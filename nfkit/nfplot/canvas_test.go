package nfplot

import (
	"image"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// An image on a canvas is that on vgimg.Canvas, up to rounding: at any place, of about the canvas's resolution, coarser
// or finer, translucent, and with axes that are moved.
func TestCanvasDrawsImages(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, scale := range []int{1, 2} {
		for _, size := range []image.Point{{60, 40}, {61, 40}, {120, 80}, {7, 5}, {1, 1}} {
			img := image.NewRGBA(image.Rectangle{Max: size})
			for i := 0; i < len(img.Pix); i += 4 {
				a := uint8(r.IntN(256))
				img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = a/2, a, uint8(r.IntN(int(a)+1)), a
			}
			for name, move := range map[string]func(c vg.Canvas){
				"as it is": func(vg.Canvas) {},
				"translated, which ends": func(c vg.Canvas) {
					c.Push()
					c.Translate(vg.Point{X: 9, Y: 7})
					c.Pop()
				},
				"translated": func(c vg.Canvas) { c.Translate(vg.Point{X: 9, Y: 7}) },
				"rotated":    func(c vg.Canvas) { c.Rotate(0.1) },
				"scaled":     func(c vg.Canvas) { c.Push(); c.Scale(0.5, 0.7); c.Push() },
			} {
				want, got := vgimg.NewWith(vgimg.UseWH(100, 80), vgimg.UseDPI(72*scale)), newCanvas(100, 80, scale)
				at := vg.Rectangle{Min: vg.Point{X: 10.3, Y: 20.6}, Max: vg.Point{X: 70.1, Y: 60.4}}
				for _, c := range []vg.Canvas{want, got} {
					move(c)
					c.DrawImage(at, img)
				}
				if d := farthest(got.Image().(*image.RGBA), want.Image().(*image.RGBA)); d > 2 {
					t.Errorf("%s: %v pixels at scale %d: colours are off by %d of 255", name, size, scale, d)
				}
			}
		}
	}
}

// farthest returns the largest difference between colours of two images of one size.
func farthest(a, b *image.RGBA) (most int) {
	for i := range a.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		most = max(most, d, -d)
	}
	return most
}
