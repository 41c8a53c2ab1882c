package nfplot

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// extremes are pairs of numbers whose range is lost in rounding, over- or underflows.
var extremes = [][]float64{
	{5e-324}, {-5e-324, 5e-324}, {0, 5e-324}, {1e-310, 3e-310}, {0, 1e-300},
	{1, math.Nextafter(1, 2)}, {1 - 1e-13, 1}, {1e6, 1e6 + 1e-9},
	{9e15}, {9.1e15, 9.1e15}, {1e17}, {1e17, math.Nextafter(1e17, inf)}, {-1e17}, {1e300, 1e300},
	{math.MaxFloat64}, {-math.MaxFloat64}, {-math.MaxFloat64, math.MaxFloat64}, {0, math.MaxFloat64},
	{5e-324, math.MaxFloat64}, {1e-300, 1, 1e300}, {5e-324, 1, nan, inf, -inf},
}

// wantPicture draws p small, and checks that its axes have a range and numbers.
func wantPicture(t *testing.T, name string, p *plot.Plot, items ...Drawing) {
	t.Helper()
	f := Row(append([]Drawing{p}, items...)...).Size(160, 120)
	for _, panel := range f.layout(160, 120).panels {
		for _, a := range []plot.Axis{panel.X, panel.Y} {
			if lo, hi := a.Norm(a.Min), a.Norm(a.Max); lo != 0 || math.Abs(hi-1) > 1e-9 {
				t.Errorf("%s: the axis from %v to %v has its ends at %v and %v, want 0 and 1", name, a.Min, a.Max, lo, hi)
			}
		}
		for _, ticks := range [][]plot.Tick{panel.xTicks, panel.yTicks} {
			if len(ticks) < 1 || len(ticks) > 25 {
				t.Errorf("%s: %d ticks on an axis, want 1 to 25", name, len(ticks))
			}
		}
	}
	render(f, 1)
}

func TestExtremeRangesDraw(t *testing.T) {
	for _, v := range extremes {
		name := fmt.Sprint(v)
		index := make([]float64, len(v))
		for i := range index {
			index[i] = float64(i)
		}
		dots := mat.NewDense(len(v), 2, nil)
		dots.SetCol(0, v)
		dots.SetCol(1, v)
		wantPicture(t, "line "+name, New("", "", "", Line("", index, v, Dashed(Red)), Line("", v, index, Solid(Blue))))
		wantPicture(t, "scatter "+name, New("", "", "", Scatter(dots, Steel)))
		wantPicture(t, "histogram "+name, New("", "", "", Histogram(v, 7, Steel)))
		wantPicture(t, "loss "+name, Loss(v))
		wantPicture(t, "levels "+name, Loss([]float64{3, 2}, HLine("", v[0], Solid(Red)), VLine("", v[0], Solid(Red))))

		scale := BlueRed("z")
		grid := Grid{X: []float64{0, 1, 2, 3, 4}[:len(v)], Y: []float64{0}}
		wantPicture(t, "colours "+name, New("", "", "", Heat(grid.Field(v), scale)), scale.Bar())
		if lo, hi := v[0], v[len(v)-1]; len(v) == 2 && lo < hi {
			fixed := Grays("z", lo, hi)
			wantPicture(t, "limits "+name, New("", "", "", Heat(grid.Field(v), fixed)), fixed.Bar())
			field := NewGrid(lo, hi, 3, lo, hi, 3).Eval(func(x, y float64) float64 { return x/4 + y/4 })
			wantPicture(t, "grid "+name, New("", "", "", Heat(field, Grays("z"))))
			p := New("", "", "", Line("", v, v, Solid(Red)), Curve("", func(x float64) float64 { return x }, lo, hi, Solid(Blue)))
			Limits(p, lo, hi, lo, hi)
			wantPicture(t, "given limits "+name, p)
			if lo > 0 {
				setLog(&p.X)
				setLog(&p.Y)
				wantPicture(t, "logarithmic "+name, p)
			}
		}
	}
}

func TestLogTicksAtTheEnds(t *testing.T) {
	for _, lo := range []float64{5e-324, 1e-320, 1e-308, 1e-300, 1, 1e300, 1e307} {
		for _, hi := range []float64{1e-319, 1e-307, 1e-290, 1, 2, 1e10, 1e308, math.MaxFloat64} {
			for n := 2; n <= 9 && 1.01*lo < hi; n++ {
				if got := len(logTicks{n}.Ticks(lo, hi)); got > n+2 || got < 1 && hi > 1e-300 {
					t.Errorf("logTicks{%d}.Ticks(%v, %v): %d ticks", n, lo, hi, got)
				}
			}
		}
	}
}

