package nfplot

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

// maps returns n heat maps of the field's range, and a bar.
func maps(n int, title string) []Drawing {
	grid := NewGrid(-0.5, 2.1, 10, -3, 6, 12)
	scale := BlueRed("Probability Density", 0, 0.4)
	var items []Drawing
	for range n {
		items = append(items, New(title, "a", "b", Heat(grid.Eval(target), scale)))
	}
	return append(items, scale.Bar())
}

func TestPanelsHaveEqualUnits(t *testing.T) {
	for n := 1; n <= 9; n++ {
		f := Panels(maps(n, "Epoch 3")...)
		w, h := f.size()
		l := f.layout(w, h)
		if w > 1000.5 {
			t.Errorf("%d panels: %v wide, want at most 1000", n, w)
		}
		for k, d := range l.data {
			size := d.Size()
			// lengths are whole pixels
			if got, want := float64(size.X), float64(size.Y)*2.6/9; math.Abs(got-want) > 1 {
				t.Errorf("%d panels: panel %d is %v×%v, want a width of %v", n, k, size.X, size.Y, want)
			}
			if d.Min.Y != l.data[0].Min.Y || d.Max.Y != l.data[0].Max.Y {
				t.Errorf("%d panels: panel %d from %v to %v, the first from %v to %v", n, k, d.Min.Y, d.Max.Y, l.data[0].Min.Y, l.data[0].Max.Y)
			}
			if shown := !l.panels[k].hideY; shown != (k == 0) {
				t.Errorf("%d panels: panel %d shows its numbers: %v", n, k, shown)
			}
		}
	}
}

func TestRowAlignsAxes(t *testing.T) {
	small := New("", "", "", Curve("", math.Sin, 0, 1e-3, Solid(Red)))
	large := New("A title\nof two lines", "x", "y", Curve("", func(x float64) float64 { return 12345 * x }, 0, 9e5, Solid(Red)))
	l := Row(small, large).layout(900, 400)
	a, b := l.data[0], l.data[1]
	if a.Min.Y != b.Min.Y || a.Size() != b.Size() {
		t.Errorf("data rectangles %v and %v, want the same height and size", a, b)
	}
}

// TestNothingOverlaps lays figures out and checks that all parts have their own place on the page.
func TestNothingOverlaps(t *testing.T) {
	for _, title := range []string{"", "Epoch 3", "Target Distribution", "a longer title than usual"} {
		for _, n := range []int{1, 2, 4, 7, 9} {
			for _, wrap := range []int{n, 3, 1} {
				for _, make := range []func(...Drawing) *Figure{Row, Panels} {
					f := make(maps(n, title)...).Wrap(wrap)
					w, h := f.size()
					name := fmt.Sprintf("%q, %d panels, %d a row, equal %v, %v×%v", title, n, f.columns, f.equal, w, h)
					checkPlaces(t, name, f.layout(w, h), f.columns, w, h)
				}
			}
		}
	}
}

func checkPlaces(t *testing.T, name string, l layout, columns int, w, h vg.Length) {
	t.Helper()
	for k, d := range l.data {
		m := l.panels[k].margins()
		if d.Min.X-m.left < 0 || d.Min.Y-m.bottom < 0 || d.Max.X+m.right > w || d.Max.Y+m.top > h {
			t.Errorf("%s: panel %d at %v with margins %v leaves the page", name, k, d, m)
		}
		if min(d.Size().X, d.Size().Y) < 30 {
			t.Errorf("%s: panel %d has %v×%v", name, k, d.Size().X, d.Size().Y)
		}
		if next := k + 1; next < len(l.data) && next%columns > 0 {
			if gap := l.data[next].Min.X - l.panels[next].margins().left - (d.Max.X + m.right); gap < 0 {
				t.Errorf("%s: panels %d and %d overlap by %v", name, k, next, -gap)
			}
			style := l.panels[k].Title.TextStyle
			middle := (l.data[next].Min.X+l.data[next].Max.X)/2 - (d.Min.X+d.Max.X)/2
			for _, a := range l.panels[k].titleLines {
				for _, b := range l.panels[next].titleLines {
					if (style.Width(a)+style.Width(b))/2 > middle {
						t.Errorf("%s: titles %q and %q overlap", name, a, b)
					}
				}
			}
		}
		if below := k + columns; below < len(l.data) {
			if gap := d.Min.Y - m.bottom - (l.data[below].Max.Y + l.panels[below].margins().top); gap < 0 {
				t.Errorf("%s: panels %d and %d overlap by %v", name, k, below, -gap)
			}
		}
	}
}

func TestFiguresDoNotChangePlots(t *testing.T) {
	items := maps(3, "Target Distribution")
	alone := PNG(Row(items[1]))
	PNG(Panels(items...).Wrap(2))
	if string(PNG(Row(items[1]))) != string(alone) {
		t.Error("a plot looks different after it was part of a figure")
	}
}

func TestAWordWiderThanItsPanelShrinks(t *testing.T) {
	f := Panels(maps(9, "Thermodynamically")...)
	w, h := f.size()
	checkPlaces(t, "a long word", f.layout(w, h), 9, w, h)
}
