package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// mathCase is a function of math.go with an oracle of more than a hundred bits.
type mathCase struct {
	name    string
	f32     func(dst, x []float32)
	f64     func(dst, x []float64)
	ref     func(x float64) *big.Float // for finite x in the domain
	special func(x float64) float64    // for ±0, ±Inf and NaN
	lo, hi  float64                    // where the result is finite and not constant
}

var mathCases = []mathCase{
	{"Exp", Exp[float32], Exp[float64], func(x float64) *big.Float { return bigExp(toBig(x)) }, math.Exp, -745.1, 709.7},
	{"Log", Log[float32], Log[float64], func(x float64) *big.Float { return bigLog(toBig(x)) }, math.Log, 5e-324, math.MaxFloat64},
	{"Log1p", Log1p[float32], Log1p[float64], func(x float64) *big.Float { return bigLog1p(toBig(x)) }, math.Log1p, math.Nextafter(-1, 0), math.MaxFloat64},
	{"Tanh", Tanh[float32], Tanh[float64], func(x float64) *big.Float {
		t := bigExpm1(toBig(2 * x))
		return bigQuo(t, bigAdd(t, toBig(2)))
	}, math.Tanh, -22, 22},
	{"Sigmoid", Sigmoid[float32], Sigmoid[float64], func(x float64) *big.Float {
		return bigQuo(bigOne, bigAdd(bigOne, bigExp(toBig(-x))))
	}, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, -745, 40},
	{"Softplus", Softplus[float32], Softplus[float64], func(x float64) *big.Float {
		return bigLog1p(bigExp(toBig(x)))
	}, func(x float64) float64 { return math.Log(1 + math.Exp(x)) }, -745, 1e300},
	{"LogSigmoid", LogSigmoid[float32], LogSigmoid[float64], func(x float64) *big.Float {
		return new(big.Float).Neg(bigLog1p(bigExp(toBig(-x))))
	}, func(x float64) float64 { return 0 - math.Log(1+math.Exp(-x)) }, -1e300, 745},
	{"ELU", ELU[float32], ELU[float64], func(x float64) *big.Float {
		if x > 0 {
			return toBig(x)
		}
		return bigExpm1(toBig(x))
	}, func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.Expm1(x)
	}, -40, math.MaxFloat64},
}

const bigPrec = 240 // bits; cancellation in the oracles eats up to 60 of them

var bigOne = toBig(1)

func toBig(x float64) *big.Float              { return new(big.Float).SetPrec(bigPrec).SetFloat64(x) }
func bigAdd(x, y *big.Float) *big.Float       { return new(big.Float).SetPrec(bigPrec).Add(x, y) }
func bigMul(x, y *big.Float) *big.Float       { return new(big.Float).SetPrec(bigPrec).Mul(x, y) }
func bigQuo(x, y *big.Float) *big.Float       { return new(big.Float).SetPrec(bigPrec).Quo(x, y) }
func bigLess(x *big.Float, e int) bool        { return x.Sign() == 0 || x.MantExp(nil) < e }
func bigShift(x *big.Float, n int) *big.Float { return new(big.Float).SetMantExp(x, n) }

// bigExp halves x until the Taylor series is short, and squares the result back.
func bigExp(x *big.Float) *big.Float {
	if f, _ := x.Float64(); f > 1e4 || f < -1e4 {
		panic("argument of bigExp out of range")
	}
	const halvings = 24
	r := bigShift(x, -halvings)
	sum, term := toBig(1), toBig(1)
	for i := 1; ; i++ {
		term = bigQuo(bigMul(term, r), toBig(float64(i)))
		if bigLess(term, -bigPrec-20) {
			break
		}
		sum = bigAdd(sum, term)
	}
	for range halvings {
		sum = bigMul(sum, sum)
	}
	return sum
}

// bigLn2 is ln 2 = −ln ½, from the series of ln(1 − ½).
var bigLn2 = func() *big.Float {
	sum := toBig(0)
	for i := 1; i < bigPrec+20; i++ {
		sum = bigAdd(sum, bigQuo(bigShift(bigOne, -i), toBig(float64(i))))
	}
	return sum
}()

