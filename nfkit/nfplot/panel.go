package nfplot

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// panel is a plot in a figure. It draws axes, title and legend itself, so that the figure decides where the data go.
type panel struct {
	plot.Plot      // a copy: the user's plot is never changed
	hideX, hideY   bool
	absent         bool // an empty place of a figure
	empty          bool // an axis has no range
	turned         bool // numbers of the x axis stand at 45 degrees
	xTicks, yTicks []plot.Tick
	titleLines     []string
	width, height  vg.Length // of the data
	titleSize      vg.Length // of the title's font, before it is made smaller
	bars           []*Bar
	room           margins // of its column and row, so that labels are in line
	inner          bool    // no number of the x axis stands at an end
}

// margins is the room that a panel needs around its data.
type margins struct{ left, right, top, bottom vg.Length }

func newPanel(p *plot.Plot) *panel {
	n := &panel{Plot: *p, titleSize: p.Title.TextStyle.Font.Size}
	n.empty = !hasRange(n.X) || !hasRange(n.Y)
	tidyRange(&n.X)
	tidyRange(&n.Y)
	n.fit(400, 300)
	n.fitTitle(400)
	return n
}

// fit chooses ticks for a data rectangle of the size.
func (n *panel) fit(width, height vg.Length) {
	n.width, n.height = width, height
	if n.empty || n.absent {
		return // numbers would mean nothing
	}
	n.xTicks = xTicks(n.X, width)
	n.turned = crowded(n.X, width, n.xTicks)
	n.yTicks = yTicks(n.Y, height)
}

// fitTitle breaks the title into lines of the width.
func (n *panel) fitTitle(width vg.Length) {
	n.titleLines = wrapText(n.Title.Text, n.Title.TextStyle, width)
}

// longestWord is the width of the title's longest word in its full size.
func (n *panel) longestWord() (width vg.Length) {
	style := n.Title.TextStyle
	style.Font.Size = n.titleSize
	for _, word := range strings.Fields(n.Title.Text) {
		width = max(width, style.Width(word))
	}
	return width
}

