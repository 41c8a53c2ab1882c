package nfplot

import (
	"fmt"
	"image/color"
	"math"
	"reflect"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Drawing is what can be shown and saved: a *plot.Plot, a *[Figure], a *[Bar] or an *[Animation].
type Drawing interface {
	Draw(c draw.Canvas)
}

// Figure is several plots in one picture, their axes aligned.
type Figure struct {
	panels        []*plot.Plot // nil: an empty place
	bars          [][]*Bar     // for each panel, those to its right
	equal         bool         // one unit of x is as long as one of y
	corner        bool         // axes are those of the column and the row
	key           *plot.Plot   // a corner's legend; may be nil
	columns       int
	tallest       vg.Length // height of panels; 0: what the page has
	gap           vg.Length // between the margins of neighbours
	width, height vg.Length // 0: what the panels need
}

// Row returns a figure of plots side by side, all of one size. A [Bar] stands at the right of the plot before it.
// It panics when an item is neither, or when a bar comes first.
func Row(items ...Drawing) *Figure { return newFigure("Row", items) }

// Panels returns a figure like [Row] for plots of one plane: in each, a unit of x is as long as a unit of y, and a
// panel whose vertical axis is the one of the panel before it leaves out the numbers.
func Panels(items ...Drawing) *Figure {
	f := newFigure("Panels", items)
	f.equal = true
	return f
}

func newFigure(operation string, items []Drawing) *Figure {
	f := &Figure{gap: defaultGap}
	for i, item := range items {
		switch item := item.(type) {
		case *plot.Plot:
			if item == nil {
				panic(fmt.Sprintf("nfplot: %s: item %d is a nil *plot.Plot", operation, i))
			}
			f.panels = append(f.panels, item)
			f.bars = append(f.bars, nil)
		case *Bar:
			if len(f.panels) == 0 {
				panic(fmt.Sprintf("nfplot: %s: got a colour bar first, want a plot before it", operation))
			}
			last := len(f.bars) - 1
			f.bars[last] = append(f.bars[last], item)
		default:
			panic(fmt.Sprintf("nfplot: %s: item %d is a %T, want a *plot.Plot or a *nfplot.Bar", operation, i, item))
		}
	}
	if len(f.panels) == 0 {
		panic(fmt.Sprintf("nfplot: %s: got no plots, want one or more", operation))
	}
	f.columns = len(f.panels)
	return f
}

// Wrap starts a new row of the figure after every n plots, and returns the figure. It panics when n is less than 1.
// A bar that comes last then belongs to all rows. It also panics for a [Corner], whose rows are given.
func (f *Figure) Wrap(n int) *Figure {
	if f.corner {
		panic("nfplot: Figure.Wrap: got a corner, want plots side by side")
	}
	if n < 1 {
		panic(fmt.Sprintf("nfplot: Figure.Wrap: got %d plots a row, want 1 or more", n))
	}
	f.columns = min(n, len(f.panels))
	return f
}

// Size sets the size of the figure in pixels of a notebook page, and returns the figure.
// It panics when a side is shorter than 80 or longer than 4000.
func (f *Figure) Size(width, height int) *Figure {
	if min(width, height) < 80 || max(width, height) > 4000 {
		panic(fmt.Sprintf("nfplot: Figure.Size: got %d×%d, want 80 to 4000 on each side", width, height))
	}
	f.width, f.height = vg.Length(width), vg.Length(height)
	return f
}

// Draw implements [Drawing]: it fills the canvas with the figure.
func (f *Figure) Draw(c draw.Canvas) {
	size := c.Size()
	f.layout(size.X, size.Y).draw(c)
}

// size returns the size that was set, or else the one that the panels need.
func (f *Figure) size() (width, height vg.Length) {
	if f.width > 0 {
		return f.width, f.height
	}
	const page = 1000
	rows := vg.Length((len(f.panels) + f.columns - 1) / f.columns)
	columns := vg.Length(f.columns)
	if f.equal {
		l := f.layout(page, max(460, 320*rows))
		return l.used.X, l.used.Y
	}
	switch f.columns {
	case 1:
		width, height = 560, 420
	case 2:
		width, height = 920, 400
	default:
		width, height = page, max(page/columns, 240)
	}
	return width, rows * height
}

// layout says where everything goes, in coordinates with the origin at the lower left.
type layout struct {
	panels []*panel
	data   []vg.Rectangle
	shared *Bar   // of all rows
	key    *panel // whose legend stands above the diagonal; may be nil
	used   vg.Point

	columns int
}

const (
	outerRoom  = 8 // around the figure
	defaultGap = 14
)

func (f *Figure) layout(width, height vg.Length) layout {
	l := layout{panels: f.newPanels()}
	columnGap, rowGap := f.gap, f.gap-2
	columns := f.columns
	l.columns = columns
	if f.key != nil {
		l.key = newPanel(f.key)
	}
	rows := (len(l.panels) + columns - 1) / columns
	if last := l.panels[len(l.panels)-1]; rows > 1 && len(last.bars) > 0 {
		l.shared = last.bars[len(last.bars)-1]
		last.bars = last.bars[:len(last.bars)-1]
	}

	var left, right, wide []vg.Length // for each column
	var top, bottom []vg.Length       // for each row
	var high vg.Length                // of the data of every panel
	var sharedWidth vg.Length
	for range 4 { // ticks and titles depend on the sizes and the sizes on them
		left, right, wide = make([]vg.Length, columns), make([]vg.Length, columns), make([]vg.Length, columns)
		top, bottom = make([]vg.Length, rows), make([]vg.Length, rows)
		if l.shared != nil {
			sharedWidth = l.shared.width(height)
		}
		freeX := width - 2*outerRoom - columnGap*vg.Length(columns-1) - sharedWidth
		freeY := height - 2*outerRoom - rowGap*vg.Length(rows-1)
		for k, p := range l.panels {
			m, i, j := p.margins(), k%columns, k/columns
			left[i], right[i] = max(left[i], m.left), max(right[i], m.right)
			top[j], bottom[j] = max(top[j], m.top), max(bottom[j], m.bottom)
		}
		freeX -= sum(left) + sum(right)
		freeY -= sum(top) + sum(bottom)
		high = max(freeY/vg.Length(rows), 10)
		if f.equal {
			for k, p := range l.panels {
				wide[k%columns] = max(wide[k%columns], p.aspect())
			}
			high = max(min(high, freeX/sum(wide)), 10)
			if f.tallest > 0 {
				high = min(high, f.tallest)
			}
		}
		high = floor(high)
		for i := range wide {
			if f.equal {
				wide[i] = floor(wide[i] * high)
			} else {
				wide[i] = floor(freeX / vg.Length(columns))
			}
			wide[i] = max(wide[i], 10)
		}
		shrink := vg.Length(1)
		for k, p := range l.panels {
			p.fit(wide[k%columns], high)
			if word := p.longestWord(); word > 0 {
				shrink = max(min(shrink, (wide[k%columns]+columnGap)/word), 0.5)
			}
		}
		for k, p := range l.panels { // all titles have one size
			p.Title.TextStyle.Font.Size = p.titleSize * shrink
			p.fitTitle(wide[k%columns] + columnGap)
		}
	}

	l.used = vg.Point{
		X: 2*outerRoom + columnGap*vg.Length(columns-1) + sharedWidth + sum(left) + sum(right) + sum(wide),
		Y: 2*outerRoom + rowGap*vg.Length(rows-1) + sum(top) + sum(bottom) + high*vg.Length(rows),
	}
	startX := floor(max(width-l.used.X, 0) / 2)
	startY := height - floor(max(height-l.used.Y, 0)/2)
	if f.width == 0 {
		startX, startY = 0, l.used.Y
	}
	y := startY - outerRoom
	for j := range rows {
		y -= top[j] + high
		x := startX + outerRoom
		for i := range columns {
			x += left[i]
			if k := j*columns + i; k < len(l.panels) {
				w := wide[i]
				if f.equal {
					w = min(w, max(floor(high*l.panels[k].aspect()), 10))
				}
				l.panels[k].room = margins{left: left[i], bottom: bottom[j]}
				corner := vg.Point{X: floor(x + (wide[i]-w)/2), Y: floor(y)}
				l.data = append(l.data, vg.Rectangle{Min: corner, Max: corner.Add(vg.Point{X: w, Y: high})})
			}
			x += wide[i] + right[i] + columnGap
		}
		y -= bottom[j] + rowGap
	}
	return l
}

// newPanels makes the panels and hides the numbers that a neighbour shows.
func (f *Figure) newPanels() []*panel {
	panels := make([]*panel, len(f.panels))
	for k, p := range f.panels {
		if p == nil {
			panels[k] = &panel{absent: true}
			continue
		}
		panels[k] = newPanel(p)
		panels[k].bars = f.bars[k]
		if f.corner {
			row, column := k/f.columns, k%f.columns
			panels[k].hideX, panels[k].hideY = row < f.columns-1, column > 0 || row == 0
			panels[k].inner = true
		}
	}
	if !f.equal {
		return panels
	}
	for k, p := range panels {
		if k%f.columns > 0 {
			p.hideY = sameAxis(p.Y, panels[k-1].Y)
		}
		if below := k + f.columns; below < len(panels) {
			p.hideX = sameAxis(p.X, panels[below].X)
		}
	}
	return panels
}

func sameAxis(a, b plot.Axis) bool {
	return a.Min == b.Min && a.Max == b.Max && a.Label.Text == b.Label.Text && reflect.DeepEqual(a.Tick.Marker, b.Tick.Marker)
}

// aspect is the width of the data over their height, within what can be drawn.
func (n *panel) aspect() vg.Length {
	return vg.Length(min(max((n.X.Max/2-n.X.Min/2)/(n.Y.Max/2-n.Y.Min/2), 0.05), 20))
}

func (l layout) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	for k, p := range l.panels {
		p.drawAt(c, vg.Rectangle{Min: l.data[k].Min.Add(c.Min), Max: l.data[k].Max.Add(c.Min)})
	}
	if l.key != nil {
		first, last := l.data[1], l.data[l.columns-1]
		c := c
		c.Rectangle = vg.Rectangle{Min: first.Min.Add(c.Min), Max: last.Max.Add(c.Min)}
		l.key.drawLegend(c)
	}
	if l.shared != nil {
		r := vg.Rectangle{Min: l.data[0].Min, Max: l.data[0].Max}
		for k, d := range l.data {
			r.Min.Y, r.Max.Y = min(r.Min.Y, d.Min.Y), max(r.Max.Y, d.Max.Y)
			r.Max.X = max(r.Max.X, d.Max.X+l.panels[k].margins().right)
		}
		r.Min.X = r.Max.X + barGap
		r.Max.X = r.Min.X + barWidth
		l.shared.drawAt(c, vg.Rectangle{Min: r.Min.Add(c.Min), Max: r.Max.Add(c.Min)})
	}
}

func sum(lengths []vg.Length) (total vg.Length) {
	for _, x := range lengths {
		total += x
	}
	return total
}

func floor(x vg.Length) vg.Length { return vg.Length(math.Floor(float64(x))) }
