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
	k := avx2Lanes{emitter{ctx, 64, 32}, map[uint64]operand.Mem{}}
	vmath[operand.Op]{lanes: k}.functions(k.loop)
}

// avx2Lanes are lanes in a register of AVX2.
type avx2Lanes struct {
	emitter
	constants map[uint64]operand.Mem
}

func (k avx2Lanes) loop(name string, bits int, body func(x operand.Op) operand.Op) {
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
		k.VCVTPD2PSY(y, low(y))
		k.VMOVUPS(low(y), operand.Mem{Base: dst})
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
func (k avx2Lanes) word(b uint64) operand.Op {
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

func (k avx2Lanes) num(f float64) operand.Op { return k.word(math.Float64bits(f)) }

func (k avx2Lanes) set(f float64) operand.Op {
	v := k.vec()
	k.VMOVUPD(k.num(f), v)
	return v
}

func (k avx2Lanes) add(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VADDPD(y, x, v)
	return v
}
func (k avx2Lanes) sub(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VSUBPD(y, x, v)
	return v
}
func (k avx2Lanes) mul(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VMULPD(y, x, v)
	return v
}
func (k avx2Lanes) div(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VDIVPD(y, x, v)
	return v
}
func (k avx2Lanes) and(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VANDPD(y, x, v)
	return v
}
func (k avx2Lanes) or(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VORPD(y, x, v)
	return v
}

// fma returns x·y + z.
func (k avx2Lanes) fma(x, y, z operand.Op) operand.Op {
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

func (k avx2Lanes) cmp(p predicate, x, y operand.Op) operand.Op {
	v := k.vec()
	k.VCMPPD(operand.Imm(uint64(p)), y, x, v)
	return v
}

// choose returns yes where the mask is set and no elsewhere.
func (k avx2Lanes) choose(mask, yes, no operand.Op) operand.Op {
	v := k.vec()
	k.VBLENDVPD(mask, yes, no, v)
	return v
}

func (k avx2Lanes) zero() operand.Op { return k.emitter.zero() }

func (k avx2Lanes) copy(x operand.Op) operand.Op {
	v := k.vec()
	k.VMOVUPD(x, v)
	return v
}

func (k avx2Lanes) mulAdd(v, x, c operand.Op) operand.Op {
	k.VFMADD213PD(c, x, v)
	return v
}

func (k avx2Lanes) subMul(v, x, y operand.Op) operand.Op {
	k.VFNMADD231PD(y, x, v)
	return v
}

func (k avx2Lanes) andNot(mask, x operand.Op) operand.Op {
	k.VANDNPD(x, mask, x)
	return x
}

func (k avx2Lanes) addInt(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VPADDQ(y, x, v)
	return v
}

func (k avx2Lanes) andInt(x, y operand.Op) operand.Op {
	v := k.vec()
	k.VPAND(y, x, v)
	return v
}

func (k avx2Lanes) shiftRight52(x operand.Op) operand.Op {
	v := k.vec()
	k.VPSRLQ(operand.Imm(52), x, v)
	return v
}

// low is the lower half of a register. Whole numbers are four int32 in there.
func low(x operand.Op) reg.Register { return x.(reg.VecVirtual).AsX() }

func (k avx2Lanes) whole(n operand.Op) operand.Op {
	v := k.vec()
	k.VCVTPD2DQY(n, v.AsX())
	return v
}

func (k avx2Lanes) halves(n operand.Op) (half, rest operand.Op) {
	whole := k.whole(n)
	half, rest = k.vec(), k.vec()
	k.VPSRAD(operand.Imm(1), low(whole), low(half))
	k.VPSUBD(low(half), low(whole), low(rest))
	return half, rest
}

// power returns 2^n for −1022 ≤ n ≤ 1023, from n as int32.
func (k avx2Lanes) power(n operand.Op) operand.Op {
	v, biased := k.vec(), k.XMM()
	k.VPADDD(k.word(1023<<32|1023), low(n), biased)
	k.VPMOVSXDQ(biased, v)
	k.VPSLLQ(operand.Imm(52), v, v)
	return v
}

// atLeast and atMost bound x. NaN stays NaN: the instructions return their second operand when they meet one.
func (k avx2Lanes) atLeast(x operand.Op, bound float64) operand.Op {
	b, v := k.set(bound), k.vec()
	k.VMAXPD(x, b, v)
	return v
}

func (k avx2Lanes) atMost(x operand.Op, bound float64) operand.Op {
	b, v := k.set(bound), k.vec()
	k.VMINPD(x, b, v)
	return v
}
