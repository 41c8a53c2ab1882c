package ad_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// Values that normflows computes in float64, utils/splines.py, for four bins.
func TestSplineGolden(t *testing.T) {
	widthsHeights := []float64{.1, -.2, .3, .4, .5, -.1, 0, .2}
	linear := ad.Spline{Bins: 4, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{3}}
	circular := ad.Spline{Bins: 4, Tails: []ad.Tail{ad.TailCircular}, Upper: []float64{3}}
	free := ad.Spline{Bins: 4, Tails: []ad.Tail{ad.TailFree}, Lower: []float64{0}, Upper: []float64{1}}
	ofLinear, ofCircular, ofFree := []float64{.2, -.3, .1}, []float64{.2, -.3, .1, .6}, []float64{.2, -.3, .1, .6, -.5}
	for _, c := range []struct {
		s            *ad.Spline
		slopes       []float64
		x, y, logDet float64
	}{
		{&linear, ofLinear, -2.5, -2.282019031353681, 0.5821630783793563},
		{&linear, ofLinear, -0.4, 0.31095599660452616, -0.47935668762420724},
		{&linear, ofLinear, 0, 0.5839396079009135, -0.3036059835707835},
		{&linear, ofLinear, 1.7, 1.8957692890270055, -0.27931770706246334},
		{&linear, ofLinear, 3, 3, 0},
		{&linear, ofLinear, 4, 4, 0},
		{&linear, []float64{7, .2, -.3, .1, -7}, 1.7, 1.8957692890270055, -0.27931770706246334},
		{&circular, ofCircular, -2.5, -2.3019402130982503, 0.6580265860713629},
		{&circular, ofCircular, -0.4, 0.3337570439900396, -0.3654082749163704},
		{&circular, ofCircular, 1.7, 1.9971869102274895, -0.18393362951578313},
		{&circular, ofCircular, 3, 3, -0.22422054433605726},
		{&circular, append(ofCircular, 9), 1.7, 1.9971869102274895, -0.18393362951578313},
		{&free, ofFree, 0, 0, -0.22422054433605754},
		{&free, ofFree, 0.1, 0.14947784752278953, 0.7086261924925253},
		{&free, ofFree, 0.5, 0.599969211041968, -0.42826753239971244},
		{&free, ofFree, 0.77, 0.8277909682673898, -0.03207089632756499},
		{&free, ofFree, 1, 1, -0.7442784161216173},
	} {
		tape := ad.NewEvalTape(ad.Float64)
		logits := slices.Concat(widthsHeights, c.slopes)
		p := tape.Const(1, len(logits), logits)
		y, logDet := tape.Const(1, 1, []float64{c.x}).Spline(p, c.s)
		const tol = 1e-14 // a few roundings
		if math.Abs(y.At(0, 0)-c.y) > tol || math.Abs(logDet.At(0, 0)-c.logDet) > 10*tol {
			t.Errorf("Spline(%v), tail %d = %v, log-derivative %v, want %v, %v", c.x, c.s.Tails[0], y.At(0, 0), logDet.At(0, 0), c.y, c.logDet)
		}
	}
}

// splineCase is a set of splines with points of every kind: in bins, in tails, at ends and far away.
type splineCase struct {
	name   string
	s      *ad.Spline
	rows   int // of logits
	slopes int // logits of slopes of a column
	d      int
}

var splineCases = []splineCase{
	{"linear", &ad.Spline{Bins: 8, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{3}}, 40, 7, 3},
	{"one bin", &ad.Spline{Bins: 1, Tails: []ad.Tail{ad.TailFree}, Upper: []float64{3}}, 40, 2, 2},
	{"circular, scaled", &ad.Spline{Bins: 5, Tails: []ad.Tail{ad.TailCircular}, Upper: []float64{math.Pi}, Scale: 0.25}, 40, 5, 2},
	{"free", &ad.Spline{Bins: 4, Tails: []ad.Tail{ad.TailFree}, Lower: []float64{0}, Upper: []float64{1}}, 40, 5, 2},
	{"one for all rows", &ad.Spline{Bins: 6, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{2}}, 1, 5, 3},
	{"mixed", &ad.Spline{Bins: 6, Tails: []ad.Tail{ad.TailLinear, ad.TailCircular, ad.TailFree}, Lower: []float64{-2, -1, 0}, Upper: []float64{2, 7, 40}}, 40, 7, 3},
}