// wrapText breaks the text at spaces where its lines would be wider.
func wrapText(txt string, style text.Style, width vg.Length) []string {
	var lines []string
	for _, paragraph := range strings.Split(txt, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case style.Width(line+" "+word) <= width:
				line += " " + word
			default:
				lines = append(lines, line)
				line = word
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// margins measures ticks, labels, title and bars.
func (n *panel) margins() margins {
	var m margins
	if n.absent {
		return m
	}
	m.left, m.bottom = n.Y.Tick.Length, n.X.Tick.Length
	if !n.hideY {
		if len(n.yTicks) > 0 {
			m.left += tickPadding + widest(n.yTicks, n.Y.Tick.Label)
			m.top = n.Y.Tick.Label.Font.Size / 2
		}
		if n.Y.Label.Text != "" {
			m.left += n.Y.Label.Padding + lineHeight(n.Y.Label.TextStyle)
		}
	}
	if !n.hideX {
		if len(n.xTicks) > 0 {
			m.bottom += tickPadding + n.labelHeight()
		}
		if n.X.Label.Text != "" {
			m.bottom += n.X.Label.Padding + lineHeight(n.X.Label.TextStyle)
		}
		if n.turned {
			for _, t := range n.xTicks {
				at := n.width * vg.Length(n.X.Norm(t.Value))
				m.left = max(m.left, math.Sqrt2/2*n.X.Tick.Label.Width(t.Label)-at)
			}
		} else if k := len(n.xTicks); k > 0 && !n.inner {
			m.right = n.X.Tick.Label.Width(n.xTicks[k-1].Label) / 2
			m.left = max(m.left, n.X.Tick.Label.Width(n.xTicks[0].Label)/2)
		}
	}
	if k := len(n.titleLines); k > 0 {
		m.top = n.Title.Padding + vg.Length(k)*lineHeight(n.Title.TextStyle)
	}
	if len(n.bars) > 0 {
		m.right = 0
		for _, b := range n.bars {
			m.right += b.width(n.height)
		}
	}
	return m
}

// labelHeight is the height of the labels of the x axis.
func (n *panel) labelHeight() vg.Length {
	if n.turned {
		return math.Sqrt2 / 2 * (widest(n.xTicks, n.X.Tick.Label) + lineHeight(n.X.Tick.Label))
	}
	return lineHeight(n.X.Tick.Label)
}

const tickPadding = 3 // between a tick and its label

func widest(ticks []plot.Tick, style text.Style) vg.Length {
	var w vg.Length
	for _, t := range ticks {
		w = max(w, style.Width(t.Label))
	}
	return w
}

func lineHeight(style text.Style) vg.Length { return style.Font.Size * 1.15 }

// drawAt draws the panel with its data in the rectangle.
func (n *panel) drawAt(c draw.Canvas, data vg.Rectangle) {
	if n.absent {
		return
	}
	bare := n.Plot
	bare.Title.Text = ""
	bare.Legend = plot.NewLegend()
	for _, axis := range []*plot.Axis{&bare.X, &bare.Y} {
		axis.Label.Text = ""
		axis.LineStyle.Width, axis.Padding, axis.Tick.Length = 0, 0, 0
		axis.Tick.Marker = plot.ConstantTicks{}
	}
	c.Rectangle = data
	bare.Draw(c)
	inner := bare.DataCanvas(c) // smaller than c if glyphs of gonum's plotters stick out

	if style := n.X.LineStyle; style.Width > 0 || n.Y.LineStyle.Width > 0 { // [plot.Plot.HideAxes] hides the frame too
		style.Width = max(style.Width, 0.8)
		strokeRectangle(c, style, data)
	}
	if n.empty {
		note := n.X.Label.TextStyle
		note.Color = color.Gray{Y: 120}
		drawText(c, note, draw.XCenter, c.Center().X, c.Center().Y-capHeight/2*note.Font.Size, "no data")
	}
	for _, t := range n.xTicks {
		n.drawXTick(c, inner.X(n.X.Norm(t.Value)), t)
	}
	for _, t := range n.yTicks {
		n.drawYTick(c, inner.Y(n.Y.Norm(t.Value)), t)
	}
	if !n.hideX {
		y := data.Min.Y - n.room.bottom + 0.25*n.X.Label.TextStyle.Font.Size
		drawText(c, n.X.Label.TextStyle, draw.XCenter, c.Center().X, y, n.X.Label.Text)
	}
	if !n.hideY {
		x := data.Min.X - n.room.left + 0.95*n.Y.Label.TextStyle.Font.Size
		drawUpwards(c, n.Y.Label.TextStyle, x, c.Center().Y, n.Y.Label.Text)
	}
	for i, line := range n.titleLines {
		up := vg.Length(len(n.titleLines)-1-i) * lineHeight(n.Title.TextStyle)
		drawText(c, n.Title.TextStyle, draw.XCenter, c.Center().X, data.Max.Y+n.Title.Padding+up, line)
	}
	n.drawLegend(c)
	right := data.Max.X
	for _, b := range n.bars {
		b.drawAt(c, vg.Rectangle{Min: vg.Point{X: right + barGap, Y: data.Min.Y}, Max: vg.Point{X: right + barGap + barWidth, Y: data.Max.Y}})
		right += b.width(n.height)
	}
}

func (n *panel) drawXTick(c draw.Canvas, x vg.Length, t plot.Tick) {
	y := c.Min.Y
	c.StrokeLine2(n.X.Tick.LineStyle, x, y, x, y-n.X.Tick.Length)
	switch {
	case n.hideX:
	case n.turned:
		style := n.X.Tick.Label
		style.Rotation, style.XAlign, style.YAlign = math.Pi/4, draw.XRight, draw.YTop
		c.FillText(style, vg.Point{X: x + style.Font.Size/4, Y: y - n.X.Tick.Length - tickPadding}, t.Label)
	default:
		y -= n.X.Tick.Length + tickPadding + capHeight*n.X.Tick.Label.Font.Size
		drawText(c, n.X.Tick.Label, draw.XCenter, x, y, t.Label)
	}
}

func (n *panel) drawYTick(c draw.Canvas, y vg.Length, t plot.Tick) {
	x := c.Min.X
	c.StrokeLine2(n.Y.Tick.LineStyle, x, y, x-n.Y.Tick.Length, y)
	if !n.hideY {
		y -= capHeight / 2 * n.Y.Tick.Label.Font.Size
		drawText(c, n.Y.Tick.Label, draw.XRight, x-n.Y.Tick.Length-tickPadding, y, t.Label)
	}
}

// drawLegend draws the legend on a box of its own, inside the data rectangle c.
func (n *panel) drawLegend(c draw.Canvas) {
	legend := n.Legend
	size := legend.Rectangle(c).Size()
	if size.X <= 0 {
		return
	}
	const margin, padding = 7, 6
	size.X += 2*padding + 2
	size.Y += 2 * padding
	box := vg.Rectangle{Min: vg.Point{X: c.Min.X + margin, Y: c.Min.Y + margin}}
	if !legend.Left {
		box.Min.X = c.Max.X - margin - size.X
	}
	if legend.Top {
		box.Min.Y = c.Max.Y - margin - size.Y
	}
	box.Min.X += legend.XOffs
	box.Min.Y += legend.YOffs
	box.Max = box.Min.Add(size)
	c.SetColor(color.NRGBA{R: 255, G: 255, B: 255, A: 225})
	c.Fill(box.Path())
	strokeRectangle(c, draw.LineStyle{Color: color.Gray{Y: 200}, Width: 0.8}, box)

	legend.Left, legend.Top, legend.XOffs, legend.YOffs = true, true, 0, 0
	legend.YPosition = draw.PosBottom
	inside := c
	inside.Rectangle = vg.Rectangle{Min: box.Min.Add(vg.Point{X: padding, Y: padding}), Max: box.Max.Sub(vg.Point{X: padding, Y: padding})}
	legend.Draw(inside)
}

const capHeight = 0.72 // of a digit, in font sizes

// drawText writes one line of text with its baseline at y.
func drawText(c draw.Canvas, style text.Style, align text.XAlignment, x, y vg.Length, txt string) {
	style.XAlign, style.YAlign = align, draw.YBottom
	c.FillText(style, vg.Point{X: x, Y: y - style.Font.Size + style.FontExtents().Ascent}, txt)
}

// drawUpwards writes text from bottom to top, its baseline at x, its middle at y.
func drawUpwards(c draw.Canvas, style text.Style, x, y vg.Length, txt string) {
	style.Rotation = math.Pi / 2
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	c.FillText(style, vg.Point{X: x + style.Font.Size - style.FontExtents().Ascent, Y: y}, txt)
}

func strokeRectangle(c draw.Canvas, style draw.LineStyle, r vg.Rectangle) {
	c.SetLineStyle(style)
	c.Stroke(r.Path())
}
