package nfplot

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// hard returns layers of data that no plot should fail on.
func hard() map[string]Layer {
	line := func(y ...float64) Layer {
		x := make([]float64, len(y))
		for i := range x {
			x[i] = float64(i)
		}
		return Line("line", x, y, Dashed(Red))
	}
	dots := func(v ...float64) Layer { return Scatter(mat.NewDense(len(v)/2, 2, v), Steel) }
	field := func(nx, ny int, z ...float64) Layer {
		g := Grid{X: make([]float64, nx), Y: make([]float64, ny)}
		for i := range nx {
			g.X[i] = float64(i)
		}
		for j := range ny {
			g.Y[j] = float64(j)
		}
		return Heat(g.Field(z), BlueRed("z"))
	}
	return map[string]Layer{
		"line empty": line(), "line of one": line(3), "line constant": line(2, 2, 2),
		"line NaN": line(1, nan, 2), "line all NaN": line(nan, nan), "line infinite": line(1, inf, -inf, 0),
		"line huge": line(-1e308, 1e308), "line tiny": line(1, 1+1e-15),
		"scatter empty": Scatter(&mat.Dense{}, Steel), "scatter of one": dots(1, 1), "scatter NaN": dots(nan, 1, 2, 2),
		"scatter all NaN": dots(nan, nan), "scatter infinite": dots(inf, 0, 1, -inf, 1, 1), "scatter constant": dots(1, 1, 1, 1),
		"histogram empty": Histogram(nil, 3, Steel), "histogram of one": Histogram([]float64{2}, 3, Steel),
		"histogram constant": Histogram([]float64{2, 2, 2}, 50, Steel), "histogram NaN": Histogram([]float64{1, nan, 2}, 2, Steel),
		"histogram all NaN": Histogram([]float64{nan, nan}, 2, Steel), "histogram infinite": Histogram([]float64{1, inf, -inf, 4}, 2, Steel),
		"heat empty": field(0, 0), "heat 1×1": field(1, 1, 3), "heat 1×1 NaN": field(1, 1, nan), "heat 1×2": field(1, 2, 3, 4),
		"heat 2×1": field(2, 1, 3, 4), "heat constant": field(2, 2, 5, 5, 5, 5), "heat zero": field(2, 2, 0, 0, 0, 0),
		"heat all NaN": field(2, 2, nan, nan, nan, nan), "heat −Inf": field(2, 2, -inf, -inf, 1, 2),
		"heat all −Inf": field(2, 2, -inf, -inf, -inf, -inf), "heat +Inf": field(2, 2, inf, 0, 1, inf),
		"heat huge": field(2, 2, -1e308, 1e308, 0, 1),
	}
}

// Layers of hard data draw what is finite of them: their picture is another one than that of their axes alone unless nothing is.
func TestHardDataDraws(t *testing.T) {
	nothing := []string{
		"line empty", "line all NaN", "scatter empty", "scatter all NaN", "histogram empty", "histogram all NaN", "heat empty", "heat 1×1 NaN", "heat all NaN",
	}
	for name, layer := range hard() {
		t.Run(name, func(t *testing.T) {
			p := New("title", "x", "y", layer)
			alone := New("title", "x", "y")
			alone.X, alone.Y, alone.Legend = p.X, p.Y, p.Legend
			if got, want := !samePicture(Row(p).Size(200, 150), Row(alone).Size(200, 150)), !slices.Contains(nothing, name); got != want {
				t.Errorf("the data are in the picture: %t, want %t", got, want)
			}
			if got := render(Row(p).Size(200, 150), resolution).Bounds().Size(); got != image.Pt(400, 300) {
				t.Errorf("a figure of 200×150 has %v pixels, want 400×300", got)
			}
			items := []Drawing{p}
			if h, ok := layer.(heat); ok {
				items = append(items, h.scale.Bar())
			}
			render(Panels(items...).Size(200, 150), 1)
			render(Row(p, p).Size(90, 80), 1)
			c := draw.New(vgimg.New(300, 200))
			p.Draw(c) // gonum's own drawing
		})
	}
}

// drawLayer draws the layer alone on the square [0, 2]×[0, 2], 50 pixels for one.
func drawLayer(t *testing.T, layer Layer) *image.RGBA {
	t.Helper()
	p := New("", "", "", layer)
	Limits(p, 0, 2, 0, 2)
	c := vgimg.NewWith(vgimg.UseWH(50, 50), vgimg.UseDPI(72*resolution))
	layer.Plot(draw.New(c), p)
	return c.Image().(*image.RGBA)
}

