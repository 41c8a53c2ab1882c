package nfplot

import (
	"fmt"
	"image/color"
)

// Colours that can be told apart on white and on the blue and red of a heat map.
var (
	Black  = color.NRGBA{A: 255}
	Steel  = color.NRGBA{R: 31, G: 119, B: 180, A: 255}
	Blue   = color.NRGBA{B: 255, A: 255}
	Orange = color.NRGBA{R: 255, G: 127, B: 14, A: 255}
	Green  = color.NRGBA{R: 44, G: 160, B: 44, A: 255}
	Lime   = color.NRGBA{G: 255, A: 255}
	Red    = color.NRGBA{R: 235, A: 255}
	Pink   = color.NRGBA{R: 255, G: 105, B: 180, A: 255}
)

// Alpha returns the colour with the given opacity: 0 is invisible, 1 is opaque. It panics outside [0, 1].
func Alpha(c color.NRGBA, opacity float64) color.NRGBA {
	if !(opacity >= 0 && opacity <= 1) {
		panic(fmt.Sprintf("nfplot: Alpha: got opacity %v, want 0 to 1", opacity))
	}
	c.A = uint8(opacity*255 + 0.5)
	return c
}
