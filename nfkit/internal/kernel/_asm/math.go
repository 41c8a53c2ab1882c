package main

import "math"

// lanes are operations on four float64, written for a machine. V is a vector in a register, or a constant where it comes last. Results
// are in new registers, unless it is said otherwise.
type lanes[V any] interface {
	set(f float64) V // a constant in a register
	num(f float64) V // a constant in memory, if the machine reads operands there
	word(b uint64) V // num of the bits b
	zero() V         // in a register
	copy(x V) V      // in a register

	add(x, y V) V
	sub(x, y V) V
	mul(x, y V) V
	div(x, y V) V
	fma(x, y, z V) V              // x·y + z
	mulAdd(v, x, c V) V           // v·x + c, in the register of v
	subMul(v, x, y V) V           // v − x·y, in the register of v
	atLeast(x V, bound float64) V // NaN stays NaN
	atMost(x V, bound float64) V  // NaN stays NaN
	cmp(p predicate, x, y V) V    // a mask: ones where it holds
	choose(mask, yes, no V) V

	// Bits.
	and(x, y V) V
	or(x, y V) V
	andNot(mask, x V) V // x where the mask is not set, in the register of x

	// Integers of 64 bits.
	addInt(x, y V) V
	andInt(x, y V) V
	shiftRight52(x V) V

	// Powers of 2 from whole numbers as a machine likes them.
	whole(n V) V               // from a float64 that is whole
	halves(n V) (half, rest V) // whole numbers that add up to n
	power(n V) V               // 2^n for −1022 ≤ n ≤ 1023
}

// predicate is a comparison. With NaN it does not hold, but for notGreater. The numbers are those of VCMP.
type predicate = uint64

const (
	equal       predicate = 0
	less        predicate = 17
	greaterOrEq predicate = 29
	notGreater  predicate = 26
)

// vmath writes the functions of math.go on vectors of four float64. Where the results are rounded to float32, 35 bits of them are enough.
type vmath[V any] struct {
	lanes[V]
	short bool
}

// functions calls loop with each function, for elements of 32 and of 64 bits.
func (k vmath[V]) functions(loop func(name string, bits int, body func(x V) V)) {
	for _, bits := range []int{32, 64} {
		k.short = bits == 32
		for _, f := range []struct {
			name string
			body func(x V) V
		}{
			{"exp", k.exp}, {"log", k.log}, {"log1p", k.log1p}, {"tanh", k.tanh}, {"sigmoid", k.sigmoid},
			{"softplus", k.softplus}, {"logSigmoid", k.logSigmoid}, {"elu", k.elu},
		} {
			loop(f.name, bits, f.body)
		}
	}
}

func (k vmath[V]) negAbs(x V) V { return k.or(x, k.word(1<<63)) }

// horner returns c[0] + x·(c[1] + x·(c[2] + …)).
func (k vmath[V]) horner(x V, c ...float64) V {
	v := k.set(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		v = k.mulAdd(v, x, k.num(c[i]))
	}
	return v
}

// evenOdd returns c[0] + x·(c[1] + x·(c[2] + …)) for square = x²: the even and the odd terms each by themselves, as
// two short chains of operations take less time than a long one.
func (k vmath[V]) evenOdd(x, square V, c []float64) V {
	var terms [2][]float64
	for i, v := range c {
		terms[i%2] = append(terms[i%2], v)
	}
	return k.fma(k.horner(square, terms[1]...), x, k.horner(square, terms[0]...))
}