func TestHeatPutsValuesWhereTheyBelong(t *testing.T) {
	scale := BlueRed("", 0, 4)
	g := Grid{X: []float64{0, 1, 2}, Y: []float64{0, 1, 2}}
	img := drawLayer(t, Heat(g.Eval(func(x, y float64) float64 { return x + y }), scale))
	for _, at := range []struct{ x, y float64 }{{0.1, 0.1}, {1.9, 0.1}, {0.1, 1.9}, {1.9, 1.9}, {0.5, 1.25}} {
		pixel := img.At(int(at.x*50), int((2-at.y)*50))
		if want := scale.color(at.x + at.y); !sameColor(pixel, want, 4) { // half a pixel is 0.01 of 4
			t.Errorf("at (%v, %v): got %v, want %v", at.x, at.y, pixel, want)
		}
	}

	corner := drawLayer(t, Heat(g.Field([]float64{0, 0, 4, 0, nan, 0, 0, 0, 0}), scale))
	if got, want := corner.At(98, 98), scale.color(4); !sameColor(got, want, 12) {
		t.Errorf("lower right: got %v, want %v", got, want)
	}
	if got := corner.At(50, 50); got != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("NaN in the middle: got %v, want white", got)
	}
}

func TestHeatCutsAtTheLimits(t *testing.T) {
	g := NewGrid(-10, 10, 41, -10, 10, 41)
	scale := Grays("", 0, 10)
	img := drawLayer(t, Heat(g.Eval(func(x, y float64) float64 { return x }), scale))
	if got, want := img.At(75, 50), scale.color(1.51); !sameColor(got, want, 2) {
		t.Errorf("x = 1.51 of a larger field: got %v, want %v", got, want)
	}
}

func TestScaleColors(t *testing.T) {
	s := BlueRed("", 0, 1)
	// Moreland's smooth blue-red map: ends and middle.
	for v, want := range map[float64]color.RGBA{0: {59, 76, 192, 255}, 0.5: {221, 221, 221, 255}, 1: {180, 4, 38, 255}, -inf: {59, 76, 192, 255}, 7: {180, 4, 38, 255}} {
		if got := s.color(v); !sameColor(got, want, 3) {
			t.Errorf("BlueRed at %v = %v, want %v", v, got, want)
		}
	}
	g := Grays("", 0, 2)
	for v, want := range map[float64]uint8{0: 255, 1: 127, 2: 0, 3: 0} {
		if got := g.color(v); !sameColor(got, color.Gray{Y: want}, 1) {
			t.Errorf("Grays at %v = %v, want %v", v, got, want)
		}
	}
}

func TestScaleCoversItsFields(t *testing.T) {
	g := Grid{X: []float64{0, 1}, Y: []float64{0}}
	s := BlueRed("")
	Heat(g.Field([]float64{1, nan}), s)
	Heat(g.Field([]float64{-2, inf}), s)
	if lo, hi := s.limits(); lo != -2 || hi != 1 {
		t.Errorf("limits %v, %v, want -2, 1", lo, hi)
	}
	fixed := BlueRed("", 0, 0.4)
	Heat(g.Field([]float64{-5, 5}), fixed)
	if lo, hi := fixed.limits(); lo != 0 || hi != 0.4 {
		t.Errorf("limits %v, %v, want 0, 0.4", lo, hi)
	}
}

func TestScatterDots(t *testing.T) {
	img := drawLayer(t, Scatter(mat.NewDense(2, 2, []float64{0.5, 1.5, 0.5, 1.5}), Alpha(Black, 0.5)))
	if got := img.At(25, 25); !sameColor(got, color.Gray{Y: 64}, 2) { // two halves over white
		t.Errorf("two half transparent black dots: got %v, want a quarter of white", got)
	}
	if got := img.At(75, 25); !sameColor(got, color.White, 0) {
		t.Errorf("beside the dots: got %v, want white", got)
	}
}

func TestLineBreaksAtNaN(t *testing.T) {
	img := drawLayer(t, Line("", []float64{0, 0.8, 1, 1.2, 2}, []float64{1, 1, nan, 1, 1}, Solid(Black)))
	for x, want := range map[int]bool{20: true, 50: false, 80: true} {
		if got := !sameColor(img.At(x, 50), color.White, 40) || !sameColor(img.At(x, 49), color.White, 40); got != want {
			t.Errorf("ink in column %d is %v, want %v", x, got, want)
		}
	}
}