// bigLog is e·ln 2 + 2 artanh((m−1)/(m+1)) with x = 2^e·m, m near 1.
func bigLog(x *big.Float) *big.Float {
	m := new(big.Float).SetPrec(bigPrec)
	e := x.MantExp(m)
	if m.Cmp(toBig(0.7)) < 0 {
		m, e = bigShift(m, 1), e-1
	}
	s := bigQuo(bigAdd(m, toBig(-1)), bigAdd(m, bigOne))
	square, power, sum := bigMul(s, s), s, toBig(0)
	for i := 1; !bigLess(power, -3*bigPrec) && !(sum.Sign() != 0 && bigLess(power, sum.MantExp(nil)-bigPrec)); i += 2 {
		sum = bigAdd(sum, bigQuo(power, toBig(float64(i))))
		power = bigMul(power, square)
	}
	return bigAdd(bigMul(toBig(float64(e)), bigLn2), bigShift(sum, 1))
}

// bigExpm1 and bigLog1p take the first terms of the series where the difference from 1 would lose too many bits.
func bigExpm1(x *big.Float) *big.Float {
	if bigLess(x, -60) {
		return bigSeries(x, 1, 2, 6)
	}
	return bigAdd(bigExp(x), toBig(-1))
}

func bigLog1p(x *big.Float) *big.Float {
	if bigLess(x, -60) {
		return bigSeries(x, 1, -2, 3)
	}
	return bigLog(bigAdd(bigOne, x))
}

// bigSeries returns x/d[0] + x²/d[1] + …
func bigSeries(x *big.Float, d ...float64) *big.Float {
	sum, power := toBig(0), bigOne
	for _, v := range d {
		power = bigMul(power, x)
		sum = bigAdd(sum, bigQuo(power, toBig(v)))
	}
	return sum
}

// ulpError returns the distance of got from want in units of the last place of want, which has prec bits and a
// smallest exponent of minExp.
func ulpError(got float64, want *big.Float, prec, minExp int) float64 {
	e := minExp
	if want.Sign() != 0 {
		e = max(e, want.MantExp(nil)-prec)
	}
	diff := bigShift(bigAdd(toBig(got), new(big.Float).Neg(want)), -e)
	f, _ := diff.Float64()
	return math.Abs(f)
}

// mathPoints returns arguments over all of [lo, hi]: uniform, by magnitude, near 0 and ±1, and the ends.
func mathPoints(lo, hi float64, n int) []float64 {
	r := rand.New(rand.NewPCG(11, 12))
	points := []float64{lo, hi, 0, 1, -1, 0.5, -0.5, math.Sqrt2, math.Sqrt2 / 2, math.Ln2 / 2, -math.Ln2 / 2, 1e-300, -1e-300, 5e-324, 0x1p-1022,
		0x1p-1022 - 5e-324, -5e-324, 0x1p-53, -0x1p-53, 0x1p-54, 0x1p53, 18.7, 19.1, 36.8, 37.1, -36.8, -37.1, -708.3, -708.5}
	uniformLo, uniformHi := max(lo, -50), min(hi, 50)
	for range n {
		points = append(points,
			uniformLo+(uniformHi-uniformLo)*r.Float64(),
			max(lo, -750)+(min(hi, 750)-max(lo, -750))*r.Float64(),
			2*r.Float64()-1,
			math.Exp2(1+r.Float64()*2)*0.5*float64(1-2*r.IntN(2)),
			math.Float64frombits(r.Uint64()),
			math.Ldexp(1+r.Float64(), r.IntN(60)-60)*float64(1-2*r.IntN(2)),
			1+0.01*r.NormFloat64())
	}
	kept := points[:0]
	for _, x := range points {
		if x >= lo && x <= hi && !math.IsInf(x, 0) {
			kept = append(kept, x)
		}
	}
	return kept
}