func TestHistogramsOfExtremeValuesAreDensities(t *testing.T) {
	for _, v := range extremes {
		finite := 0
		for _, x := range v {
			if isFinite(x) {
				finite++
			}
		}
		h := Histogram(v, 7, Steel).(*histogram)
		area := 0.0
		for i, d := range h.density {
			area += 2 * (d * (h.edges[i+1]/2 - h.edges[i]/2))
		}
		// The density of a bin near 4e307 is subnormal: up to 1e-7 of it is rounding.
		if want := float64(finite) / float64(len(v)); math.Abs(area-want) > 1e-6 {
			t.Errorf("area of Histogram(%v) = %v, want %v", v, area, want)
		}
	}
}

func TestPlotsWithoutDataHaveNoNumbers(t *testing.T) {
	for name, p := range map[string]*plot.Plot{
		"no layer": New("title", "x", "y"), "nothing finite": New("", "", "", Line("", []float64{nan}, []float64{inf}, Solid(Red))),
		"no loss": Loss(nil), "a line across": New("", "", "", HLine("", nan, Solid(Red))),
	} {
		panel := Row(p).layout(300, 200).panels[0]
		if len(panel.xTicks)+len(panel.yTicks) > 0 || !panel.empty {
			t.Errorf("%s: numbers %q and %q, want none", name, labels(panel.xTicks), labels(panel.yTicks))
		}
		render(Row(p).Size(90, 80), 1)
	}
	p := New("", "x", "y")
	Limits(p, 0, 1, 0, 1)
	if panel := Row(p).layout(300, 200).panels[0]; len(panel.xTicks) < 2 || panel.empty {
		t.Error("limits that were asked for are not shown")
	}
}

func TestLimitsHaveAnOrder(t *testing.T) {
	for _, l := range [][4]float64{{1, 0, 0, 1}, {0, 1, 2, 2}, {nan, 1, 0, 1}, {0, 1, 0, nan}, {0, inf, 0, 1}, {0, 1, -inf, 1}} {
		testkit.WantPanic(t, "nfplot: Limits: got x from", func() { Limits(New("", "", ""), l[0], l[1], l[2], l[3]) })
	}
}

func TestCoordinatesHaveAnOrder(t *testing.T) {
	for _, x := range [][]float64{{1, 0}, {0, nan}, {0, inf}} {
		testkit.WantPanic(t, "nfplot: Heat: got the coordinate", func() { Heat(Field{Grid{X: x, Y: []float64{0}}, []float64{1, 2}}, Grays("")) })
	}
}

func TestCharactersThatTheFontLacksShow(t *testing.T) {
	p := New("密度 of θ̂ ∈ ℝ", "σ²", "∇")
	style := p.Title.TextStyle
	if got, want := style.Handler.(visible).replace(p.Title.Text, style.Font), "□□ of θ̂ □ □"; got != want {
		t.Errorf("the title is written as %q, want %q", got, want)
	}
	ink := func(title string) (dark int) {
		p := New(title, "", "")
		Limits(p, 0, 1, 0, 1)
		img := render(Row(p).Size(200, 150), 1)
		for y := range 24 {
			for x := range 200 {
				if img.RGBAAt(x, y).G < 128 {
					dark++
				}
			}
		}
		return dark
	}
	if blank, got := ink("."), ink("密度"); got < blank+20 {
		t.Errorf("a title that the font lacks darkens %d pixels, want it to be seen", got-blank)
	}
	for name, handler := range map[string]any{"x": p.X.Label.TextStyle.Handler, "ticks": p.Y.Tick.Label.Handler, "legend": p.Legend.TextStyle.Handler} {
		if _, ok := handler.(visible); !ok {
			t.Errorf("the text of the %s is written by a %T", name, handler)
		}
	}
}

func TestHistogramsShareEdges(t *testing.T) {
	a, b := []float64{0, 1, 2, nan}, []float64{-2, 0.5, inf, 6}
	edges := Edges(4, a, b)
	if got := fmt.Sprint(edges); got != "[-2 0 2 4 6]" {
		t.Errorf("edges %v, want [-2 0 2 4 6]", got)
	}
	ha, hb := Histogram(a, edges, Steel).(*histogram), Histogram(b, edges, Red).(*histogram)
	// Shares 2/4 and 1/4 of a in bins of width 2, an edge belongs to the bin on its right.
	if got := fmt.Sprint(ha.density, hb.density); got != "[0 0.25 0.125 0] [0.125 0.125 0 0.125]" {
		t.Errorf("densities %v", got)
	}
}

