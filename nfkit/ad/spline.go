package ad

import (
	"fmt"
	"math"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Tail says what a spline does where it meets the ends of its interval. Outside of the interval, every spline is the
// identity.
type Tail uint8

const (
	TailLinear   Tail = iota // its slope there is 1
	TailCircular             // its slope is the same at either end: the two ends are one point of a circle
	TailFree                 // its slope at either end is a parameter of its own
)

// Spline describes the splines of [Value.Spline]: one for each column.
type Spline struct {
	Bins  int       // 1 to [MaxSplineBins]
	Tails []Tail    // of each column, or one for all
	Upper []float64 // right end of the interval of each column, or one for all
	Lower []float64 // left end; nil means −Upper
	Scale float64   // factor of the logits of widths and heights; 0 means 1
}

// No bin is narrower or lower than a thousandth of the interval, and no slope at a knot is less than a thousandth.
const (
	splineMinBin   = 1e-3
	splineMinSlope = 1e-3
)

// MaxSplineBins is the number of bins that leaves room for bins above their least width.
const MaxSplineBins = 999

// Spline maps each element x of v by a monotone rational-quadratic spline, and returns with the results the row
// sums of the logarithms of its derivatives, n×1, which are ln|det ∂y/∂v|.
//
// logits, n×(d·m) or 1×(d·m) for v n×d, holds m numbers for each column: K = s.Bins for the widths of the bins, K for
// their heights, and those for the slopes at the knots. These are all K+1 (numbers that the tail has no use for are
// ignored), or, if all columns have that tail, the K−1 inner ones for [TailLinear] and the first K for [TailCircular].
// On the interval of length l,
//
//	width = l·(10⁻³ + (1 − 10⁻³K)·softmax(logits)),  height likewise,  slope = 10⁻³ + softplus(logit).
//
// In a bin of width w and height h, with slopes d₀ and d₁ at its ends and δ = h/w, let θ be the distance of x from
// the left end and φ that from the right end in units of w, so θ+φ = 1. Then
//
//	y = y₀ + h·(δθ² + d₀θφ)/D,  dy/dx = δ²·(d₁θ² + 2δθφ + d₀φ²)/D²,  D = δ(θ² + φ²) + (d₀ + d₁)θφ.
//
// Outside of the interval y = x. Gradients are finite for any finite x and logits of sane size, at knots and ends as
// well, where they are those of the bin to the right (at the last end, to the left). Arithmetic is in float64 for
// either precision; float32 tapes round exponentials and results. It panics when sizes do not fit. Cost O(ndK). Gregory
// & Delbourgo 1982, doi:10.1093/imanum/2.2.123; Durkan et al. 2019, arXiv:1906.04032.
func (v *Value) Spline(logits Operand, s *Spline) (y, logDet *Value) {
	return v.spline(splineOp, splineForwards, logits, s)
}

// SplineInverse undoes [Value.Spline]: x from y, and minus the logarithms of the derivatives.
//
// With υ = (y − y₀)/h and A = d₀(1−υ) − d₁υ the quadratic equation of the paper has the discriminant
//
//	A² + 4δ²υ(1−υ),
//
// a sum of terms that are never negative, and one of θ = 2δυ/(A + 2δυ + √…) for A ≥ 0 and
// φ = 2δ(1−υ)/(−A + 2δ(1−υ) + √…) for A < 0 adds up numbers of one sign: neither loses digits.
func (v *Value) SplineInverse(logits Operand, s *Spline) (x, logDet *Value) {
	return v.spline(splineInverseOp, splineBackwards, logits, s)
}

func (v *Value) spline(o *op, direction uint8, logits Operand, s *Spline) (y, logDet *Value) {
	t := v.tape
	t.check(o.name, v)
	p := logits.operand(t)
	t.check(o.name, p)
	s.check(o.name, v, p)
	y = t.apply(o, v.rows, v.cols, v, p)
	logDet = t.apply(twinOp, v.rows, 1, y)
	y.twin, y.splines, y.kind = logDet, s, direction
	y.run()
	return y, logDet
}

// check panics unless s and the logits p fit v.
func (s *Spline) check(call string, v, p *Value) {
	fits := func(n int) bool { return n == 1 || n == v.cols }
	switch {
	case s == nil:
		panic(fmt.Sprintf("ad: %s: got a nil spline", call))
	case s.Bins < 1 || s.Bins > MaxSplineBins:
		panic(fmt.Sprintf("ad: %s: got %d bins, want 1 to %d: none is narrower than %v of the interval", call, s.Bins, MaxSplineBins, splineMinBin))
	case !fits(len(s.Tails)) || !fits(len(s.Upper)) || s.Lower != nil && len(s.Lower) != len(s.Upper):
		panic(fmt.Sprintf("ad: %s: got %d tails, %d upper and %d lower ends for a %d×%d value, want 1 or %d", call, len(s.Tails), len(s.Upper), len(s.Lower), v.rows, v.cols, v.cols))
	}
	k := s.Bins
	if v.cols > 0 {
		slopes := p.cols/v.cols - 2*k
		for _, tail := range s.Tails {
			if tail > TailFree || p.cols%v.cols != 0 || slopes != k+1 && (tail == TailFree || slopes != k-1+int(tail)) {
				panic(fmt.Sprintf("ad: %s: got %d×%d logits for a %d×%d value and %d bins with tail %d, want %d for each column, or, if all have one tail, %d for TailLinear and %d for TailCircular",
					call, p.rows, p.cols, v.rows, v.cols, k, tail, 3*k+1, 3*k-1, 3*k))
			}
		}
	}
	if p.rows != v.rows && p.rows != 1 {
		panic(fmt.Sprintf("ad: %s: got %d×%d logits for a %d×%d value, want 1 or %d rows", call, p.rows, p.cols, v.rows, v.cols, v.rows))
	}
	for j := range s.Upper {
		if lo, hi := s.interval(j); !(lo < hi) {
			panic(fmt.Sprintf("ad: %s: got the interval [%v, %v], want its ends in order", call, lo, hi))
		}
	}
}

// interval returns the ends of the interval of column j.
func (s *Spline) interval(j int) (lo, hi float64) {
	j = min(j, len(s.Upper)-1)
	hi = s.Upper[j]
	if s.Lower != nil {
		return s.Lower[j], hi
	}
	return -hi, hi
}

// scale returns the factor of the logits of widths and heights.
func (s *Spline) scale() float64 {
	if s.Scale == 0 {
		return 1
	}
	return s.Scale
}

// slot returns which of the given number of logits of slopes belongs to knot k of column j, −1 if none does.
func (s *Spline) slot(j, k, slopes int) int {
	switch tail := s.Tails[min(j, len(s.Tails)-1)]; {
	case k > 0 && k < s.Bins:
		if slopes < s.Bins {
			return k - 1
		}
		return k
	case tail == TailLinear:
		return -1
	case tail == TailCircular:
		return 0
	}
	return k
}

// Directions, kept in the kind of the value.
const (
	splineForwards uint8 = iota
	splineBackwards
)

var (
	splineOp = &op{name: "Spline",
		forward64: splineForward[float64], backward64: splineBackward[float64],
		forward32: splineForward[float32], backward32: splineBackward[float32]}
	splineInverseOp = &op{name: "SplineInverse",
		forward64: splineForward[float64], backward64: splineBackward[float64],
		forward32: splineForward[float32], backward32: splineBackward[float32]}
)

// What the forward pass keeps of each element: the number of its bin, −1 outside, and its piece.
const splineSaved = 7

// splineForward computes Spline or SplineInverse. It keeps the fractions of the bins, 2K for each spline, and what it
// knows of each element.
func splineForward[T kernel.Float](v *Value) {
	in, p, s := v.args[0], v.args[1], v.splines
	x, y, logDet, logits := of[T](in).data, of[T](v).data, of[T](v.twin).data, of[T](p).data
	clear(logDet)
	if len(x) == 0 {
		return
	}
	d, k, m := v.cols, s.Bins, p.cols/v.cols
	fractions, saved := splineFractions(v, logits, p.rows*d, m), take[T](v.tape, splineSaved*len(x))
	of[T](v.twin).extra, of[T](v).extra = fractions, saved
	tables := splineTables(v, fractions, logits)
	for i := range x {
		j := i % d
		lo, hi := s.interval(j)
		e, rec := float64(x[i]), saved[splineSaved*i:][:splineSaved]
		if e < lo || e > hi {
			y[i], rec[0] = x[i], -1
			continue
		}
		var bin int
		var left, right, bottom, top float64
		var q piece
		if tables != nil {
			table := tables[3*(k+1)*j:][:3*(k+1)]
			wide, high, slopes := table[:k+1], table[k+1:2*(k+1)], table[2*(k+1):]
			if v.kind == splineForwards {
				bin = binBetween(wide, e)
			} else {
				bin = binBetween(high, e)
			}
			left, right, bottom, top = wide[bin], wide[bin+1], high[bin], high[bin+1]
			q = piece{w: right - left, h: top - bottom, d0: slopes[bin], d1: slopes[bin+1]}
		} else {
			own := i // the number of the element's spline
			if p.rows == 1 {
				own = j
			}
			wide, high, slopes := fractions[2*k*own:][:k], fractions[2*k*own+k:][:k], logits[m*own+2*k:][:m-2*k]
			if v.kind == splineForwards {
				bin, left, right = findBin(wide, lo, hi, e)
				bottom, top = binEnds(high, bin, lo, hi)
			} else {
				bin, bottom, top = findBin(high, lo, hi, e)
				left, right = binEnds(wide, bin, lo, hi)
			}
			q = piece{w: right - left, h: top - bottom,
				d0: slope(slopes, s.slot(j, bin, len(slopes))),
				d1: slope(slopes, s.slot(j, bin+1, len(slopes)))}
		}
		if v.kind == splineForwards {
			q.theta, q.phi = (e-left)/q.w, (right-e)/q.w
			up, down, derivative := q.value()
			y[i] = T(between(bottom, top, up, down))
			logDet[i/d] += T(math.Log(derivative))
		} else {
			q.solve((e-bottom)/q.h, (top-e)/q.h)
			_, _, derivative := q.value()
			y[i] = T(between(left, right, q.theta, q.phi))
			logDet[i/d] -= T(math.Log(derivative))
		}
		rec[0], rec[1], rec[2], rec[3], rec[4], rec[5], rec[6] = T(bin), T(q.w), T(q.h), T(q.d0), T(q.d1), T(q.theta), T(q.phi)
	}
}

// splineTables returns, where rows share their splines and there are enough of them, the knots of the spline of each column and the slopes there:
// K+1 places, K+1 heights and K+1 slopes. It returns nil where they do not.
func splineTables[T kernel.Float](v *Value, fractions, logits []T) []float64 {
	p, s, d := v.args[1], v.splines, v.cols
	k, m := s.Bins, p.cols/d
	if p.rows != 1 || v.rows <= k {
		return nil
	}
	tables := workspace[float64](v.tape, 3*(k+1)*d)
	for j := range d {
		lo, hi := s.interval(j)
		table, slopes := tables[3*(k+1)*j:][:3*(k+1)], logits[m*j+2*k:][:m-2*k]
		for half := range 2 {
			knots, sum := table[half*(k+1):][:k+1], 0.0
			knots[0] = lo
			for b, f := range fractions[(2*j+half)*k:][:k] {
				sum += float64(f)
				knots[b+1] = knot(b+1, sum, lo, hi, k)
			}
		}
		for b := range k + 1 {
			table[2*(k+1)+b] = slope(slopes, s.slot(j, b, len(slopes)))
		}
	}
	return tables
}

// binBetween returns the number of the bin that holds x, as findBin does.
func binBetween(knots []float64, x float64) int {
	last := len(knots) - 2
	for b, right := range knots[1 : last+1] {
		if !(x >= right) {
			return b
		}
	}
	return last
}

// splineFractions returns the softmax of the logits of widths and of heights of each spline, of which m logits each are
// given.
func splineFractions[T kernel.Float](v *Value, logits []T, splines, m int) []T {
	k, scale := v.splines.Bins, T(v.splines.scale())
	f := take[T](v.tape, 2*k*splines)
	for i := range splines {
		for half := range 2 {
			raw, dst := logits[i*m+half*k:][:k], f[(2*i+half)*k:][:k]
			top := raw[0]
			for _, a := range raw {
				top = max(top, a)
			}
			for j, a := range raw {
				dst[j] = scale * (a - top)
			}
		}
	}
	kernel.Exp(f, f)
	for i := range 2 * splines {
		row, sum := f[i*k:][:k], 0.0
		for _, e := range row {
			sum += float64(e)
		}
		inv := 1 / sum
		for j, e := range row {
			row[j] = T(float64(e) * inv)
		}
	}
	return f
}

// knot returns the position of a knot: that after the given number of bins, with fractions that add up to sum.
func knot(number int, sum, lo, hi float64, bins int) float64 {
	if number == bins {
		return hi
	}
	return lo + (hi-lo)*(splineMinBin*float64(number)+(1-splineMinBin*float64(bins))*sum)
}

// findBin returns the number of the bin that holds x, and its ends. A knot belongs to the bin on its right.
func findBin[T kernel.Float](fractions []T, lo, hi, x float64) (bin int, left, right float64) {
	left, sum := lo, 0.0
	for k, f := range fractions {
		sum += float64(f)
		right = knot(k+1, sum, lo, hi, len(fractions))
		if !(x >= right) {
			return k, left, right
		}
		if k < len(fractions)-1 {
			left = right
		}
	}
	return len(fractions) - 1, left, right
}

// binEnds returns the ends of a bin.
func binEnds[T kernel.Float](fractions []T, bin int, lo, hi float64) (left, right float64) {
	sum := fractionsBelow(fractions, bin)
	return knot(bin, sum, lo, hi, len(fractions)), knot(bin+1, sum+float64(fractions[bin]), lo, hi, len(fractions))
}

// fractionsBelow returns the sum of the fractions of the bins before the given one.
func fractionsBelow[T kernel.Float](fractions []T, bin int) (sum float64) {
	for _, f := range fractions[:bin] {
		sum += float64(f)
	}
	return sum
}

// slope returns the slope at a knot from the logit in the given slot.
func slope[T kernel.Float](logits []T, slot int) float64 {
	if slot < 0 {
		return 1
	}
	a := float64(logits[slot])
	return splineMinSlope + max(a, 0) + math.Log1p(math.Exp(-math.Abs(a)))
}

func splineBackward[T kernel.Float](v *Value) {
	in, p, s := v.args[0], v.args[1], v.splines
	g, l, dx, dp := ownGradient[T](v), twinGradient[T](v), gradient[T](in), gradient[T](p)
	logits, fractions, saved := of[T](p).data, of[T](v.twin).extra, of[T](v).extra
	d, k := v.cols, s.Bins
	var sums []float64 // of the gradients of the pieces, where rows share them
	if dp != nil && p.rows == 1 && v.rows > k {
		sums = workspace[float64](v.tape, 6*k*d)
		clear(sums)
	}
	for i, gi := range g {
		rec := saved[splineSaved*i:][:splineSaved]
		bin := int(rec[0])
		if bin < 0 {
			if dx != nil {
				dx[i] += gi
			}
			continue
		}
		var li float64
		if l != nil {
			li = float64(l[i/d])
		}
		q := piece{w: float64(rec[1]), h: float64(rec[2]), d0: float64(rec[3]), d1: float64(rec[4]), theta: float64(rec[5]), phi: float64(rec[6])}
		var dq pieceGradient
		if v.kind == splineForwards {
			dq = q.gradient(float64(gi), li)
		} else {
			dq = q.inverseGradient(float64(gi), li)
		}
		if dx != nil {
			dx[i] += T(dq.x)
		}
		if dp == nil {
			continue
		}
		if sums != nil {
			sum := sums[6*(i%d*k+bin):][:6]
			sum[0] += dq.left
			sum[1] += dq.right
			sum[2] += dq.bottom
			sum[3] += dq.top
			sum[4] += dq.d0
			sum[5] += dq.d1
			continue
		}
		own := i
		if p.rows == 1 {
			own = i % d
		}
		addPiece(v, dp, logits, fractions, own, i%d, bin, dq)
	}
	for i := 0; i < len(sums); i += 6 {
		j, sum := i/6/k, sums[i:][:6]
		addPiece(v, dp, logits, fractions, j, j, i/6%k, pieceGradient{left: sum[0], right: sum[1], bottom: sum[2], top: sum[3], d0: sum[4], d1: sum[5]})
	}
}

// addPiece adds to dp, the gradient of the logits of the splines of v, that of a piece: of the bin with the given number of the spline own, which
// is one of column j.
func addPiece[T kernel.Float](v *Value, dp, logits, fractions []T, own, j, bin int, dq pieceGradient) {
	s := v.splines
	k, m := s.Bins, v.args[1].cols/v.cols
	lo, hi := s.interval(j)
	scale := s.scale() * (hi - lo) * (1 - splineMinBin*float64(k))
	dl, slopes := dp[m*own:][:m], logits[m*own+2*k:][:m-2*k]
	addKnots(dl[:k], fractions[2*k*own:][:k], bin, scale*dq.left, scale*dq.right)
	addKnots(dl[k:2*k], fractions[2*k*own+k:][:k], bin, scale*dq.bottom, scale*dq.top)
	addSlope(dl[2*k:], slopes, s.slot(j, bin, len(slopes)), dq.d0)
	addSlope(dl[2*k:], slopes, s.slot(j, bin+1, len(slopes)), dq.d1)
}

// addKnots adds to dl the gradient of the logits of the fractions f, given those of the sums of the fractions before
// and up to the given bin. The sum C of the first b fractions has ∂C/∂logit_j = f_j·([j < b] − C).
func addKnots[T kernel.Float](dl, f []T, bin int, left, right float64) {
	if bin == len(f)-1 {
		right = 0 // the last knot is fixed
	}
	sum := fractionsBelow(f, bin)
	mean := left*sum + right*(sum+float64(f[bin]))
	dl = dl[:len(f)]
	for j, f := range f {
		g := -mean
		if j < bin {
			g += left
		}
		if j <= bin {
			g += right
		}
		dl[j] += T(float64(f) * g)
	}
}

// addSlope adds to dl the gradient of the logit of a slope.
func addSlope[T kernel.Float](dl, logits []T, slot int, g float64) {
	if slot >= 0 {
		dl[slot] += T(g * sigmoid(float64(logits[slot])))
	}
}

func init() {
	splineOp.tangent, splineInverseOp.tangent = partsTangent(splineParts), partsTangent(splineParts)
}

// splineParts computes what v does by the formulas of [piece], for the bins in which the elements of v are.
func splineParts(v *Value) (y, logDet *Value) {
	t, x, p, s := v.tape, v.args[0], v.args[1], v.splines
	n, d := x.Dims()
	if n*d == 0 {
		return t.Full(n, d, 0), t.Full(n, 1, 0)
	}
	k, m := s.Bins, p.cols/d
	slopes := m - 2*k
	if p.rows != n {
		p = p.Repeat(n)
	}
	p, x = p.Reshape(n*d, m), x.Reshape(n*d, 1) // an element is a row from here on
	// Constants: in which bin an element is, as weights of the bins before it, of it and those before it, and of slopes.
	column := func(cols int) *Value { return t.Full(n*d, cols, 0) }
	inside, below, upto := column(1), column(k), column(k)
	first, second := column(slopes), column(slopes)
	lower, length, left, right, inner, one0, one1 := column(1), column(1), column(1), column(1), column(1), column(1), column(1)
	for i := range n * d {
		j, bin := i%d, v.savedBin(i)
		lo, hi := s.interval(j)
		lower.put(i, lo)
		length.put(i, (hi-lo)*(1-splineMinBin*float64(k)))
		if bin >= 0 {
			inside.put(i, 1)
		}
		bin = max(bin, 0)
		for b := range bin + 1 {
			upto.put(i*k+b, 1)
			if b < bin {
				below.put(i*k+b, 1)
			}
		}
		left.put(i, knot(bin, 0, lo, hi, k))
		right.put(i, knot(bin+1, 0, lo, hi, k))
		if bin < k-1 {
			inner.put(i, 1) // the last knot is fixed
		}
		putSlope(first, one0, i, s.slot(j, bin, slopes))
		putSlope(second, one1, i, s.slot(j, bin+1, slopes))
	}
	ends := func(logits *Value) (lo, hi *Value) {
		f := logits.Scale(s.scale()).LogSoftmax().Exp()
		lo = f.Mul(below).RowSum().Mul(length).Add(left)
		hi = f.Mul(upto).RowSum().Mul(length).Mul(inner).Add(right)
		return lo, hi
	}
	x0, x1 := ends(p.Slice(0, k))
	y0, y1 := ends(p.Slice(k, 2*k))
	knots := p.Slice(2*k, m).Softplus()
	d0 := knots.Mul(first).RowSum().Add(one0)
	d1 := knots.Mul(second).RowSum().Add(one1)
	w, h := x1.Sub(x0), y1.Sub(y0)
	delta := h.Div(w)
	e := inside.Where(x, lower) // elsewhere some point that is harmless

	var theta, phi *Value
	if v.kind == splineForwards {
		theta, phi = e.Sub(x0).Div(w), x1.Sub(e).Div(w)
	} else {
		up, down := e.Sub(y0).Div(h), y1.Sub(e).Div(h)
		a, twice := d0.Mul(down).Sub(d1.Mul(up)), delta.Scale(2)
		root := a.Square().Add(twice.Square().Mul(up).Mul(down)).Sqrt()
		sign := a.pattern(func(a float64) float64 {
			if a < 0 {
				return -1
			}
			return 1 // or NaN, which the others show
		})
		near := sign.Where(up, down).Mul(twice)
		near = near.Div(near.Add(a.Mul(sign)).Add(root))
		far := near.Neg().Shift(1)
		theta, phi = sign.Where(near, far), sign.Where(far, near)
	}
	tp := theta.Mul(phi)
	den := delta.Mul(theta.Square().Add(phi.Square())).Add(d0.Add(d1).Mul(tp))
	moment := d1.Mul(theta.Square()).Add(delta.Mul(tp).Scale(2)).Add(d0.Mul(phi.Square()))
	slope := delta.Div(den).Square().Mul(moment).Log()
	if v.kind == splineForwards {
		y = y0.Add(h.Mul(theta.Mul(delta.Mul(theta).Add(d0.Mul(phi)))).Div(den))
	} else {
		y, slope = x0.Add(w.Mul(theta)), slope.Neg()
	}
	y, slope = inside.Where(y, x), inside.Where(slope, t.Full(1, 1, 0))
	return y.Reshape(n, d), slope.Reshape(n, d).RowSum()
}

// putSlope makes the slope of element i that of the logit in the given slot, or 1.
func putSlope(which, rest *Value, i, slot int) {
	if slot < 0 {
		rest.put(i, 1)
		return
	}
	which.put(i*which.cols+slot, 1)
	rest.put(i, splineMinSlope)
}

// savedBin returns the number of the bin that holds element i of v, −1 if none does.
func (v *Value) savedBin(i int) int {
	if v.tape.precision == Float32 {
		return int(v.f32.extra[splineSaved*i])
	}
	return int(v.f64.extra[splineSaved*i])
}

func sigmoid[T kernel.Float](x T) T { return T(1 / (1 + math.Exp(-float64(x)))) }