// TestMathAccuracy holds the functions to the bounds that math.go states: 2 ulp in float64, 1 ulp in float32.
func TestMathAccuracy(t *testing.T) {
	for _, c := range mathCases {
		x := mathPoints(c.lo, c.hi, 500)
		want := make([]*big.Float, len(x))
		x32, want32 := make([]float32, len(x)), make([]*big.Float, len(x))
		for i, v := range x {
			want[i] = c.far(v)
			x32[i] = float32(v)
			if w := float64(x32[i]); w >= c.lo && w <= c.hi && !math.IsInf(w, 0) {
				want32[i] = c.far(w)
			}
		}
		onEach(t, func(t *testing.T) {
			y, y32 := make([]float64, len(x)), make([]float32, len(x))
			c.f64(y, x)
			c.f32(y32, x32)
			worst, worst32 := 0.0, 0.0
			for i, got := range y {
				e := ulpError(got, want[i], 53, -1074)
				worst = max(worst, e)
				if !(e <= 2) {
					t.Errorf("%s(%v) = %v, want %v: off by %.3g ulp", c.name, x[i], got, want[i].Text('g', 20), e)
				}
				if want32[i] == nil {
					continue
				}
				if f, _ := want32[i].Float32(); math.IsInf(float64(f), 0) {
					if y32[i] != f {
						t.Errorf("%s(float32 %v) = %v, want %v", c.name, x32[i], y32[i], f)
					}
					continue
				}
				e = ulpError(float64(y32[i]), want32[i], 24, -149)
				worst32 = max(worst32, e)
				if !(e <= 1) {
					t.Errorf("%s(float32 %v) = %v, want %v: off by %.3g ulp", c.name, x32[i], y32[i], want32[i].Text('g', 20), e)
				}
			}
			t.Logf("%s: at most %.3f ulp in float64, %.3f in float32", c.name, worst, worst32)
		})
	}
}

// far is ref, with the values where e^|x| leaves the range of the oracle.
func (c mathCase) far(x float64) *big.Float {
	switch {
	case c.name == "Softplus" && x > 1000:
		return toBig(x)
	case c.name == "LogSigmoid" && x < -1000:
		return toBig(x)
	}
	return c.ref(x)
}

func TestMathSpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	x := []float64{0, math.Copysign(0, -1), inf, -inf, nan, math.Copysign(nan, -1), -1, -2, 1000, -1000, 1e300, -1e300, 5e-324, -5e-324, -740, 740}
	for _, c := range mathCases {
		onEach(t, func(t *testing.T) {
			got := make([]float64, len(x))
			c.f64(got, x)
			for i, v := range x[:6] {
				if want := c.special(v); !sameBits(got[i], want) {
					t.Errorf("%s(%v) = %v, want %v", c.name, v, got[i], want)
				}
			}
			for i, v := range x[6:] {
				want, g := c.special(v), got[6+i]
				switch {
				case math.IsNaN(want) || math.IsNaN(g):
					if !sameBits(want, g) {
						t.Errorf("%s(%v) = %v, want %v", c.name, v, g, want)
					}
				case (c.name == "Softplus" || c.name == "LogSigmoid" || c.name == "Sigmoid") && math.Abs(v) > 700:
					if math.IsInf(g, 0) { // the naive formula of the case overflows here
						t.Errorf("%s(%v) = %v, want a finite value", c.name, v, g)
					}
				case math.IsInf(want, 0) != math.IsInf(g, 0):
					t.Errorf("%s(%v) = %v, want %v", c.name, v, g, want)
				}
			}
		})
	}
}

// TestMathShapes runs all lengths around the vector width at all alignments: each element must come out as it does
// alone, in place too, and nothing else may be written.
func TestMathShapes(t *testing.T) {
	for _, c := range mathCases {
		onEach(t, func(t *testing.T) {
			testMathShapes(t, c.name, c.f32)
			testMathShapes(t, c.name, c.f64)
		})
	}
}

func testMathShapes[T Float](t *testing.T, name string, f func(dst, x []T)) {
	for n := range 20 {
		for offset := range 8 {
			src := rand.NewPCG(uint64(n), uint64(offset))
			x, checkX := guarded[T](t, src, n, offset)
			dst, checkDst := guarded[T](t, src, n, (offset*3)%8)
			for i := range x {
				x[i] = T(math.Abs(float64(x[i])))
			}
			before := append([]T(nil), x...)
			f(dst, x)
			for i, v := range before {
				one := []T{v}
				f(one, one)
				if !sameBits(one[0], dst[i]) || x[i] != v {
					t.Fatalf("%s: element %d of %d at offset %d is %v, alone %v", fmt.Sprint(name, typeName[T]()), i, n, offset, dst[i], one[0])
				}
			}
			f(x, x)
			for i := range x {
				if !sameBits(x[i], dst[i]) {
					t.Fatalf("%s: in place element %d of %d is %v, want %v", name, i, n, x[i], dst[i])
				}
			}
			checkX()
			checkDst()
		}
	}
}
