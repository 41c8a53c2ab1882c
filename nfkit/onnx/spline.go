package onnx

import "github.com/nfkit/nfkit-go/nfkit/ad"

// Least widths and slopes of the splines of package ad.
const (
	splineMinBin   = 1e-3
	splineMinSlope = 1e-3
)

// knots are those of splines: tensors of rows, columns and bins, the first of size 1 if all rows share their splines.
type knots struct {
	left, right, width         string // ends of the bins
	bottom, top, height        string
	leftSlope, rightSlope      string
	passed, passedUp, lo, half string // the inner knots; the lower end, and the middle
	hi                         string
}

// spline makes the translation of Spline, or of SplineInverse. The bin of an element is found by comparison with all inner knots; a sum over bins, all but
// one of which count 0, then picks what belongs to it.
func spline(inverse bool) translator {
	return func(t *translation, v *ad.Value, o ad.Operation) string {
		s, d, element := o.Spline, v.Cols(), t.element
		x, logits := t.full(o.Args[0]), t.value(o.Args[1])
		if element != float64Type { // as package ad does: a narrow bin magnifies rounding
			t.element = float64Type
			x, logits = t.cast(x), t.cast(logits)
		}
		m := o.Args[1].Cols() / d
		k := t.knots(t.reshape(logits, -1, d, m), s, d, m)
		outside := t.op("Or", t.op("Less", x, k.lo), t.op("Greater", x, k.hi))
		inner := t.reshape(t.where(outside, k.half, x), -1, d, 1)
		at := k.passed
		if inverse {
			at = k.passedUp
		}
		picked := t.pick(inner, at, d, s.Bins, k.width, k.height, k.leftSlope, k.rightSlope, k.left, k.right, k.bottom, k.top)
		q := piece{t: t, w: picked[0], h: picked[1], d0: picked[2], d1: picked[3]}
		left, right, bottom, top := picked[4], picked[5], picked[6], picked[7]
		inner = t.reshape(inner, -1, d)
		q.delta = t.op("Div", q.h, q.w)
		var y, logSlope string
		if inverse {
			q.solve(t.op("Div", t.op("Sub", inner, bottom), q.h), t.op("Div", t.op("Sub", top, inner), q.h))
			_, _, derivative := q.value()
			y = t.between(left, right, q.w, q.theta, q.phi)
			logSlope = t.op("Neg", t.op("Log", derivative))
		} else {
			q.theta, q.phi = t.op("Div", t.op("Sub", inner, left), q.w), t.op("Div", t.op("Sub", right, inner), q.w)
			up, down, derivative := q.value()
			y = t.between(bottom, top, q.h, up, down)
			logSlope = t.op("Log", derivative)
		}
		logDet := t.sum(t.where(outside, t.number(0), logSlope), 1)
		y = t.where(outside, x, y)
		if t.element != element {
			t.element = element
			y, logDet = t.cast(y), t.cast(logDet)
		}
		t.second(o, logDet)
		return y
	}
}

// pick returns, for each element of x, n×d×1, what tables have for its bin: the number of inner knots that x has passed.
func (t *translation) pick(x, inner string, d, bins int, tables ...string) []string {
	all := t.reshape(t.concat(2, tables...), -1, d, len(tables), bins)
	if bins > 1 {
		passed := t.cast(t.op("GreaterOrEqual", x, inner)) // n×d×K−1
		started := t.op("Pad", passed, t.ints(0, 0, 1, 0, 0, 0), t.number(1))
		ended := t.op("Pad", passed, t.ints(0, 0, 0, 0, 0, 1), t.number(0))
		bin := t.reshape(t.op("Sub", started, ended), -1, d, 1, bins)
		all = t.sum(t.op("Mul", bin, all), 3)
	}
	picked := make([]string, len(tables))
	for i := range picked {
		picked[i] = t.reshape(t.slice(all, 2, i, i+1), -1, d)
	}
	return picked
}

