package nfplot

import (
	"encoding/base64"
	"fmt"
	"html"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/internal/player"
	"gonum.org/v1/plot/vg/draw"
)

// Animation is a sequence of drawings with a player: play, pause and a slider.
type Animation struct{ frames []Drawing }

// Animate returns the animation of the frames, which should have one size. It panics without frames.
func Animate(frames ...Drawing) *Animation {
	if len(frames) == 0 {
		panic("nfplot: Animate: got no frames, want one or more")
	}
	return &Animation{frames: frames}
}

// Draw implements [Drawing]: it draws the last frame.
func (a *Animation) Draw(c draw.Canvas) { laidOut(a).Draw(c) }

// HTML returns the animation as a fragment of a page that needs no server and no other file. It is the last frame as an
// image; its load handler has the other frames and adds the controls. Where a page strips scripts, the last frame stays.
// Twenty frames stay below 1 MB: if a frame would take more than its part, colours are merged, and then pixels are.
func (a *Animation) HTML() string {
	frames := a.encode()
	var others strings.Builder
	for _, png := range frames[:len(frames)-1] {
		others.WriteString(dataURI(png))
		others.WriteByte(' ')
	}
	width := pageWidth(a)
	script := ""
	if len(frames) > 1 {
		script = fmt.Sprintf(` data-frames="%s" onload="%s"`, strings.TrimSpace(others.String()), html.EscapeString(player.Script))
	}
	return fmt.Sprintf(`<div><img alt="the last of %d frames" width="%d" style="max-width:100%%" src="%s"%s></div>`,
		len(frames), width, dataURI(frames[len(frames)-1]), script)
}

// encode returns the frames as PNG, at half the resolution if they would not fit into 1 MB of text for each 20.
func (a *Animation) encode() [][]byte {
	const text = 4.0 / 3 // bytes of base64 for one byte
	goal := int(1e6 / 20 / text * 0.97)
	for scale := resolution; ; scale-- {
		left := goal * len(a.frames)
		var frames [][]byte
		for _, d := range a.frames {
			png := encodePNG(render(d, scale), goal)
			if left -= len(png); left < 0 && scale > 1 {
				break
			}
			frames = append(frames, png)
		}
		if len(frames) == len(a.frames) {
			return frames
		}
	}
}

func dataURI(png []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)
}
