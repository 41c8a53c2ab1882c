package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mathFunctions writes the loops of math.go. All of them compute four float64 at a time; the float32 forms convert
// when they load and store.
func mathFunctions(ctx *build.Context) {
	k := vmath{emitter{ctx, 64, 32}, map[uint64]operand.Mem{}}
	for _, bits := range []int{32, 64} {
		for _, f := range []struct {
			name string
			body func(x reg.VecVirtual) reg.VecVirtual
		}{
			{"exp", k.exp}, {"log", k.log}, {"log1p", k.log1p}, {"tanh", k.tanh}, {"sigmoid", k.sigmoid},
			{"softplus", k.softplus}, {"logSigmoid", k.logSigmoid}, {"elu", k.elu},
		} {
			k.loop(f.name, bits, f.body)
		}
	}
}

// vmath writes functions of vectors of four float64.
type vmath struct {
	emitter
	constants map[uint64]operand.Mem
}

func (k vmath) loop(name string, bits int, body func(x reg.VecVirtual) reg.VecVirtual) {
	asm := fmt.Sprintf("%s%dAVX2", name, bits)
	k.start(asm, fmt.Sprintf("func(dst *float%[1]d, n int, x *float%[1]d)", bits),
		fmt.Sprintf("%s is %s for n elements, a multiple of 4.", asm, name))
	dst, n, x := k.load("dst"), k.load("n"), k.load("x")
	k.Label("loop")
	k.SUBQ(operand.Imm(4), n)
	k.JL(operand.LabelRef("end"))
	v := k.vec()
	if bits == 32 {
		k.VCVTPS2PD(operand.Mem{Base: x}, v)
		y := body(v)
		k.VCVTPD2PSY(y, y.AsX())
		k.VMOVUPS(y.AsX(), operand.Mem{Base: dst})
	} else {
		k.VMOVUPD(operand.Mem{Base: x}, v)
		k.VMOVUPD(body(v), operand.Mem{Base: dst})
	}
	k.ADDQ(operand.Imm(uint64(bits/2)), x)
	k.ADDQ(operand.Imm(uint64(bits/2)), dst)
	k.JMP(operand.LabelRef("loop"))
	k.Label("end")
	k.VZEROUPPER()
	k.RET()
}

// word returns a constant in memory with the bits b in each of four lanes.
func (k vmath) word(b uint64) operand.Mem {
	m, ok := k.constants[b]
	if !ok {
		m = k.StaticGlobal(fmt.Sprintf("x%016x", b))
		k.DataAttributes(attr.RODATA | attr.NOPTR)
		for range 4 {
			k.AppendDatum(operand.U64(b))
		}
		k.constants[b] = m
	}
	return m
}

func (k vmath) num(f float64) operand.Mem { return k.word(math.Float64bits(f)) }

// The operations below return their result in a new register.

func (k vmath) set(f float64) reg.VecVirtual {
	v := k.vec()
	k.VMOVUPD(k.num(f), v)
	return v
}

func (k vmath) add(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VADDPD(y, x, v)
	return v
}
func (k vmath) sub(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VSUBPD(y, x, v)
	return v
}
func (k vmath) mul(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VMULPD(y, x, v)
	return v
}
func (k vmath) div(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VDIVPD(y, x, v)
	return v
}
func (k vmath) and(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VANDPD(y, x, v)
	return v
}
func (k vmath) or(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VORPD(y, x, v)
	return v
}

// fma returns x·y + z.
func (k vmath) fma(x reg.VecVirtual, y operand.Op, z operand.Op) reg.VecVirtual {
	v := k.vec()
	if m, ok := y.(operand.Mem); ok { // only the last operand may be in memory
		k.VMOVUPD(z, v)
		k.VFMADD231PD(m, x, v)
		return v
	}
	k.VMOVUPD(y, v)
	k.VFMADD213PD(z, x, v)
	return v
}

// Predicates of VCMP. Comparisons with NaN are false, but for notGreater.
const (
	equal       = 0
	less        = 17
	greaterOrEq = 29
	notGreater  = 26
)

func (k vmath) cmp(predicate uint64, x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := k.vec()
	k.VCMPPD(operand.Imm(predicate), y, x, v)
	return v
}

// choose returns yes where the mask is set and no elsewhere.
func (k vmath) choose(mask reg.VecVirtual, yes operand.Op, no reg.VecVirtual) reg.VecVirtual {
	v := k.vec()
	k.VBLENDVPD(mask, yes, no, v)
	return v
}

// atLeast and atMost bound x. NaN stays NaN: the instructions return their second operand when they meet one.
func (k vmath) atLeast(x reg.VecVirtual, bound float64) reg.VecVirtual {
	b, v := k.set(bound), k.vec()
	k.VMAXPD(x, b, v)
	return v
}

func (k vmath) atMost(x reg.VecVirtual, bound float64) reg.VecVirtual {
	b, v := k.set(bound), k.vec()
	k.VMINPD(x, b, v)
	return v
}

