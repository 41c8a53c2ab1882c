package nfplot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

func TestBinomialIntervals(t *testing.T) {
	for _, n := range []int{1, 7, 500} {
		for _, p := range []float64{1e-3, 0.3, 0.98} {
			for _, tail := range []float64{0.01, 0.3} {
				lo, hi := binomialInterval(n, p, tail)
				b := distuv.Binomial{N: float64(n), P: p}
				below, above := 0.0, 0.0
				for k := range n + 1 {
					if k < lo {
						below += b.Prob(float64(k))
					}
					if k > hi {
						above += b.Prob(float64(k))
					}
				}
				if below > tail/2+1e-12 || above > tail/2+1e-12 || below+b.Prob(float64(lo)) < tail/2 || above+b.Prob(float64(hi)) < tail/2 {
					t.Errorf("n = %d, p = %v, tail %v: %d to %d leaves %v below and %v above", n, p, tail, lo, hi, below, above)
				}
			}
		}
	}
}

// TestECDFBandsHoldTheirProbability draws uniform numbers and counts how often the band holds them.
func TestECDFBandsHoldTheirProbability(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10, 100, 2000} {
		z, lower, upper := ecdfBand(n, 0.95)
		inside, trials := 0, 1500
		for range trials {
			u := make([]float64, n)
			for i := range u {
				u[i] = r.Float64()
			}
			slices.Sort(u)
			within := true
			for k, at := range z {
				i, _ := slices.BinarySearch(u, at)
				share := float64(i) / float64(n)
				within = within && share >= lower[k]-1e-12 && share <= upper[k]+1e-12
			}
			if within {
				inside++
			}
		}
		got := float64(inside) / float64(trials)
		// The standard error is 0.0056. Counts are whole: of few numbers a band holds somewhat more.
		if got < 0.95-0.02 || got > 0.95+0.035 {
			t.Errorf("the band of %d numbers holds them in %v of %d trials, want 0.95", n, got, trials)
		}
	}
}

func TestRankHistogramHeights(t *testing.T) {
	p := RankHistogram("", []int{0, 0, 1, 4}, 4, 2) // ranks 0, 1 | 2, 3, 4
	if p.X.Min != -0.5 || p.X.Max != 4.5 {
		t.Errorf("ranks from %v to %v, want -0.5 to 4.5", p.X.Min, p.X.Max)
	}
	if want := 3 / (4 * 0.4); p.Y.Max < want || p.Y.Max > 3 {
		t.Errorf("the axis ends at %v, want just above %v or the band", p.Y.Max, want)
	}
}

// Each kind of diagnostic draws one value, constants and values of which some are missing, and no data where all are missing.
func TestEmptyAndHardDiagnosticsDraw(t *testing.T) {
	kinds := func(v []float64) map[string]Drawing {
		return map[string]Drawing{
			"PIT": PITHistogram("", v, 5), "difference": ECDFDifference("", v), "coverage": Coverage("", v), "QQ": QQ("", v, Quantile(v)),
			"trace": Trace("", "", v, nil), "ranks": ChainRanks("", 5, v, v), "ECDF": New("", "", "", ECDF("name", v, Solid(Red))),
			"log-log": LogLog("", "", "", Marked("name", v, v, Solid(Red))), "band": New("", "", "", Named("name", Band(v, v, v, Red))),
		}
	}
	sized := func(d Drawing) Drawing {
		if p, ok := d.(*plot.Plot); ok {
			d = Row(p)
		}
		return d.(*Figure).Size(160, 120)
	}
	empty := kinds(nil)
	for name, v := range map[string][]float64{"one": {0.5}, "constant": {0, 0, 0}, "NaN": {nan, nan}, "some NaN": {0.1, nan, 1, 0}} {
		for kind, d := range kinds(v) {
			t.Run(kind+" "+name, func(t *testing.T) {
				banded := kind == "PIT" || kind == "difference" || kind == "coverage" // by the number of values, missing ones too
				if same, want := samePicture(sized(d), sized(empty[kind])), name == "NaN" && !banded; same != want {
					t.Errorf("it looks as without data: %t, want %t", same, want)
				}
			})
		}
	}
	for _, v := range extremes {
		row := Row(QQ("", v, Quantile(v)), Trace("", "", v), New("", "", "", ECDF("", v, Solid(Red)), Band(v, v, v, Red)), LogLog("", "", "", Marked("", v, v, Solid(Red)))).Size(400, 120)
		render(row, 1)
		for k, p := range row.layout(400, 120).panels {
			if p.empty {
				t.Errorf("%v: panel %d has no axes", v, k)
			}
		}
		render(ChainRanks("", 5, v, v).Size(160, 120), 1)
	}
	if none, one := Row(RankHistogram("", nil, 5, 3)), Row(RankHistogram("", []int{2}, 5, 3)); samePicture(none.Size(160, 120), one.Size(160, 120)) {
		t.Error("no rank looks as one")
	}
}