func (c splineCase) cols() int { return c.d * (2*c.s.Bins + c.slopes) }

// draw returns logits with the given standard deviation, and 40 points around the interval.
func (c splineCase) draw(sd float64, src rand.Source) (logits, x []float64) {
	r := rand.New(src)
	logits, x = make([]float64, c.rows*c.cols()), make([]float64, 40*c.d)
	for i := range logits {
		logits[i] = sd * r.NormFloat64()
	}
	for i := range x {
		hi := c.s.Upper[min(i%c.d, len(c.s.Upper)-1)]
		lo := -hi
		if c.s.Lower != nil {
			lo = c.s.Lower[min(i%c.d, len(c.s.Lower)-1)]
		}
		x[i] = lo + (hi-lo)*(1.2*r.Float64()-0.1)
	}
	return logits, x
}

// apply computes one direction on a fresh tape, and L = Σ a·y + b·logDet of each row with fixed weights.
func (c splineCase) apply(p ad.Precision, inverse bool, logits, x []float64) (in, params, y, logDet, loss *ad.Value) {
	tape := ad.NewTape(p)
	params, in = tape.Variable(c.rows, c.cols(), logits), tape.Variable(len(x)/c.d, c.d, x)
	if inverse {
		y, logDet = in.SplineInverse(params, c.s)
	} else {
		y, logDet = in.Spline(params, c.s)
	}
	r := rand.New(rand.NewPCG(17, 18))
	weights := func(n int) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = r.NormFloat64()
		}
		return w
	}
	loss = y.Mul(tape.Const(y.Rows(), c.d, weights(len(x)))).RowSum().Add(logDet.Mul(tape.Const(y.Rows(), 1, weights(y.Rows()))))
	return in, params, y, logDet, loss
}

// steepness returns the derivative of each element of the result, and of its log-derivative, with respect to its argument.
func (c splineCase) steepness(inverse bool, logits, x []float64) (dy, dl []float64) {
	in, _, y, _, _ := c.apply(ad.Float64, inverse, logits, x)
	in.Tape().Backward(y.Sum())
	dy = in.Grad()
	in, _, _, logDet, _ := c.apply(ad.Float64, inverse, logits, x)
	in.Tape().Backward(logDet.Sum())
	return dy, in.Grad()
}

// span returns the size of the numbers of an element's column.
func (c splineCase) span(element int) float64 {
	return 1 + 2*c.s.Upper[min(element%c.d, len(c.s.Upper)-1)]
}

// The way back is as exact as y is known: rounding y moves x by that error over dy/dx, which logits of deviation 8
// make as small as 1e-6. Where dy/dx > 1e-3, the bound is 4e-12 for a span of 6.
func TestSplineRoundTrip(t *testing.T) {
	const ulp = 1.0 / (1 << 52)
	for _, sd := range []float64{0.1, 1, 4, 8} {
		for _, c := range splineCases {
			for seed := range uint64(50) {
				logits, x := c.draw(sd, rand.NewPCG(seed, 3))
				_, _, y, up, _ := c.apply(ad.Float64, false, logits, x)
				slope, curvature := c.steepness(false, logits, x)
				_, _, back, down, _ := c.apply(ad.Float64, true, logits, y.Data())
				worst := make([]float64, up.Rows())
				for i, b := range back.Data() {
					tol := 4 * ulp * c.span(i) * (1 + 1/slope[i])
					worst[i/c.d] += 10*ulp + tol*math.Abs(curvature[i])
					if !(math.Abs(b-x[i]) <= tol) {
						t.Errorf("%s, sd %v: x = %v came back as %v, want it within %.1g", c.name, sd, x[i], b, tol)
					}
				}
				for i, l := range down.Data() {
					if !(math.Abs(l+up.At(i, 0)) <= worst[i]) {
						t.Errorf("%s, sd %v: log-determinants %v and %v, want them opposite within %.1g", c.name, sd, up.At(i, 0), l, worst[i])
					}
				}
			}
		}
	}
}