// reduce returns n and e^r − 1 with x = n·ln 2 + r, n whole and |r| ≤ ln 2 / 2, for |x| < 2^31.
// The first step of the subtraction is exact. The Taylor polynomial of degree 13 leaves out less than 5e-18, the short one of degree 9 less than
// a part in 2^35.
func (k vmath[V]) reduce(x V) (n, expm1 V) {
	const ln2Low = 2.319046813846299558417771e-17 // ln 2 minus its nearest float64
	round := k.num(0x1.8p52)                      // a number this large has no fraction
	n = k.sub(k.fma(x, k.num(math.Log2E), round), round)
	r := k.fma(n, k.num(-math.Ln2), x)
	degree := 9
	if !k.short {
		r, degree = k.fma(n, k.num(-ln2Low), r), 13
	}
	var c []float64
	for i, factorial := 2, 1.0; i <= degree; i++ {
		factorial *= float64(i)
		c = append(c, 1/factorial)
	}
	square := k.mul(r, r)
	return n, k.fma(square, k.evenOdd(r, square, c), r)
}

// exp multiplies by 2^n in two steps, so that neither factor overflows and a subnormal result is rounded once. As all of float32 is far inside
// the range of float64, one step is enough there.
func (k vmath[V]) exp(x V) V {
	if k.short {
		n, expm1 := k.reduce(k.atLeast(k.atMost(x, 100), -120))
		s := k.power(k.whole(n))
		return k.fma(s, expm1, s)
	}
	n, expm1 := k.reduce(k.atLeast(k.atMost(x, 710), -746))
	half, rest := k.halves(n)
	return k.mul(k.mul(k.add(expm1, k.num(1)), k.power(half)), k.power(rest))
}

// expBelow0 returns e^x, e^x − 1 and what the second rounded off, which the short form leaves out, for x ≤ 0. Below −100 it takes x for −100.
func (k vmath[V]) expBelow0(x V) (e, expm1 V, low []V) {
	n, p := k.reduce(k.atLeast(x, -100))
	s := k.power(k.whole(n))
	whole := k.sub(s, k.num(1))
	expm1 = k.fma(s, p, whole)
	if !k.short {
		low = []V{k.fma(s, p, k.sub(whole, expm1))}
	}
	return k.fma(s, p, s), expm1, low
}

// split returns k and m with u = 2^k·m and √½ ≤ m < √2, for positive normal u.
func (k vmath[V]) split(u V) (exponent, m V) {
	rootHalf := math.Float64bits(math.Sqrt2 / 2)
	bits := k.addInt(u, k.word(math.Float64bits(1)-rootHalf))
	e := k.shiftRight52(bits)
	const shift = 0x1p52 // a whole number below 2^52 becomes the low bits of shift plus itself
	exponent = k.sub(k.or(e, k.num(shift)), k.num(shift+1023))
	return exponent, k.addInt(k.andInt(bits, k.word(1<<52-1)), k.word(rootHalf))
}

// logSum returns ln(1+f) + e·ln 2 + c for √½ ≤ 1+f < √2, by the series in s = f/(2+f) of FreeBSD's e_log.c
// (Sun Microsystems 1993), whose error is below 1 ulp. Without c it is 0.
func (k vmath[V]) logSum(f, e V, c ...V) V {
	const ln2High, ln2Low = 6.93147180369123816490e-01, 1.90821492927058770002e-10 // high·e is exact
	s := k.div(f, k.add(f, k.num(2)))
	z := k.mul(s, s)
	w := k.mul(z, z)
	odd := k.mul(k.horner(w, 6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01,
		1.479819860511658591e-01), z)
	series := k.fma(w, k.horner(w, 3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01), odd)
	half := k.mul(k.mul(f, k.num(0.5)), f)
	low := k.mul(e, k.num(ln2Low))
	for _, c := range c {
		low = k.add(low, c)
	}
	sum := k.fma(s, k.add(series, half), low)
	return k.fma(e, k.num(ln2High), k.add(k.sub(sum, half), f))
}

// logEdges returns y, but −Inf where x is the pole, NaN below it and where x is NaN, and x where x is +Inf.
func (k vmath[V]) logEdges(x, y V, pole float64) V {
	outside := k.choose(k.cmp(equal, x, k.num(pole)), k.num(math.Inf(-1)), k.set(math.NaN()))
	y = k.choose(k.cmp(notGreater, x, k.num(pole)), outside, y)
	return k.choose(k.cmp(equal, x, k.num(math.Inf(1))), x, y)
}

