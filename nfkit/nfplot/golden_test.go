package nfplot

import (
	"errors"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// goldens are pictures that somebody has looked at. NFPLOT_UPDATE=1 go test draws them anew.
var goldens = map[string]func() Drawing{
	"panels": func() Drawing {
		grid := NewGrid(-0.5, 2.1, 40, -3, 6, 50)
		scale, grays := BlueRed("Probability Density", 0, 0.4), Grays("Error")
		truth := grid.Eval(target)
		base := grid.Eval(func(a, b float64) float64 { return normal(a, 0, 1) * normal(b, 0, 1) })
		return Panels(
			New("Base Distribution", "a", "b", Heat(base, scale)),
			New("True", "a", "b", Heat(truth, scale)), scale.Bar(),
			New("|Base − True|", "a", "b", Heat(base.AbsDiff(truth), grays)), grays.Bar(),
		).Size(600, 320)
	},
	"wrap": func() Drawing {
		grid := NewGrid(-2, 2, 20, -2, 2, 20)
		scale := BlueRed("z")
		var items []Drawing
		for k := range 5 {
			items = append(items, New("Epoch", "x", "y", Heat(grid.Eval(func(x, y float64) float64 { return math.Sin(float64(k+1)*x) * y }), scale)))
		}
		return Panels(append(items, scale.Bar())...).Wrap(3).Size(480, 320)
	},
	"scatter": func() Drawing {
		p := New("Samples", "a", "b", Scatter(samples(500), Alpha(Steel, 0.3)))
		Add(p, bands()...)
		Limits(p, 0.95, 2.05, -3, 7)
		p.Legend.Left = true
		return Row(p).Size(360, 300)
	},
	"histogram": func() Drawing {
		ab := samples(2000)
		return Row(
			New("a", "a", "density", Histogram(mat.Col(nil, 0, ab), 20, Alpha(Steel, 0.5))),
			New("b", "b", "density", Histogram(mat.Col(nil, 1, ab), 30, Alpha(Steel, 0.5)),
				Curve("N(1.5, 1.58)", func(b float64) float64 { return normal(b, 1.5, 19.0/12) }, -3, 7, Solid(Red))),
		).Size(560, 260)
	},
	"loss": func() Drawing {
		l := losses(300)
		for i := 100; i < 150; i++ {
			l[i] = nan
		}
		l[125] = 3
		return Row(Loss(l)).Size(400, 300)
	},
	"lines": func() Drawing {
		a, b := walk(2000, 1, 0), walk(2000, 2, 0.95)
		edges := Edges(40, a, b)
		return Row(New("Shared edges", "x", "Density", Named("White", Histogram(a, edges, Alpha(Steel, 0.5))), Named("Walk", Histogram(b, edges, Alpha(Orange, 0.5)))),
			Loss(losses(200), Line("Validation", []float64{0, 50, 100, 150, 200}, []float64{5.5, 2, 1.8, 1.7, 1.7}, Solid(Orange)), HLine("Floor", 1.4, Dashed(Black)))).Size(640, 280)
	},
	"corner": func() Drawing {
		return Corner(columnNames(4), []Sample{{Name: "Posterior", X: posterior(2000, 4, 0, 1)}, {Name: "Prior", X: posterior(500, 4, 0.1, 2)}},
			&CornerOptions{Truths: []float64{0, 0, 0.1, nan}}).Size(480, 480)
	},
	"contour": func() Drawing {
		f := NewGrid(-3, 3, 61, -3, 3, 61).Eval(func(x, y float64) float64 {
			return normal(math.Hypot(x, y), 2, 0.1) + 0.3*gauss2(3*x, 3*y)
		})
		scale := Grays("Density")
		return Panels(New("Contours", "x", "y", Heat(f, scale), Contour("50 %", f, Solid(Red), f.Levels(0.5)...), Contour("90 %", f, Dashed(Orange), f.Levels(0.9)...)), scale.Bar()).Size(340, 280)
	},
	"calibration": func() Drawing {
		return Row(RankHistogram("Ranks", uniformRanks(2000, 99), 99, 20), PITHistogram("PIT", uniforms(1000, 1.3), 20),
			ECDFDifference("ECDF difference", uniforms(500, 1.1)), Coverage("Coverage", uniforms(200, 0.8))).Wrap(2).Size(560, 460)
	},
	"quantiles": func() Drawing {
		return Row(QQ("Two samples", walk(500, 3, 0), Quantile(walk(2000, 4, 0)))).Size(300, 260)
	},
	"chains": func() Drawing {
		return Row(Trace("Trace", "θ", walk(500, 1, 0.9), walk(500, 2, 0.9), walk(500, 3, 0.5))).Size(480, 220)
	},
	"ranks": func() Drawing {
		return ChainRanks("θ", 20, walk(1000, 1, 0.5), walk(1000, 2, 0.99), walk(1000, 3, 0), walk(1000, 4, 0)).Size(560, 400)
	},
	"images": func() Drawing {
		x := blobs(7, 12, 3)
		x.Set(6, 30, nan)
		return Images(x, 12, 12, 3, "0", "1", "two", "a longer title").Wrap(4)
	},
	"table": func() Drawing {
		v := mat.NewDense(3, 5, []float64{0.001, 1.0076, 12.34, 1234, -0.5, 0, 2, nan, inf, 3.25, 1e-9, 4, 5, 6, 2.5e10})
		scale := BlueRed("Nats", 0, 12)
		return Row(Table("Families and targets", []string{"RealNVP", "NSF coupling", "MAF"}, []string{"Two moons", "Ring", "Circular mixture", "Sinusoidal", "Pines"}, v, scale), scale.Bar()).Size(440, 300)
	},
	"cost": func() Drawing {
		n := []float64{10, 100, 1000, 10000}
		p := LogLog("Cost", "Rows", "Seconds", Marked("Flow", n, []float64{1e-5, 2e-5, 1.5e-4, 1.4e-3}, Solid(Steel)), Marked("Reference", n, []float64{1e-4, 3e-4, 2e-3, 2e-2}, Solid(Orange)))
		p.Legend.Left = true
		return Row(p).Size(360, 280)
	},
	"blank": func() Drawing {
		f := Grid{X: []float64{0, 1, 2}, Y: []float64{0, 1, 2}}.Field([]float64{0, 1, 2, 3, nan, 5, -inf, inf, 8})
		scale := BlueRed("z")
		return Panels(New("NaN in the middle", "x", "y", Heat(f, scale)), scale.Bar()).Size(300, 260)
	},
}

// TestGoldens allows what the rounding of other processors can change: in one pixel of a thousand a channel may be off by
// more than 8 of 255. A line that moves by a pixel changes more.
func TestGoldens(t *testing.T) {
	for name, draw := range goldens {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".png")
			if os.Getenv("NFPLOT_UPDATE") != "" {
				if err := Save(path, draw()); err != nil {
					t.Fatal(err)
				}
			}
			file, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%v: run the test with NFPLOT_UPDATE=1, and look at the picture", err)
			} else if err != nil {
				t.Fatal(err)
			}
			if off, n := differing(quantize(render(draw(), resolution), 256), decode(t, file)); off*1000 > n {
				got := filepath.Join(os.TempDir(), "nfplot-"+name+".png")
				t.Errorf("%d of %d pixels differ from %s; the new picture is %s: %v", off, n, path, got, Save(got, draw()))
			}
		})
	}
}

// differing counts the pixels that differ by more than 8 of 255; all of them if the sizes differ.
func differing(a, b image.Image) (off, n int) {
	size := a.Bounds().Size()
	n = size.X * size.Y
	if b.Bounds().Size() != size {
		return n, n
	}
	for y := range size.Y {
		for x := range size.X {
			if !sameColor(a.At(x, y), b.At(x, y), 8) {
				off++
			}
		}
	}
	return off, n
}

func TestDifferingSees(t *testing.T) {
	p := New("", "x", "y", Curve("", math.Sin, 0, 6, Solid(Blue)))
	q := New("", "x", "y", Curve("", func(x float64) float64 { return math.Sin(x) + 0.02 }, 0, 6, Solid(Blue)))
	Limits(p, 0, 6, -2, 2)
	Limits(q, 0, 6, -2, 2)
	if off, n := differing(render(p, resolution), render(q, resolution)); off*1000 <= n {
		t.Errorf("a line moved by a pixel or two changes %d of %d pixels, want more than a thousandth", off, n)
	}
}
