package nfplot

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// TestCornersAreReadable checks the layout of 1 to 10 columns: panels in line, of one size, and labels that do not touch.
func TestCornersAreReadable(t *testing.T) {
	for d := 1; d <= 10; d++ {
		f := Corner(columnNames(9)[:min(d, 9)], []Sample{{Name: "a", X: posterior(200, min(d, 9), 0, 1)}}, nil)
		if d == 10 {
			f = Corner(append(columnNames(9), "θ₁₀"), []Sample{{Name: "a", X: posterior(200, 10, 0, 1)}}, nil)
		}
		w, h := f.size()
		l := f.layout(w, h)
		for k, p := range l.panels {
			row, column := k/d, k%d
			if p.absent != (column > row) {
				t.Fatalf("%d columns: panel %d, %d is there: %v", d, row, column, !p.absent)
			}
			data := l.data[k]
			if data.Size() != l.data[0].Size() || data.Min.Y != l.data[row*d].Min.Y || data.Min.X != l.data[column].Min.X {
				t.Errorf("%d columns: panel %d, %d is %v, out of line", d, row, column, data)
			}
			if side := min(data.Size().X, data.Size().Y); side < 75 || d > 1 && float64(side) < 0.9*float64(max(data.Size().X, data.Size().Y)) {
				t.Errorf("%d columns: a panel of %v, want a square of 75 or more", d, data.Size())
			}
			if p.absent {
				continue
			}
			if data.Min.X-p.room.left < 0 || data.Min.Y-p.room.bottom < 0 || data.Max.X > w || data.Max.Y > h {
				t.Errorf("%d columns: panel %d, %d leaves the page", d, row, column)
			}
			if p.turned || len(p.xTicks) < 1 || len(p.xTicks) > 6 {
				t.Errorf("%d columns: panel %d, %d has the numbers %q, turned %v", d, row, column, labels(p.xTicks), p.turned)
			}
			if column != row {
				below := l.panels[column*d+column]
				if p.X.Min != below.X.Min || p.X.Max != below.X.Max {
					t.Errorf("%d columns: panel %d, %d has another range than the diagonal", d, row, column)
				}
			}
			if row == d-1 && column > 0 { // the last number of the neighbour and the first of this
				before := l.panels[k-1]
				a, b := before.xTicks[len(before.xTicks)-1], p.xTicks[0]
				from := l.data[k-1].Min.X + l.data[k-1].Size().X*vg.Length(before.X.Norm(a.Value)) + p.X.Tick.Label.Width(a.Label)/2
				to := data.Min.X + data.Size().X*vg.Length(p.X.Norm(b.Value)) - p.X.Tick.Label.Width(b.Label)/2
				if from+2 > to {
					t.Errorf("%d columns: %q and %q of panels %d and %d overlap by %v", d, a.Label, b.Label, column-1, column, from-to)
				}
			}
		}
	}
}

func TestCornerRangesAreQuantiles(t *testing.T) {
	x := posterior(10000, 3, 0, 1)
	x.Set(17, 2, 1e6) // an outlier
	f := Corner(columnNames(3), []Sample{{X: x}}, &CornerOptions{Truths: []float64{nan, 5, 0}})
	if p := f.panels[8]; p.X.Max > 10 || p.X.Max < 2 {
		t.Errorf("the range of a column with an outlier ends at %v", p.X.Max)
	}
	if p := f.panels[4]; p.X.Max < 5 {
		t.Errorf("the range ends at %v, before the truth at 5", p.X.Max)
	}
}

// TestCornerBins wants the same bins of samples that are as wide, and bins of a wide sample that end where those of a narrow one do.
func TestCornerBins(t *testing.T) {
	c := corner{names: columnNames(1)}
	for _, s := range []struct {
		n     int
		width float64
	}{{2000, 1}, {1500, 1.1}, {4000, 0.1}} {
		x := mat.NewDense(s.n, 1, nil)
		x.Apply(func(i, _ int, _ float64) float64 { return s.width * math.Sin(float64(i)) }, x)
		c.add(0, Sample{X: x})
	}
	c.add(0, Sample{X: &mat.Dense{}})
	c.setRanges()
	edges := c.edges(0)
	if !slices.Equal(edges[0], edges[1]) || edges[3] != nil {
		t.Errorf("samples as wide have the bins %v and %v, and one without rows has %v", edges[0], edges[1], edges[3])
	}
	if len(edges[2]) < 4*len(edges[0]) {
		t.Errorf("a sample a tenth as wide has %d bins, the wide one %d", len(edges[2])-1, len(edges[0])-1)
	}
	for _, e := range edges[0] {
		if !slices.Contains(edges[2], e) {
			t.Errorf("a bin ends at %v, where no finer bin does", e)
		}
	}
	if last := len(edges[0]) - 1; edges[0][0] != c.lo[0] || edges[0][last] != c.hi[0] {
		t.Errorf("bins go from %v to %v, want %v to %v", edges[0][0], edges[0][last], c.lo[0], c.hi[0])
	}
}