func TestHistogramIsADensity(t *testing.T) {
	area := func(values []float64, bins int) (sum float64) {
		h := Histogram(values, bins, Steel).(*histogram)
		for i, d := range h.density {
			sum += d * (h.edges[i+1] - h.edges[i])
		}
		return sum
	}
	for _, c := range []struct {
		values []float64
		bins   int
		want   float64
	}{
		{[]float64{1, 2, 2.5, 7}, 4, 1}, {[]float64{3, 3}, 5, 1}, {[]float64{1, 2, nan, inf}, 3, 0.5}, {nil, 2, 0}, {[]float64{nan}, 2, 0},
	} {
		if got := area(c.values, c.bins); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("area of Histogram(%v, %d) = %v, want %v", c.values, c.bins, got, c.want)
		}
	}
	h := Histogram([]float64{0, 0.1, 0.9, 1}, 2, Steel).(*histogram)
	if h.density[0] != 1 || h.density[1] != 1 {
		t.Errorf("density %v, want [1 1]: the largest value belongs to the last bin", h.density)
	}
}

func TestMisuse(t *testing.T) {
	g := NewGrid(0, 1, 2, 0, 1, 3)
	testkit.WantPanic(t, "nfplot: NewGrid: got 1 points from x = 0 to 1", func() { NewGrid(0, 1, 1, 0, 1, 2) })
	testkit.WantPanic(t, "from y = 1 to 0", func() { NewGrid(0, 1, 2, 1, 0, 2) })
	testkit.WantPanic(t, "x = NaN", func() { NewGrid(nan, 1, 2, 0, 1, 2) })
	testkit.WantPanic(t, "x = 0 to +Inf", func() { NewGrid(0, inf, 2, 0, 1, 2) })
	testkit.WantPanic(t, "nfplot: Grid.Field: got 5 values, want 6 (a grid of 2×3)", func() { g.Field(make([]float64, 5)) })
	testkit.WantPanic(t, "nfplot: Heat: got 1 values, want 6", func() { Heat(Field{Grid: g, Z: []float64{1}}, BlueRed("")) })
	testkit.WantPanic(t, "nfplot: Field.AbsDiff: got a grid of 3×2, want 2×3", func() {
		g.Field(make([]float64, 6)).AbsDiff(NewGrid(0, 1, 3, 0, 1, 2).Field(make([]float64, 6)))
	})
	testkit.WantPanic(t, "nfplot: Heat: got no scale", func() { Heat(g.Eval(math.Hypot), nil) })
	testkit.WantPanic(t, "nfplot: Scatter: got no matrix", func() { Scatter(nil, Red) })
	testkit.WantPanic(t, "nfplot: Scatter: got a 2×3 matrix, want 2 columns", func() { Scatter(mat.NewDense(2, 3, nil), Red) })
	testkit.WantPanic(t, "nfplot: Line: got 1 x and 2 y", func() { Line("", []float64{1}, []float64{1, 2}, Solid(Red)) })
	testkit.WantPanic(t, "nfplot: Curve: got the range 1 to 1", func() { Curve("", math.Sin, 1, 1, Solid(Red)) })
	testkit.WantPanic(t, "nfplot: Histogram: got 0 bins", func() { Histogram(nil, 0, Red) })
	testkit.WantPanic(t, "nfplot: Alpha: got opacity 1.5", func() { Alpha(Red, 1.5) })
	testkit.WantPanic(t, "nfplot: BlueRed: got limits [1]", func() { BlueRed("", 1) })
	testkit.WantPanic(t, "nfplot: Grays: got limits [1 1]", func() { Grays("", 1, 1) })
	testkit.WantPanic(t, "nfplot: Row: got no plots", func() { Row() })
	testkit.WantPanic(t, "nfplot: Row: got a colour bar first", func() { Row(BlueRed("").Bar()) })
	testkit.WantPanic(t, "nfplot: Panels: item 1 is a *nfplot.Figure", func() { p := New("", "", ""); Panels(p, Row(p)) })
	testkit.WantPanic(t, "nfplot: Figure.Wrap: got 0", func() { Row(New("", "", "")).Wrap(0) })
	testkit.WantPanic(t, "nfplot: Figure.Size: got 10×500", func() { Row(New("", "", "")).Size(10, 500) })
	testkit.WantPanic(t, "nfplot: Animate: got no frames", func() { Animate() })
	testkit.WantPanic(t, "nfplot: Show: got no drawings", func() { Show() })
	testkit.WantPanic(t, "nfplot: NewProgress: got 0 steps", func() { NewProgress(0) })
	testkit.WantPanic(t, "nfplot: Progress.To: got step 6, want 0 to 5", func() { NewProgress(5).To(6) })
}
