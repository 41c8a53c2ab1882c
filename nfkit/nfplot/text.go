package nfplot

import (
	"strings"
	"sync"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// missing stands for a character that the font lacks.
const missing = '□'

// visible writes plain text, with a box in the place of each character that the font lacks: gonum leaves them blank.
type visible struct{ text.Handler }

// Box implements text.Handler.
func (v visible) Box(txt string, fnt font.Font) (width, height, depth vg.Length) {
	return v.Handler.Box(v.replace(txt, fnt), fnt)
}

// Draw implements text.Handler.
func (v visible) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	v.Handler.Draw(c, v.replace(txt, sty.Font), sty, pt)
}

// glyphs guards the buffer with which characters are looked up.
var glyphs struct {
	sync.Mutex
	sfnt.Buffer
}

func (v visible) replace(txt string, fnt font.Font) string {
	face := v.Cache().Lookup(fnt, fnt.Size).Face
	glyphs.Lock()
	defer glyphs.Unlock()
	return strings.Map(func(r rune) rune {
		if i, err := face.GlyphIndex(&glyphs.Buffer, r); i == 0 || err != nil {
			return missing
		}
		return r
	}, txt)
}