// TestContoursHoldTheirShare counts the rows inside of a corner's contour.
func TestContoursHoldTheirShare(t *testing.T) {
	const n = 20000
	x := mat.NewDense(n, 2, nil)
	x.SetCol(0, walk(n, 1, 0))
	x.SetCol(1, walk(n, 2, 0))
	c := corner{names: columnNames(2)}
	c.add(0, Sample{X: x})
	c.setRanges()
	f, rows := c.estimate(c.data[0], 0, 1)
	if rows < n*98/100 {
		t.Errorf("the estimate is of %d rows of %d", rows, n)
	}
	for _, share := range []float64{0.393, 0.865} {
		radius := math.Sqrt(-2 * math.Log(1-share))
		for _, line := range isolines(f, f.Levels(share)[0]) {
			for _, at := range line {
				// The kernel widens the normal distribution by 1 %; the rest is noise of the estimate.
				if r := math.Hypot(at[0], at[1]); math.Abs(r-radius) > 0.2*radius {
					t.Errorf("a point of the contour of %v is %v away from the middle, want %v", share, r, radius)
				}
			}
		}
	}
}

// TestContoursOfNarrowModes wants contours near each of two modes that lie far from each other, as their widths and not their distance say.
func TestContoursOfNarrowModes(t *testing.T) {
	const n, width = 10000, 0.05
	x := mat.NewDense(n, 2, nil)
	x.SetCol(0, walk(n, 1, 0))
	x.SetCol(1, walk(n, 2, 0))
	x.Apply(func(i, _ int, v float64) float64 { return width*v + float64(i%2) }, x)
	c := corner{names: columnNames(2)}
	c.add(0, Sample{X: x})
	c.setRanges()
	f, _ := c.estimate(c.data[0], 0, 1)
	for _, line := range isolines(f, f.Levels(0.865)[0]) {
		for _, at := range line {
			if r := min(math.Hypot(at[0], at[1]), math.Hypot(at[0]-1, at[1]-1)); r > 3*width {
				t.Fatalf("a point of the contour that holds 0.865 is %v away from the next mode, want about %v", r, 2*width)
			}
		}
	}
}

func TestHardCornersDraw(t *testing.T) {
	for name, x := range map[string]mat.Matrix{
		"empty": &mat.Dense{}, "one row": mat.NewDense(1, 3, []float64{1, 2, 3}), "constant": mat.NewDense(200, 3, nil),
		"NaN": mat.NewDense(2, 3, []float64{nan, 1, inf, nan, 2, 3}), "all NaN": mat.NewDense(1, 3, []float64{nan, nan, nan}),
		"extreme": mat.NewDense(4, 3, []float64{-math.MaxFloat64, 0, 1e17, math.MaxFloat64, 5e-324, 1e17, 0, 0, 0, 1, 1, 1}),
		"extremes of many": func() mat.Matrix {
			x := mat.NewDense(200, 3, nil)
			for i := range 200 {
				x.SetRow(i, []float64{math.MaxFloat64 * math.Sin(float64(i)), 1e-320 * float64(i), 1e300 + float64(i)})
			}
			return x
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			names := []string{"a", "b", "c"}
			truths := &CornerOptions{Truths: []float64{0, nan, inf}, Shares: []float64{0.5}}
			hard := func(x mat.Matrix) Drawing {
				return Corner(names, []Sample{{Name: "hard", X: x}, {X: posterior(150, 3, 0, 1)}}, nil).Size(240, 240)
			}
			alone := func(x mat.Matrix) Drawing { return Corner(names, []Sample{{X: x}}, truths).Size(240, 240) }
			for what, f := range map[string]func(x mat.Matrix) Drawing{"beside another": hard, "alone": alone} {
				if same := samePicture(f(x), f(&mat.Dense{})); same && name != "empty" && name != "all NaN" {
					t.Errorf("%s, it looks as without data", what)
				}
			}
		})
	}
}