// knots computes the knots from m logits for each of d columns.
func (t *translation) knots(logits string, s *ad.Spline, d, m int) knots {
	n := s.Bins
	lo, hi, middle, length := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
	for j := range d {
		i := min(j, len(s.Upper)-1)
		lo[j], hi[j] = -s.Upper[i], s.Upper[i]
		if s.Lower != nil {
			lo[j] = s.Lower[i]
		}
		length[j], middle[j] = hi[j]-lo[j], lo[j]+(hi[j]-lo[j])/2
	}
	k := knots{lo: t.numbers(lo, 1, d), hi: t.numbers(hi, 1, d), half: t.numbers(middle, 1, d)}
	wide := func(first int) (left, right, width, inner string) {
		raw := t.slice(logits, 2, first, first+n)
		if s.Scale != 0 && s.Scale != 1 {
			raw = t.op("Mul", raw, t.number(s.Scale))
		}
		share := t.with("Softmax", []string{raw}, integer("axis", 2))
		share = t.op("Add", t.op("Mul", share, t.number(1-splineMinBin*float64(n))), t.number(splineMinBin))
		width = t.op("Mul", share, t.numbers(length, 1, d, 1))
		first0 := t.op("Mul", t.slice(width, 2, 0, 1), t.number(0))
		low := t.op("Add", first0, t.numbers(lo, 1, d, 1))
		high := t.op("Add", first0, t.numbers(hi, 1, d, 1))
		if n == 1 {
			return low, high, width, ""
		}
		sums := t.op("CumSum", t.slice(width, 2, 0, n-1), t.count(2))
		inner = t.op("Add", sums, t.numbers(lo, 1, d, 1))
		return t.concat(2, low, inner), t.concat(2, inner, high), width, inner
	}
	k.left, k.right, k.width, k.passed = wide(0)
	k.bottom, k.top, k.height, k.passedUp = wide(n)
	slopes := m - 2*n
	all := t.op("Add", t.softplus(t.slice(logits, 2, 2*n, m)), t.number(splineMinSlope))
	if slopes == 0 {
		all = t.op("Add", t.op("Mul", t.slice(logits, 2, 0, 1), t.number(0)), t.number(1))
	} else {
		all = t.op("Pad", all, t.ints(0, 0, 0, 0, 0, 1), t.number(1))
	}
	all = t.reshape(all, -1, d*(slopes+1))
	var from, to []int
	for j := range d {
		for b := range n {
			from = append(from, j*(slopes+1)+slopeOf(s, j, b, slopes))
			to = append(to, j*(slopes+1)+slopeOf(s, j, b+1, slopes))
		}
	}
	k.leftSlope, k.rightSlope = t.reshape(t.gather(all, 1, from), -1, d, n), t.reshape(t.gather(all, 1, to), -1, d, n)
	return k
}

// slopeOf returns which of the given number of slopes belongs to knot b of column j; the one behind them is 1.
func slopeOf(s *ad.Spline, j, b, slopes int) int {
	switch tail := s.Tails[min(j, len(s.Tails)-1)]; {
	case b > 0 && b < s.Bins && slopes < s.Bins:
		return b - 1
	case b > 0 && b < s.Bins:
		return b
	case tail == ad.TailLinear:
		return slopes
	case tail == ad.TailCircular:
		return 0
	}
	return b
}

// piece is the part of a spline over one bin, and a point of it, as package ad has it.
type piece struct {
	t            *translation
	w, h, d0, d1 string
	delta        string // h/w
	theta, phi   string
}

// value returns the distances of y from both ends of the bin in units of its height, and dy/dx.
func (q *piece) value() (up, down, derivative string) {
	t := q.t
	tt, pp, tp := t.op("Mul", q.theta, q.theta), t.op("Mul", q.phi, q.phi), t.op("Mul", q.theta, q.phi)
	den := t.op("Add", t.op("Mul", q.delta, t.op("Add", tt, pp)), t.op("Mul", t.op("Add", q.d0, q.d1), tp))
	moment := t.op("Add", t.op("Mul", q.d1, tt), t.op("Mul", q.d0, pp))
	moment = t.op("Add", moment, t.op("Mul", t.op("Add", q.delta, q.delta), tp))
	up = t.op("Add", t.op("Mul", q.delta, q.theta), t.op("Mul", q.d0, q.phi))
	up = t.op("Div", t.op("Mul", q.theta, up), den)
	down = t.op("Add", t.op("Mul", q.delta, q.phi), t.op("Mul", q.d1, q.theta))
	down = t.op("Div", t.op("Mul", q.phi, down), den)
	ratio := t.op("Div", q.delta, den)
	return up, down, t.op("Mul", moment, t.op("Mul", ratio, ratio))
}

// solve finds theta and phi from the distances u and v of y.
func (q *piece) solve(u, v string) {
	t := q.t
	zero, one := t.number(0), t.number(1)
	u, v = t.where(t.positive(u), u, zero), t.where(t.positive(v), v, zero) // rounding at a knot
	a := t.op("Sub", t.op("Mul", q.d0, v), t.op("Mul", q.d1, u))
	double := t.op("Add", q.delta, q.delta)
	du, dv := t.op("Mul", double, u), t.op("Mul", double, v)
	root := t.op("Sqrt", t.op("Add", t.op("Mul", a, a), t.op("Mul", du, dv)))
	phi := t.op("Div", dv, t.op("Add", t.op("Sub", dv, a), root))
	theta := t.op("Div", du, t.op("Add", t.op("Add", du, a), root))
	falling := t.op("Less", a, zero)
	q.theta = t.where(falling, t.op("Sub", one, phi), theta)
	q.phi = t.where(falling, phi, t.op("Sub", one, theta))
}

// between returns the point at the fraction a of the distance from lo to hi, and b back from hi.
func (t *translation) between(lo, hi, length, a, b string) string {
	return t.where(t.op("LessOrEqual", a, b), t.op("Add", lo, t.op("Mul", length, a)), t.op("Sub", hi, t.op("Mul", length, b)))
}