// float32 errs by rounding alone: of logits, of the fractions that place knots, of the result. A bin may be as small as a
// thousandth of the interval, so that a knot which is off by an ulp of it changes a log-derivative by hundreds of ulps.
func TestSplineFloat32(t *testing.T) {
	const ulp = 1.0 / (1 << 23)
	for _, sd := range []float64{0.1, 1, 4, 8} {
		for _, c := range splineCases {
			for _, inverse := range []bool{false, true} {
				logits, x := c.draw(sd, rand.NewPCG(5, 6))
				for i := range logits {
					logits[i] = float64(float32(logits[i]))
				}
				for i := range x {
					x[i] = float64(float32(x[i]))
				}
				_, _, want, wantLog, _ := c.apply(ad.Float64, inverse, logits, x)
				_, _, got, gotLog, _ := c.apply(ad.Float32, inverse, logits, x)
				slope, curvature := c.steepness(inverse, logits, x)
				worst := make([]float64, got.Rows())
				for i, y := range got.Data() {
					tol := 4 * ulp * c.span(i) * (1 + slope[i])
					worst[i/c.d] += 4 * ulp * (100 + c.span(i)*math.Abs(curvature[i]))
					if w := want.At(i/c.d, i%c.d); !(math.Abs(y-w) <= tol) {
						t.Errorf("%s, sd %v, inverse %v: %v went to %v in float32, %v in float64, want it within %.1g", c.name, sd, inverse, x[i], y, w, tol)
					}
				}
				for i, l := range gotLog.Data() {
					if w := wantLog.At(i, 0); !(math.Abs(l-w) <= worst[i]) {
						t.Errorf("%s, sd %v, inverse %v: log-determinant %v in float32, %v in float64, want it within %.1g", c.name, sd, inverse, l, w, worst[i])
					}
				}
			}
		}
	}
}

// The gradients of both directions against central differences.
func TestSplineGradient(t *testing.T) {
	const h, tol = 1e-6, 2e-7 // error of the difference: h² from above, 1e-16/h from below, with factors up to 1e3
	for _, c := range splineCases {
		for _, inverse := range []bool{false, true} {
			logits, x := c.draw(1, rand.NewPCG(9, 10))
			in, params, _, _, loss := c.apply(ad.Float64, inverse, logits, x)
			loss.Tape().Backward(loss.Sum())
			// check varies the elements of a column at once, as losses of rows depend on their own ones alone, or on the only row.
			check := func(what string, rows int, got, at []float64) {
				cols := len(at) / rows
				losses := func(column int, step float64) []float64 {
					old := slices.Clone(at)
					defer copy(at, old)
					for i := range rows {
						at[i*cols+column] += step
					}
					_, _, _, _, loss := c.apply(ad.Float64, inverse, logits, x)
					if rows == 1 {
						loss = loss.Sum()
					}
					return loss.Data()
				}
				for column := range cols {
					above, below := losses(column, h), losses(column, -h)
					for i := range rows {
						want, got := (above[i]-below[i])/(2*h), got[i*cols+column]
						if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
							t.Errorf("%s, inverse %v: gradient of %s %d of row %d is %v, differences give %v", c.name, inverse, what, column, i, got, want)
						}
					}
				}
			}
			check("input", len(x)/c.d, in.Grad(), x)
			check("logit", c.rows, params.Grad(), logits)
		}
	}
}