func (k vmath) negAbs(x reg.VecVirtual) reg.VecVirtual { return k.or(x, k.word(1<<63)) }

// horner returns c[0] + x·(c[1] + x·(c[2] + …)).
func (k vmath) horner(x reg.VecVirtual, c ...float64) reg.VecVirtual {
	v := k.set(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		k.VFMADD213PD(k.num(c[i]), x, v)
	}
	return v
}

// evenOdd returns c[0] + x·(c[1] + x·(c[2] + …)) for square = x²: the even and the odd terms each by themselves, as
// two short chains of operations take less time than a long one.
func (k vmath) evenOdd(x, square reg.VecVirtual, c []float64) reg.VecVirtual {
	var terms [2][]float64
	for i, v := range c {
		terms[i%2] = append(terms[i%2], v)
	}
	return k.fma(k.horner(square, terms[1]...), x, k.horner(square, terms[0]...))
}

// reduce returns n and e^r − 1 with x = n·ln 2 + r, n whole and |r| ≤ ln 2 / 2, for |x| < 2^31.
// The first step of the subtraction is exact. The Taylor polynomial of degree 13 leaves out less than 5e-18.
func (k vmath) reduce(x reg.VecVirtual) (n, expm1 reg.VecVirtual) {
	const ln2Low = 2.319046813846299558417771e-17 // ln 2 minus its nearest float64
	round := k.num(0x1.8p52)                      // a number this large has no fraction
	n = k.sub(k.fma(x, k.num(math.Log2E), round), round)
	r := k.fma(n, k.num(-math.Ln2), x)
	r = k.fma(n, k.num(-ln2Low), r)
	var c []float64
	for i, factorial := 2, 1.0; i <= 13; i++ {
		factorial *= float64(i)
		c = append(c, 1/factorial)
	}
	square := k.mul(r, r)
	return n, k.fma(square, k.evenOdd(r, square, c), r)
}

// power returns 2^n for −1022 ≤ n ≤ 1023, from n as int32.
func (k vmath) power(n reg.VecVirtual) reg.VecVirtual {
	v, biased := k.vec(), k.XMM()
	k.VPADDD(k.word(1023<<32|1023), n.AsX(), biased)
	k.VPMOVSXDQ(biased, v)
	k.VPSLLQ(operand.Imm(52), v, v)
	return v
}

// exp multiplies by 2^n in two steps, so that neither factor overflows and a subnormal result is rounded once.
func (k vmath) exp(x reg.VecVirtual) reg.VecVirtual {
	n, expm1 := k.reduce(k.atLeast(k.atMost(x, 710), -746))
	whole, half, rest := k.vec(), k.vec(), k.vec()
	k.VCVTPD2DQY(n, whole.AsX())
	k.VPSRAD(operand.Imm(1), whole.AsX(), half.AsX())
	k.VPSUBD(half.AsX(), whole.AsX(), rest.AsX())
	return k.mul(k.mul(k.add(expm1, k.num(1)), k.power(half)), k.power(rest))
}

// expBelow0 returns e^x, e^x − 1 and what the second rounded off, for x ≤ 0. Below −100 it takes x for −100.
func (k vmath) expBelow0(x reg.VecVirtual) (e, expm1, low reg.VecVirtual) {
	n, p := k.reduce(k.atLeast(x, -100))
	exponent := k.vec()
	k.VCVTPD2DQY(n, exponent.AsX())
	s := k.power(exponent)
	whole := k.sub(s, k.num(1))
	expm1 = k.fma(s, p, whole)
	return k.fma(s, p, s), expm1, k.fma(s, p, k.sub(whole, expm1))
}

// split returns k and m with u = 2^k·m and √½ ≤ m < √2, for positive normal u.
func (k vmath) split(u reg.VecVirtual) (exponent, m reg.VecVirtual) {
	rootHalf := math.Float64bits(math.Sqrt2 / 2)
	bits, e, fraction := k.vec(), k.vec(), k.vec()
	k.VPADDQ(k.word(math.Float64bits(1)-rootHalf), u, bits)
	k.VPSRLQ(operand.Imm(52), bits, e)
	const shift = 0x1p52 // a whole number below 2^52 becomes the low bits of shift plus itself
	exponent = k.sub(k.or(e, k.num(shift)), k.num(shift+1023))
	k.VPAND(k.word(1<<52-1), bits, fraction)
	m = k.vec()
	k.VPADDQ(k.word(rootHalf), fraction, m)
	return exponent, m
}

// logSum returns ln(1+f) + e·ln 2 + c for √½ ≤ 1+f < √2, by the series in s = f/(2+f) of FreeBSD's e_log.c
// (Sun Microsystems 1993), whose error is below 1 ulp. A nil c is 0.
func (k vmath) logSum(f, e, c reg.VecVirtual) reg.VecVirtual {
	const ln2High, ln2Low = 6.93147180369123816490e-01, 1.90821492927058770002e-10 // high·e is exact
	s := k.div(f, k.add(f, k.num(2)))
	z := k.mul(s, s)
	w := k.mul(z, z)
	odd := k.mul(k.horner(w, 6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01,
		1.479819860511658591e-01), z)
	series := k.fma(w, k.horner(w, 3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01), odd)
	half := k.mul(k.mul(f, k.num(0.5)), f)
	low := k.mul(e, k.num(ln2Low))
	if c != nil {
		low = k.add(low, c)
	}
	sum := k.fma(s, k.add(series, half), low)
	return k.fma(e, k.num(ln2High), k.add(k.sub(sum, half), f))
}