func TestNewMisuse(t *testing.T) {
	x, ab := posterior(3, 2, 0, 1), []string{"a", "b"}
	testkit.WantPanic(t, "nfplot: Corner: got 0 columns and 1 samples", func() { Corner(nil, []Sample{{X: x}}, nil) })
	testkit.WantPanic(t, "nfplot: Corner: got 2 columns and 0 samples", func() { Corner(ab, nil, nil) })
	testkit.WantPanic(t, "nfplot: Corner: sample 0 is 3×2, want 1 columns", func() { Corner(ab[:1], []Sample{{X: x}}, nil) })
	testkit.WantPanic(t, "nfplot: Corner: sample 1 has no matrix", func() { Corner(ab, []Sample{{X: x}, {}}, nil) })
	testkit.WantPanic(t, "nfplot: Corner: got 1 truths for 2 columns", func() { Corner(ab, []Sample{{X: x}}, &CornerOptions{Truths: []float64{1}}) })
	testkit.WantPanic(t, "nfplot: Figure.Wrap: got a corner", func() { Corner(ab, []Sample{{X: x}}, nil).Wrap(2) })
	g := NewGrid(0, 1, 2, 0, 1, 2)
	testkit.WantPanic(t, "nfplot: Field.Levels: got the share 1", func() { g.Eval(gauss2).Levels(1) })
	testkit.WantPanic(t, "nfplot: Field.Levels: got a grid of 1×2", func() { NewGrid(0, 0, 1, 0, 1, 2).Eval(gauss2).Levels(0.5) })
	testkit.WantPanic(t, "nfplot: Contour: got 1 values, want 4", func() { Contour("", Field{g, []float64{1}}, Solid(Red), 1) })
	testkit.WantPanic(t, "nfplot: Band: got 1 x, 2 lower and 1 upper", func() { Band([]float64{1}, []float64{1, 2}, []float64{1}, Red) })
	testkit.WantPanic(t, "nfplot: Marked: got 1 x and 0 y", func() { Marked("", []float64{1}, nil, Solid(Red)) })
	testkit.WantPanic(t, "nfplot: RankHistogram: got 12 bins for ranks among 10 draws", func() { RankHistogram("", nil, 10, 12) })
	testkit.WantPanic(t, "nfplot: RankHistogram: got the rank 11 at place 0", func() { RankHistogram("", []int{11}, 10, 11) })
	testkit.WantPanic(t, "nfplot: PITHistogram: got 1.5 at place 1", func() { PITHistogram("", []float64{nan, 1.5}, 3) })
	testkit.WantPanic(t, "nfplot: PITHistogram: got 0 bins", func() { PITHistogram("", nil, 0) })
	testkit.WantPanic(t, "nfplot: ECDFDifference: got -1 at place 0", func() { ECDFDifference("", []float64{-1}) })
	testkit.WantPanic(t, "nfplot: Coverage: got +Inf at place 0", func() { Coverage("", []float64{inf}) })
	testkit.WantPanic(t, "nfplot: ChainRanks: got no chains", func() { ChainRanks("", 5) })
	testkit.WantPanic(t, "nfplot: ChainRanks: got 0 bins", func() { ChainRanks("", 0, []float64{1}) })
	testkit.WantPanic(t, "nfplot: Images: got no matrix", func() { Images(nil, 1, 1, 1) })
	testkit.WantPanic(t, "nfplot: Images: got rows of 2 numbers for 1×2 pixels of 2 channels", func() { Images(x, 1, 2, 2) })
	testkit.WantPanic(t, "nfplot: Images: got 3 rows and 4 titles", func() { Images(x, 1, 2, 1, "a", "b", "c", "d") })
	testkit.WantPanic(t, "nfplot: Table: got 3×2 values for 2 rows and 2 columns", func() { Table("", ab, ab, x, Grays("")) })
	testkit.WantPanic(t, "nfplot: Table: got the values", func() { Table("", ab, ab, nil, Grays("")) })
}

func TestConstantTicksInPanels(t *testing.T) { // which cannot be compared by ==
	p := New("", "", "", Line("", []float64{0, 1}, []float64{0, 1}, Solid(Red)))
	p.X.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "a rather long name"}, {Value: 1, Label: "another one"}}
	p.Y.Tick.Marker = p.X.Tick.Marker
	f := Panels(p, p).Wrap(1).Size(200, 300)
	l := f.layout(200, 300)
	if !l.panels[0].hideX {
		t.Error("the same names stand at both panels")
	}
	if narrow := Row(p).layout(150, 150).panels[0]; !narrow.turned {
		t.Error("names that touch are not turned")
	}
	checkPlaces(t, "turned names", Row(p).layout(190, 190), 1, 190, 190)
	render(Row(p).Size(190, 190), 1)
}
