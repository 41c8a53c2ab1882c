package nfplot

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestAnimation(t *testing.T) {
	grid := NewGrid(-0.5, 2.1, 60, -3, 6, 80)
	scale := BlueRed("Probability Density", 0, 0.4)
	var frames []Drawing
	for k := range 20 {
		s := 1 + float64(k)/8
		field := grid.Eval(func(a, b float64) float64 { return normal(a, 1, s) * normal(b, a, s) })
		frames = append(frames, Panels(New(fmt.Sprintf("Epoch %d", k), "a", "b", Heat(field, scale)), scale.Bar()))
	}
	html := Animate(frames...).HTML()
	if len(html) > 1e6 {
		t.Errorf("20 frames take %d bytes, want less than 1 MB", len(html))
	}
	if strings.Contains(html, "<script") {
		t.Error("the fragment has a script element, which some pages show as text")
	}
	few := Animate(frames[:2]...)
	if first := few.HTML(); few.HTML() != first {
		t.Error("the same frames give another fragment")
	}
	others := regexp.MustCompile(` data-frames="([^"]*)"`).FindStringSubmatch(html)
	if others == nil || len(strings.Fields(others[1])) != 19 {
		t.Fatal("want the other 19 frames in data-frames")
	}
	source := regexp.MustCompile(` src="data:image/png;base64,([^"]*)"`).FindStringSubmatch(html)
	if source == nil {
		t.Fatal("no image in the fragment")
	}
	last, err := base64.StdEncoding.DecodeString(source[1])
	if err != nil {
		t.Fatal(err)
	}
	if off, n := differing(decode(t, last), decode(t, PNG(frames[19]))); off*100 > n { // it may have fewer colours
		t.Errorf("%d of %d pixels of the image differ from the last frame", off, n)
	}
}

func TestAnimationOfOneFrame(t *testing.T) {
	p := New("", "x", "y")
	a := Animate(p)
	if html := a.HTML(); strings.Contains(html, "onload") || !strings.Contains(html, "<img") {
		t.Errorf("got %.80s…, want an image without controls", html)
	}
	if !bytes.Equal(PNG(a), PNG(p)) {
		t.Error("the picture of an animation is not its last frame")
	}
}