// logEdges returns y, but −Inf where x is the pole, NaN below it and where x is NaN, and x where x is +Inf.
func (k vmath) logEdges(x, y reg.VecVirtual, pole float64) reg.VecVirtual {
	outside := k.choose(k.cmp(equal, x, k.num(pole)), k.num(math.Inf(-1)), k.set(math.NaN()))
	y = k.choose(k.cmp(notGreater, x, k.num(pole)), outside, y)
	return k.choose(k.cmp(equal, x, k.num(math.Inf(1))), x, y)
}

// log scales subnormal numbers by 2^54.
func (k vmath) log(x reg.VecVirtual) reg.VecVirtual {
	tiny := k.cmp(less, x, k.num(0x1p-1022))
	e, m := k.split(k.choose(tiny, k.mul(x, k.num(0x1p54)), x))
	e = k.sub(e, k.and(tiny, k.num(54)))
	return k.logEdges(x, k.logSum(k.sub(m, k.num(1)), e, nil), 0)
}

func (k vmath) log1p(x reg.VecVirtual) reg.VecVirtual {
	y := k.logEdges(x, k.log1pInside(x), -1)
	zero := k.zero()
	return k.choose(k.cmp(equal, x, zero), x, y) // keeps the sign of −0
}

// log1pInside returns ln(1+x) for finite x > −1. With u the rounded 1+x it adds the rest, to first order, as c.
// Where u is not scaled, x itself is the f of the series and there is no rest.
func (k vmath) log1pInside(x reg.VecVirtual) reg.VecVirtual {
	u := k.add(x, k.num(1))
	e, m := k.split(u)
	// The larger of x and 1 is subtracted from u first, which is exact.
	large := k.cmp(greaterOrEq, x, k.num(1))
	rest := k.choose(large, k.sub(k.set(1), k.sub(u, x)), k.sub(x, k.sub(u, k.num(1))))
	scaled := k.cmp(equal, e, k.zero())
	f := k.choose(scaled, x, k.sub(m, k.num(1)))
	c := k.vec()
	k.VANDNPD(k.div(rest, u), scaled, c)
	return k.logSum(f, e, c)
}

// tanh is −t/(2+t) near 0 and 1 − 2e/(1+e) further out, with e = e^−2|x| and t = e − 1.
func (k vmath) tanh(x reg.VecVirtual) reg.VecVirtual {
	y := k.negAbs(x)
	e, t, low := k.expBelow0(k.add(y, y))
	far := k.cmp(less, e, k.num(0.25))
	k.VANDNPD(low, far, low)
	q := k.divSum(k.choose(far, k.add(e, e), t), k.choose(far, k.num(1), k.set(2)), k.choose(far, e, t), low)
	y = k.choose(far, k.sub(k.set(1), q), q)
	return k.or(k.and(y, k.word(1<<63-1)), k.and(x, k.word(1<<63)))
}

func (k vmath) sigmoid(x reg.VecVirtual) reg.VecVirtual {
	t := k.exp(k.negAbs(x))
	return k.divSum(k.choose(k.cmp(less, x, k.zero()), t, k.set(1)), k.set(1), t, nil)
}

// divSum returns x/(a+b) for |b| ≤ a. It corrects the quotient for what the sum and the division rounded off, and
// for what x and b have lost before: low each, if that is not nil.
func (k vmath) divSum(x, a, b, low reg.VecVirtual) reg.VecVirtual {
	sum := k.add(a, b)
	sumLow := k.sub(b, k.sub(sum, a))
	q := k.div(x, sum)
	rest := k.vec()
	k.VMOVUPD(x, rest)
	k.VFNMADD231PD(sum, q, rest)
	if low != nil {
		rest, sumLow = k.add(rest, low), k.add(sumLow, low)
	}
	k.VFNMADD231PD(sumLow, q, rest)
	return k.add(q, k.div(rest, sum))
}

func (k vmath) softplus(x reg.VecVirtual) reg.VecVirtual {
	y := k.log1pInside(k.exp(k.negAbs(x)))
	return k.add(y, k.atLeast(x, 0))
}

func (k vmath) logSigmoid(x reg.VecVirtual) reg.VecVirtual {
	y := k.log1pInside(k.exp(k.negAbs(x)))
	return k.sub(k.atMost(x, 0), y)
}

func (k vmath) elu(x reg.VecVirtual) reg.VecVirtual {
	_, y, _ := k.expBelow0(k.atMost(x, 0))
	return k.choose(k.cmp(greaterOrEq, x, k.zero()), x, y)
}