func TestAnOutlierIsNotTheWholeHistogram(t *testing.T) {
	values := []float64{1e9}
	for i := range 99 {
		values = append(values, float64(i)/99)
	}
	h := Histogram(values, []float64{0, 0.25, 0.5, 1}, Steel).(*histogram)
	for i, want := range []float64{25.0 / 25, 25.0 / 25, 49.0 / 50} {
		if math.Abs(h.density[i]-want) > 1e-12 {
			t.Errorf("density %v of bin %d, want %v: unequal widths, and one value of 100 outside", h.density[i], i, want)
		}
	}
	testkit.WantPanic(t, "nfplot: Histogram: got 1 edges", func() { Histogram(values, []float64{0}, Steel) })
	testkit.WantPanic(t, "nfplot: Histogram: got the edge 0 at place 1", func() { Histogram(values, []float64{0, 0}, Steel) })
	testkit.WantPanic(t, "nfplot: Histogram: got the edge NaN at place 1", func() { Histogram(values, []float64{0, nan}, Steel) })
	testkit.WantPanic(t, "nfplot: Edges: got 2000000 bins", func() { Edges(2e6, values) })
}

func TestNamesAreInTheLegend(t *testing.T) {
	width := func(layer Layer) float64 {
		p := New("", "", "", layer)
		return float64(p.Legend.Rectangle(drawCanvas(100, 100)).Size().X)
	}
	dots := Scatter(samples(3), Steel)
	for name, layer := range map[string]Layer{
		"histogram": Named("data", Histogram([]float64{1, 2}, 2, Steel)), "scatter": Named("data", dots),
		"line": Line("data", nil, nil, Solid(Red)), "across": HLine("data", 1, Solid(Red)),
	} {
		if width(layer) <= 0 {
			t.Errorf("%s: the name is not in the legend", name)
		}
	}
	if width(dots) > 0 || width(Named("", dots)) > 0 {
		t.Error("a layer without a name is in the legend")
	}
	if p, q := New("", "", "", dots), New("", "", "", Named("dots", dots)); p.X.Min != q.X.Min || p.Y.Max != q.Y.Max {
		t.Error("a name changes the axes")
	}
	if p := New("", "", "", Named("h", Histogram([]float64{1, 2}, 2, Steel))); p.Y.Min != 0 {
		t.Errorf("a named histogram stands at %v, want 0", p.Y.Min)
	}
	testkit.WantPanic(t, "nfplot: Named: got \"heat\" for a nfplot.heat", func() { Named("heat", Heat(NewGrid(0, 1, 2, 0, 1, 2).Eval(gauss2), Grays(""))) })
}

func gauss2(x, y float64) float64 { return normal(x, 0, 1) * normal(y, 0, 1) }

func TestLossSaysItsAxisAndTakesLines(t *testing.T) {
	p := Loss([]float64{3, 2, 1.5}, Line("Validation", []float64{0, 3}, []float64{4, 1.6}, Solid(Orange)), HLine("Floor", 0.5, Dashed(Black)))
	if p.X.Label.Text != "Step" || EpochLoss(nil).X.Label.Text != "Epoch" {
		t.Errorf("the axes are %q and %q, want Step and Epoch", p.X.Label.Text, EpochLoss(nil).X.Label.Text)
	}
	if p.Y.Min >= 0.5 || p.Y.Max <= 4 || p.X.Min >= 0 {
		t.Errorf("the axes from (%v, %v) to (%v, %v) leave out a line", p.X.Min, p.Y.Min, p.X.Max, p.Y.Max)
	}
	if _, log := p.Y.Scale.(logScale); !log {
		t.Error("the axis is not logarithmic although all is positive")
	}
	negative := Loss([]float64{3, 2}, HLine("Floor", -1, Dashed(Black)))
	if _, log := negative.Y.Scale.(logScale); log || !strings.Contains(negative.Y.Label.Text, "linear") {
		t.Errorf("a negative floor: the axis is %T, and says %q", negative.Y.Scale, negative.Y.Label.Text)
	}
}
