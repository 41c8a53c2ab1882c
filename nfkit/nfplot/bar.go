package nfplot

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bar is the colour bar of a scale. In [Row] and [Panels] it stands at the right of the plot before it.
type Bar struct{ scale *Scale }

// Bar returns the scale's colour bar: its colours, what numbers they mean, and its label.
func (s *Scale) Bar() *Bar { return &Bar{scale: s} }

const (
	barGap   = 14 // between plot and bar
	barWidth = 16
)

// axis returns the bar's numbers as an axis, in the style of [New].
func (b *Bar) axis() plot.Axis {
	a := New("", "", "").Y
	a.Label.Text = b.scale.Label
	a.Min, a.Max = b.scale.limits()
	return a
}

// width is the room that a bar of the height takes to the right of a plot, with its numbers, its label and the gap before it.
func (b *Bar) width(height vg.Length) vg.Length {
	a := b.axis()
	w := barGap + barWidth + a.Tick.Length + tickPadding + widest(yTicks(a, height), a.Tick.Label)
	if a.Label.Text != "" {
		w += a.Label.Padding + lineHeight(a.Label.TextStyle)
	}
	return w
}

// drawAt draws the colours in the rectangle and numbers and label beside it.
func (b *Bar) drawAt(c draw.Canvas, r vg.Rectangle) {
	c.Rectangle = r
	img := newRaster(c)
	size, colors := img.Rect.Size(), b.scale.colors
	for y := range size.Y {
		for x := range size.X {
			img.SetRGBA(x, size.Y-1-y, colors[y*len(colors)/size.Y])
		}
	}
	c.DrawImage(r, img)

	a := b.axis()
	strokeRectangle(c, a.LineStyle, r)
	ticks := yTicks(a, r.Size().Y)
	x := r.Max.X
	for _, t := range ticks {
		y := c.Y(a.Norm(t.Value))
		c.StrokeLine2(a.Tick.LineStyle, x, y, x+a.Tick.Length, y)
		drawText(c, a.Tick.Label, draw.XLeft, x+a.Tick.Length+tickPadding, y-capHeight/2*a.Tick.Label.Font.Size, t.Label)
	}
	x += a.Tick.Length + tickPadding + widest(ticks, a.Tick.Label) + a.Label.Padding
	drawUpwards(c, a.Label.TextStyle, x+0.85*a.Label.TextStyle.Font.Size, c.Center().Y, a.Label.Text)
}

// Draw implements [Drawing]: it draws the bar alone, as high as the canvas allows.
func (b *Bar) Draw(c draw.Canvas) {
	const room = 8 // for the outer halves of the numbers
	x := c.Min.X + room
	b.drawAt(c, vg.Rectangle{Min: vg.Point{X: x, Y: c.Min.Y + room}, Max: vg.Point{X: x + barWidth, Y: c.Max.Y - room}})
}