func TestECDFSteps(t *testing.T) {
	x, y := ECDF("", []float64{3, 1, nan, 3}, Solid(Red)).(*ecdf).steps()
	if got, want := fmt.Sprint(x, y), "[1 1 3 3 3 3] [0 0.25 0.25 0.5 0.5 0.75]"; got != want {
		t.Errorf("steps %v, want %v", got, want)
	}
}

func TestQuantiles(t *testing.T) {
	q := Quantile([]float64{4, 1, nan, 2, inf, 3})
	for p, want := range map[float64]float64{0: 1, 0.125: 1, 0.25: 1.5, 0.5: 2.5, 0.875: 4, 1: 4} {
		if got := q(p); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v = %v, want %v", p, got, want)
		}
	}
	if got := Quantile([]float64{7})(0.3); got != 7 {
		t.Errorf("the quantile of 7 alone is %v", got)
	}
	if got := Quantile(nil)(0.5); !math.IsNaN(got) {
		t.Errorf("the quantile of nothing is %v, want NaN", got)
	}
}

func TestPooledRanks(t *testing.T) {
	ranks, total := poolRanks([][]float64{{5, 1, nan}, {1, 9, 1}})
	if got, want := fmt.Sprint(ranks, total), "[[2 4] [2 2 5]] 5"; got != want {
		t.Errorf("ranks %v, want %v", got, want)
	}
}

func TestLevelsOfANormalDistribution(t *testing.T) {
	f := NewGrid(-6, 6, 241, -6, 6, 241).Eval(gauss2)
	shares := []float64{0.1, 0.393, 0.5, 0.865, 0.99}
	for i, level := range f.Levels(shares...) {
		// The mass above exp(−r²/2)/2π is 1 − exp(−r²/2). A ring of grid points has up to 1 % of it.
		if want := (1 - shares[i]) / (2 * math.Pi); math.Abs(level-want) > 0.01/(2*math.Pi)*2 {
			t.Errorf("the level of %v is %v, want %v", shares[i], level, want)
		}
	}
	for _, z := range [][]float64{{0, 0, 0, 0}, {nan, nan, nan, nan}, {-1, -2, nan, inf}} {
		if got := (Field{NewGrid(0, 1, 2, 0, 1, 2), z}).Levels(0.5)[0]; !math.IsNaN(got) {
			t.Errorf("the level of %v is %v, want NaN", z, got)
		}
	}
}

func TestIsolinesOfACircle(t *testing.T) {
	f := NewGrid(-2, 2, 81, -2, 2, 81).Eval(func(x, y float64) float64 { return x*x + y*y })
	lines := isolines(f, 1)
	if len(lines) != 1 {
		t.Fatalf("%d lines, want one", len(lines))
	}
	length := 0.0
	for i, at := range lines[0] {
		if r := math.Hypot(at[0], at[1]); math.Abs(r-1) > 1e-3 { // interpolation: h²/8 of a second derivative of 2
			t.Errorf("a point at %v, want 1", r)
		}
		if i > 0 {
			length += math.Hypot(at[0]-lines[0][i-1][0], at[1]-lines[0][i-1][1])
		}
	}
	if first, last := lines[0][0], lines[0][len(lines[0])-1]; first != last || math.Abs(length-2*math.Pi) > 0.01 {
		t.Errorf("from %v to %v, of length %v, want a closed one of 2π", first, last, length)
	}
}

func TestIsolinesOfHardFields(t *testing.T) {
	g := NewGrid(0, 1, 2, 0, 1, 2)
	for _, c := range []struct {
		z    []float64
		want string
	}{
		{[]float64{0, 1, 1, 0}, "[[[0 0.5] [0.5 0]] [[1 0.5] [0.5 1]]]"},                 // a saddle whose middle is inside
		{[]float64{0, 0.9, 0.9, 0}, "[[[0.5556 0] [1 0.4444]] [[0.4444 1] [0 0.5556]]]"}, // and outside
		{[]float64{0, 0, 1, 1}, "[[[1 0.5] [0 0.5]]]"}, {[]float64{2, 2, 2, 2}, "[]"}, {[]float64{0, 1, nan, 0}, "[]"}, {[]float64{0, 1, inf, 0}, "[]"},
	} {
		if got := fmt.Sprintf("%.4v", isolines(Field{g, c.z}, 0.5)); got != c.want {
			t.Errorf("field %v: lines %v, want %v", c.z, got, c.want)
		}
	}
	if n := len(isolines(Field{Grid{X: []float64{0}, Y: []float64{0}}, []float64{1}}, 0.5)); n != 0 {
		t.Errorf("a single point has %d lines", n)
	}
	huge := Field{g, []float64{-math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64}}
	if lines := isolines(huge, 0); len(lines) != 1 || lines[0][0][0] != 0.5 {
		t.Errorf("lines %v of a huge field, want one at x = 0.5", lines)
	}
	render(Row(New("", "", "", Contour("name", huge, Dashed(Red), 0, nan, inf))).Size(100, 90), 1)
}