// log scales subnormal numbers by 2^54.
func (k vmath[V]) log(x V) V {
	tiny := k.cmp(less, x, k.num(0x1p-1022))
	e, m := k.split(k.choose(tiny, k.mul(x, k.num(0x1p54)), x))
	e = k.sub(e, k.and(tiny, k.num(54)))
	return k.logEdges(x, k.logSum(k.sub(m, k.num(1)), e), 0)
}

func (k vmath[V]) log1p(x V) V {
	y := k.logEdges(x, k.log1pInside(x), -1)
	zero := k.zero()
	return k.choose(k.cmp(equal, x, zero), x, y) // keeps the sign of −0
}

// log1pInside returns ln(1+x) for finite x > −1. With u the rounded 1+x it adds the rest, to first order, as c.
// Where u is not scaled, x itself is the f of the series and there is no rest. The short form leaves the rest out.
func (k vmath[V]) log1pInside(x V) V {
	u := k.add(x, k.num(1))
	e, m := k.split(u)
	scaled := k.cmp(equal, e, k.zero())
	f := k.choose(scaled, x, k.sub(m, k.num(1)))
	if k.short {
		return k.logSum(f, e)
	}
	// The larger of x and 1 is subtracted from u first, which is exact.
	large := k.cmp(greaterOrEq, x, k.num(1))
	rest := k.choose(large, k.sub(k.set(1), k.sub(u, x)), k.sub(x, k.sub(u, k.num(1))))
	return k.logSum(f, e, k.andNot(scaled, k.div(rest, u)))
}

// tanh is −t/(2+t) near 0 and 1 − 2e/(1+e) further out, with e = e^−2|x| and t = e − 1.
func (k vmath[V]) tanh(x V) V {
	y := k.negAbs(x)
	e, t, low := k.expBelow0(k.add(y, y))
	far := k.cmp(less, e, k.num(0.25))
	for i := range low {
		low[i] = k.andNot(far, low[i])
	}
	q := k.divSum(k.choose(far, k.add(e, e), t), k.choose(far, k.num(1), k.set(2)), k.choose(far, e, t), low...)
	y = k.choose(far, k.sub(k.set(1), q), q)
	return k.or(k.and(y, k.word(1<<63-1)), k.and(x, k.word(1<<63)))
}

func (k vmath[V]) sigmoid(x V) V {
	t := k.exp(k.negAbs(x))
	return k.divSum(k.choose(k.cmp(less, x, k.zero()), t, k.set(1)), k.set(1), t)
}

// divSum returns x/(a+b) for |b| ≤ a. It corrects the quotient for what the sum and the division rounded off, and
// for what x and b have lost before: low each, if it is given. The short form does not.
func (k vmath[V]) divSum(x, a, b V, low ...V) V {
	sum := k.add(a, b)
	if k.short {
		return k.div(x, sum)
	}
	sumLow := k.sub(b, k.sub(sum, a))
	q := k.div(x, sum)
	rest := k.subMul(k.copy(x), q, sum)
	for _, low := range low {
		rest, sumLow = k.add(rest, low), k.add(sumLow, low)
	}
	return k.add(q, k.div(k.subMul(rest, q, sumLow), sum))
}

func (k vmath[V]) softplus(x V) V {
	y := k.log1pInside(k.exp(k.negAbs(x)))
	return k.add(y, k.atLeast(x, 0))
}

func (k vmath[V]) logSigmoid(x V) V {
	y := k.log1pInside(k.exp(k.negAbs(x)))
	return k.sub(k.atMost(x, 0), y)
}

func (k vmath[V]) elu(x V) V {
	_, y, _ := k.expBelow0(k.atMost(x, 0))
	return k.choose(k.cmp(greaterOrEq, x, k.zero()), x, y)
}