// The spline written with simple operations, for points whose bin is known, with one column.
func composedSpline(x, logits *ad.Value, bins []int, k int, bound float64) (y, logDet *ad.Value) {
	tape, n := x.Tape(), x.Rows()
	const least = 1e-3
	cumulate := make([]float64, k*(k+1)) // to the sums before each knot
	for i := range k {
		for j := i + 1; j <= k; j++ {
			cumulate[i*(k+1)+j] = 1
		}
	}
	atLeft, atRight := make([]float64, n*(k+1)), make([]float64, n*(k+1))
	for i, b := range bins {
		atLeft[i*(k+1)+b], atRight[i*(k+1)+b+1] = 1, 1
	}
	pick := func(v *ad.Value, which []float64) *ad.Value { return v.Mul(tape.Const(n, k+1, which)).RowSum() }
	knots := func(lo int) *ad.Value {
		f := logits.Slice(lo, lo+k).LogSoftmax().Exp().Scale(1 - least*float64(k)).Shift(least)
		return f.MatMul(tape.Const(k, k+1, cumulate)).Scale(2 * bound).Shift(-bound)
	}
	one := tape.Full(n, 1, 1)
	slopes := one.Concat(logits.Slice(2*k, 3*k-1).Softplus().Shift(least), one)
	xs, ys := knots(0), knots(k)
	x0, y0, d0, d1 := pick(xs, atLeft), pick(ys, atLeft), pick(slopes, atLeft), pick(slopes, atRight)
	w, h := pick(xs, atRight).Sub(x0), pick(ys, atRight).Sub(y0)
	delta, theta := h.Div(w), x.Sub(x0).Div(w)
	phi := one.Sub(theta)
	tp := theta.Mul(phi)
	den := delta.Add(d0.Add(d1).Sub(delta.Scale(2)).Mul(tp))
	y = y0.Add(h.Mul(delta.Mul(theta.Square()).Add(d0.Mul(tp))).Div(den))
	num := delta.Square().Mul(d1.Mul(theta.Square()).Add(delta.Mul(tp).Scale(2)).Add(d0.Mul(phi.Square())))
	return y, num.Log().Sub(den.Log().Scale(2))
}

func TestSplineComposition(t *testing.T) {
	const k, n, bound, tol = 5, 30, 3.0, 1e-11
	s := &ad.Spline{Bins: k, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{bound}}
	r := rand.New(rand.NewPCG(1, 9))
	logits, x := make([]float64, n*(3*k-1)), make([]float64, n)
	for i := range logits {
		logits[i] = r.NormFloat64()
	}
	for i := range x {
		x[i] = bound * (2*r.Float64() - 1)
	}
	run := func(f func(x, p *ad.Value) (y, l *ad.Value)) [][]float64 {
		tape := ad.NewTape(ad.Float64)
		in, p := tape.Variable(n, 1, x), tape.Variable(n, 3*k-1, logits)
		y, l := f(in, p)
		tape.Backward(y.Mul(y).Sum().Add(l.Mul(in).Sum()))
		return [][]float64{y.Data(), l.Data(), in.Grad(), p.Grad()}
	}
	fused := run(func(x, p *ad.Value) (y, l *ad.Value) { return x.Spline(p, s) })
	composed := run(func(x, p *ad.Value) (y, l *ad.Value) {
		w := p.Slice(0, k).LogSoftmax().Exp().Data()
		bins := make([]int, n)
		for i := range n {
			right := -bound
			for b := range k {
				if right += 2 * bound * (1e-3 + (1-1e-3*k)*w[i*k+b]); x.At(i, 0) < right {
					bins[i] = b
					break
				}
			}
		}
		return composedSpline(x, p, bins, k, bound)
	})
	for part, name := range []string{"y", "log-derivative", "gradient of x", "gradient of logits"} {
		for i, got := range fused[part] {
			if want := composed[part][i]; !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
				t.Errorf("%s %d = %v, composed of simple operations %v", name, i, got, want)
			}
		}
	}
}