func TestImagesHaveTheirPixels(t *testing.T) {
	x := mat.NewDense(1, 12, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 2, -1})
	f := Images(x, 2, 2, 3, "title")
	l := f.layout(f.size())
	img := render(f, 1)
	w, h := f.size()
	for i, want := range [][3]uint8{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {128, 255, 0}} {
		r := l.data[0]
		px := int(r.Min.X + r.Size().X*(0.25+0.5*vg.Length(i%2)))
		py := int(h - (r.Max.Y - r.Size().Y*(0.25+0.5*vg.Length(i/2))))
		if got := img.RGBAAt(px, py); [3]uint8{got.R, got.G, got.B} != want {
			t.Errorf("pixel %d of the image is %v, want %v", i, got, want)
		}
	}
	if w > 200 || len(l.panels[0].xTicks) > 0 {
		t.Errorf("one image is %v wide with numbers %q", w, labels(l.panels[0].xTicks))
	}
	if got := newPixels([]float64{nan, 1}, 1, 2, 1).image; got.RGBAAt(0, 0).G != 0 || got.RGBAAt(0, 0).R != 255 || got.RGBAAt(1, 0).G != 255 {
		t.Errorf("NaN and 1 are %v and %v, want magenta and white", got.RGBAAt(0, 0), got.RGBAAt(1, 0))
	}
	for _, n := range []int{1, 8, 9, 70} {
		f := Images(blobs(n, 4, 1), 4, 4, 1)
		if w, h := f.size(); w > 1000 || h > 1300 {
			t.Errorf("%d images take %v×%v", n, w, h)
		}
	}
}

func TestTableNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1.00", -0.5: "−0.500", 12.34: "12.3", 123.4: "123", 1234.5: "1234", 99999: "99999", 1e5: "1e+05", 0.01: "0.0100", 0.0092: "0.00920", 0.0001: "0.0001", inf: "+Inf", 9.999: "10.00"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestTableColours(t *testing.T) {
	scale := Grays("")
	p := Table("", []string{"top", "bottom"}, []string{"left", "right"}, mat.NewDense(2, 2, []float64{0, 1, nan, 3}), scale)
	if lo, hi := scale.limits(); lo != 0 || hi != 3 {
		t.Errorf("the scale covers %v to %v, want 0 to 3", lo, hi)
	}
	f := Row(p).Size(300, 300)
	r := f.layout(300, 300).data[0]
	img := render(f, 1)
	at := func(x, y float64) uint8 {
		return img.RGBAAt(int(r.Min.X+vg.Length(x)*r.Size().X), int(300-(r.Min.Y+vg.Length(y)*r.Size().Y))).R
	}
	if tl, bl, br := at(0.1, 0.9), at(0.1, 0.1), at(0.9, 0.1); tl != 255 || bl != 255 || br != 0 {
		t.Errorf("top left %d, bottom left %d, bottom right %d, want white, blank and black", tl, bl, br)
	}
	labels := Row(p).layout(300, 300).panels[0]
	if got := labels.yTicks; len(got) != 2 || got[0].Label != "top" || got[0].Value != 1 {
		t.Errorf("rows %v, want the first at the top", got)
	}
	tiny := Table("", make([]string, 60), make([]string, 60), mat.NewDense(60, 60, nil), Grays(""))
	render(Row(tiny).Size(100, 100), 1)
}

func TestLogLogFallsBack(t *testing.T) {
	p := LogLog("", "x", "y", Marked("", []float64{0, 1}, []float64{1, 2}, Solid(Red)))
	if _, log := p.X.Scale.(logScale); log {
		t.Error("an axis with a zero is logarithmic")
	}
	if _, log := p.Y.Scale.(logScale); !log {
		t.Error("the positive axis is not logarithmic")
	}
	if p.X.Label.Text != "x"+notPositive || p.Y.Label.Text != "y" {
		t.Errorf("labels %q and %q", p.X.Label.Text, p.Y.Label.Text)
	}
}
