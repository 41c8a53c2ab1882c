package main

import (
	"fmt"
	"math"
)

// mathFunctionsNEON writes the loops of math.go, as mathFunctions does.
func mathFunctionsNEON(k neon) {
	k.bits = 64
	vmath[pair]{lanes: neonLanes{k}}.functions(neonLanes{k}.loop)
}

// pair is a vector as long as one of AVX2, in two registers; the same twice if it is a constant. A pair of one register is half as long.
type pair []*register

// neonLanes are lanes in a pair.
type neonLanes struct{ neon }

func (k neonLanes) loop(name string, bits int, body func(x pair) pair) {
	asm := fmt.Sprintf("%s%d", name, bits)
	k.function(asm, fmt.Sprintf("func(dst *float%[1]d, n int, x *float%[1]d)", bits),
		fmt.Sprintf("%s is %s for n elements, a multiple of 4.", asm, name), func() {
			dst, n, x := k.load("dst"), k.load("n"), k.load("x")
			k.label("loop")
			k.emit("SUBS $4, %v", n)
			k.branch("BLT", "end")
			if bits == 32 {
				single := k.vector()
				k.emit("FMOVQ.P 16(%v), %v", x, scalar{single})
				y := body(k.widen(single))
				k.emit("FMOVQ.P %v, 16(%v)", scalar{k.narrow(y)}, dst)
			} else {
				k.storePair(body(k.loadPair(x)), dst)
			}
			k.branch("JMP", "loop")
			k.label("end")
		})
}

// loadPair loads from p, and moves p on.
func (k neon) loadPair(p *register) pair {
	v := pair{k.vector(), k.vector()}
	k.emit("FLDPQ.P 32(%v), (%v, %v)", p, scalar{v[0]}, scalar{v[1]})
	return v
}

// storePair stores at p, and moves p on.
func (k neon) storePair(v pair, p *register) {
	k.emit("FSTPQ.P (%v, %v), 32(%v)", scalar{v[0]}, scalar{v[1]}, p)
}

// widen returns four float64 for four float32.
func (k neon) widen(single *register) pair {
	return pair{k.op("FCVTL", k.vector(), single), k.op("FCVTL2", k.vector(), single)}
}

// narrow returns four float32 for four float64.
func (k neon) narrow(v pair) *register {
	single := k.op("FCVTN", k.vector(), v[0])
	return k.op("FCVTN2", single, v[1])
}

// each returns what an instruction of the table makes of the registers of the sources.
func (k neon) each(name string, sources ...pair) pair {
	var all pair
	for i := range sources[0] {
		var s []*register
		for _, v := range sources {
			s = append(s, v[i])
		}
		all = append(all, k.op(name, k.vector(), s...))
	}
	return all
}

// eachGo is each for an instruction that the Go assembler has, on elements of arrangement t.
func (k neon) eachGo(name, t string, x, y pair) pair {
	var all pair
	for i := range x {
		v := k.vector()
		k.emit(fmt.Sprintf("%s %%v.%[2]s, %%v.%[2]s, %%v.%[2]s", name, t), y[i], x[i], v)
		all = append(all, v)
	}
	return all
}

// change does an instruction of the Go assembler that reads and writes v, with x and y in the order of the manual.
func (k neon) change(name, t string, v, x, y pair) pair {
	for i := range v {
		k.emit(fmt.Sprintf("%s %%v.%[2]s, %%v.%[2]s, %%v.%[2]s", name, t), y[i], x[i], v[i])
	}
	return v
}

// choose returns yes where the mask is set and no elsewhere.
func (k neon) choose(mask, yes, no pair) pair {
	return k.change("VBSL", "B16", k.copyPair(mask), yes, no)
}

func (k neon) copyPair(x pair) pair {
	var all pair
	for _, r := range x {
		all = append(all, k.copy(r))
	}
	return all
}

func (k neonLanes) word(b uint64) pair {
	r := k.constant(b)
	return pair{r, r}
}

func (k neonLanes) num(f float64) pair { return k.word(math.Float64bits(f)) }
func (k neonLanes) set(f float64) pair { return k.num(f) }
func (k neonLanes) zero() pair         { return k.num(0) }
func (k neonLanes) copy(x pair) pair   { return k.copyPair(x) }

func (k neonLanes) add(x, y pair) pair { return k.each("FADD", x, y) }
func (k neonLanes) sub(x, y pair) pair { return k.each("FSUB", x, y) }
func (k neonLanes) mul(x, y pair) pair { return k.each("FMUL", x, y) }
func (k neonLanes) div(x, y pair) pair { return k.each("FDIV", x, y) }

func (k neonLanes) fma(x, y, z pair) pair    { return k.change("VFMLA", "D2", k.copy(z), x, y) }
func (k neonLanes) mulAdd(v, x, c pair) pair { return k.fma(v, x, c) }
func (k neonLanes) subMul(v, x, y pair) pair { return k.change("VFMLS", "D2", v, x, y) }

func (k neonLanes) atLeast(x pair, bound float64) pair { return k.each("FMAX", x, k.num(bound)) }
func (k neonLanes) atMost(x pair, bound float64) pair  { return k.each("FMIN", x, k.num(bound)) }

func (k neonLanes) cmp(p predicate, x, y pair) pair {
	switch p {
	case equal:
		return k.each("FCMEQ", x, y)
	case less:
		return k.each("FCMGT", y, x)
	case greaterOrEq:
		return k.each("FCMGE", x, y)
	}
	return k.each("NOT", k.each("FCMGT", x, y))
}

func (k neonLanes) and(x, y pair) pair    { return k.eachGo("VAND", "B16", x, y) }
func (k neonLanes) andInt(x, y pair) pair { return k.and(x, y) }
func (k neonLanes) or(x, y pair) pair     { return k.eachGo("VORR", "B16", x, y) }
func (k neonLanes) addInt(x, y pair) pair { return k.eachGo("VADD", "D2", x, y) }

func (k neonLanes) andNot(mask, x pair) pair { return k.each("BIC", x, mask) }

func (k neonLanes) shiftRight52(x pair) pair { return k.shift("VUSHR", x) }

// shift shifts by 52 bits, the length of a fraction.
func (k neonLanes) shift(name string, x pair) pair {
	var all pair
	for _, r := range x {
		v := k.vector()
		k.emit(name+" $52, %v.D2, %v.D2", r, v)
		all = append(all, v)
	}
	return all
}

func (k neonLanes) whole(n pair) pair { return k.each("FCVTNS", n) }

func (k neonLanes) halves(n pair) (half, rest pair) {
	whole := k.whole(n)
	half = k.each("SSHR1", whole)
	return half, k.eachGo("VSUB", "D2", whole, half)
}

func (k neonLanes) power(n pair) pair { return k.shift("VSHL", k.addInt(n, k.word(1023))) }