// Knots, ends, points next to them and far away, with logits from tame to absurd: all finite, in order, and back.
func TestSplineExtremes(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		for _, tail := range []ad.Tail{ad.TailLinear, ad.TailCircular, ad.TailFree} {
			for _, bound := range []float64{1e-3, 3, 64, 1e6} {
				for _, size := range []float64{0, 1, 30, 1000, 1e6} {
					const k = 8
					s := &ad.Spline{Bins: k, Tails: []ad.Tail{tail}, Upper: []float64{bound}}
					r := rand.New(rand.NewPCG(2, uint64(size)))
					logits := make([]float64, 3*k+1)
					for i := range logits {
						logits[i] = size * (2*r.Float64() - 1)
					}
					b := bound
					if p == ad.Float32 {
						b = float64(float32(bound))
					}
					x := []float64{math.Inf(-1), -1e30, -2 * b, math.Nextafter(-b, -9e9), -b, math.Nextafter(-b, 0), -b / 3, 0, b / 4, b / 2, math.Nextafter(b, 0), b, math.Nextafter(b, 9e9), 5 * b, 1e30, math.Inf(1)}
					for i := range k + 1 { // equal logits have their knots here
						x = append(x, -b+2*b*float64(i)/k)
					}
					slices.Sort(x)
					for _, inverse := range []bool{false, true} {
						c := splineCase{s: s, rows: 1, slopes: k + 1, d: 1}
						name := fmt.Sprintf("%v, tail %d, bound %v, logits %v, inverse %v", p, tail, bound, size, inverse)
						in, params, y, logDet, loss := c.apply(p, inverse, logits, x)
						for i, v := range y.Data() {
							l := logDet.At(i, 0)
							if outside := x[i] < -bound || x[i] > bound; outside && p == ad.Float64 && (v != x[i] || l != 0) {
								t.Errorf("%s: %v outside went to %v with log-derivative %v", name, x[i], v, l)
							}
							if math.IsNaN(v) || math.IsNaN(l) || math.IsInf(l, 0) || i > 0 && v < y.At(i-1, 0) {
								t.Errorf("%s: %v went to %v with log-derivative %v, the point before to %v", name, x[i], v, l, y.At(max(i-1, 0), 0))
							}
						}
						loss.Tape().Backward(loss.Sum())
						for i, g := range slices.Concat(in.Grad(), params.Grad()) {
							if math.IsNaN(g) || math.IsInf(g, 0) {
								t.Errorf("%s: gradient %d is %v", name, i, g)
							}
						}
					}
				}
			}
		}
	}
}

// Equal logits and slopes of 1 make the identity.
func TestSplineIdentity(t *testing.T) {
	unit := math.Log(math.Expm1(1 - 1e-3)) // softplus(unit) + 1e-3 = 1
	s := &ad.Spline{Bins: 8, Tails: []ad.Tail{ad.TailCircular}, Upper: []float64{3}}
	logits := make([]float64, 24)
	for i := range logits {
		logits[i] = unit
	}
	for _, x := range []float64{-3, -1.1, 0, 0.75, 2.9, 3} {
		tape := ad.NewEvalTape(ad.Float64)
		y, l := tape.Const(1, 1, []float64{x}).Spline(tape.Const(1, 24, logits), s)
		if math.Abs(y.At(0, 0)-x) > 1e-15 || math.Abs(l.At(0, 0)) > 1e-15 {
			t.Errorf("Spline(%v) = %v with log-derivative %v, want the identity", x, y.At(0, 0), l.At(0, 0))
		}
	}
}

func TestSplineNaN(t *testing.T) {
	s := &ad.Spline{Bins: 2, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{3}}
	for _, c := range []struct{ x, logit float64 }{{math.NaN(), 0}, {1, math.NaN()}, {1, math.Inf(1)}} {
		tape := ad.NewEvalTape(ad.Float64)
		for at := range 5 {
			logits := make([]float64, 5)
			logits[at] = c.logit
			p := tape.Const(1, 5, logits)
			for _, f := range []func(ad.Operand, *ad.Spline) (y, l *ad.Value){tape.Const(1, 1, []float64{c.x}).Spline, tape.Const(1, 1, []float64{c.x}).SplineInverse} {
				if y, l := f(p, s); !math.IsNaN(y.At(0, 0)) && !math.IsNaN(l.At(0, 0)) {
					t.Errorf("x = %v, logit %d = %v: got %v with log-derivative %v, want NaN", c.x, at, c.logit, y.At(0, 0), l.At(0, 0))
				}
			}
		}
	}
}

func TestSplineMisuse(t *testing.T) {
	ok := ad.Spline{Bins: 4, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{3}}
	for _, c := range []struct {
		want string
		rows int
		cols int
		edit func(s *ad.Spline)
	}{
		{"1000 bins, want 1 to 999", 5, 22, func(s *ad.Spline) { s.Bins = 1000 }},
		{"0 bins", 5, 22, func(s *ad.Spline) { s.Bins = 0 }},
		{"want 13 for each column", 5, 20, func(*ad.Spline) {}},
		{"want 13 for each column", 5, 23, func(*ad.Spline) {}},
		{"tail 2", 5, 22, func(s *ad.Spline) { s.Tails = []ad.Tail{ad.TailLinear, ad.TailFree} }},
		{"tail 1", 5, 22, func(s *ad.Spline) { s.Tails = []ad.Tail{ad.TailLinear, ad.TailCircular} }},
		{"tail 7", 5, 22, func(s *ad.Spline) { s.Tails[0] = 7 }},
		{"3 tails", 5, 22, func(s *ad.Spline) { s.Tails = make([]ad.Tail, 3) }},
		{"3 upper", 5, 22, func(s *ad.Spline) { s.Upper = []float64{1, 2, 3} }},
		{"2 lower", 5, 22, func(s *ad.Spline) { s.Lower = []float64{1, 2} }},
		{"want 1 or 5 rows", 4, 22, func(*ad.Spline) {}},
		{"[1, NaN]", 5, 22, func(s *ad.Spline) { s.Lower, s.Upper = []float64{1}, []float64{math.NaN()} }},
		{"[3, -3]", 5, 22, func(s *ad.Spline) { s.Upper = []float64{-3} }},
	} {
		s := ok
		s.Tails = slices.Clone(ok.Tails)
		c.edit(&s)
		tape := ad.NewTape(ad.Float64)
		got := testkit.Panic(func() { tape.Full(5, 2, 0).Spline(tape.Full(c.rows, c.cols, 0), &s) })
		if !strings.HasPrefix(got, "ad: Spline: got ") || !strings.Contains(got, c.want) {
			t.Errorf("got the panic %q, want one with %q", got, c.want)
		}
	}
}

// 512 rows of 2 columns with 8 bins, forward and backward: what a coupling of four columns does.
func BenchmarkSpline(b *testing.B) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		for _, inverse := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/inverse=%v", p, inverse), func(b *testing.B) {
				const n, d, k = 512, 2, 8
				s := &ad.Spline{Bins: k, Tails: []ad.Tail{ad.TailLinear}, Upper: []float64{3}}
				r := rand.New(rand.NewPCG(1, 2))
				x, logits := make([]float64, n*d), make([]float64, n*d*(3*k-1))
				for i := range x {
					x[i] = r.NormFloat64()
				}
				for i := range logits {
					logits[i] = r.NormFloat64()
				}
				tape := ad.NewTape(p)
				step := func() {
					tape.Reset()
					v, l := tape.Variable(n, d, x), tape.Variable(n, d*(3*k-1), logits)
					f := v.Spline
					if inverse {
						f = v.SplineInverse
					}
					y, logDet := f(l, s)
					tape.Backward(y.RowSum().Add(logDet).Sum())
				}
				step()
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(n*d), "ns/element")
			})
		}
	}
}

// Rows that share their splines have what they have with splines each, and the sum of their gradients.
func TestSplineShared(t *testing.T) {
	const n, d, k = 20, 2, 5
	for _, tail := range []ad.Tail{ad.TailLinear, ad.TailCircular, ad.TailFree} {
		s := &ad.Spline{Bins: k, Tails: []ad.Tail{tail}, Upper: []float64{3, 2}}
		r := rand.New(rand.NewPCG(3, 4))
		logits, x := make([]float64, d*(3*k-1+int(tail))), make([]float64, n*d)
		for i := range logits {
			logits[i] = r.NormFloat64()
		}
		for i := range x {
			x[i] = 2 * r.NormFloat64()
		}
		x[0], x[2], x[4] = 3, -3, 4
		for _, inverse := range []bool{false, true} {
			var results, gradients [2][]float64
			for own := range 2 {
				tape := ad.NewTape(ad.Float64)
				p, v := tape.Variable(1, len(logits), logits), tape.Variable(n, d, x)
				of := p
				if own == 1 {
					of = p.Repeat(n)
				}
				f := v.Spline
				if inverse {
					f = v.SplineInverse
				}
				y, logDet := f(of, s)
				results[own] = slices.Concat(y.Data(), logDet.Data())
				tape.Backward(y.Square().RowSum().Add(logDet).Sum())
				gradients[own] = p.Grad()
			}
			for i, got := range results[0] {
				if want := results[1][i]; got != want {
					t.Errorf("tail %d, inverse %t: result %d is %v, want %v", tail, inverse, i, got, want)
				}
			}
			for i, got := range gradients[0] {
				if want := gradients[1][i]; !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) { // another order of sums
					t.Errorf("tail %d, inverse %t: the gradient of logit %d is %v, want %v", tail, inverse, i, got, want)
				}
			}
		}
	}
}
