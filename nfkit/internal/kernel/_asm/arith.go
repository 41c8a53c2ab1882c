package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// arith writes the loops of arith.go: whole vectors first, then the rest one element at a time.
func arith(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		k := emitter{ctx, bits, 32}
		for _, op := range []string{"Add", "Sub", "Mul", "Div"} {
			k.eachElement(strings.ToLower(op), "a b", "", func(k emitter, v map[string]operand.Op) operand.Op {
				k.p("V"+strings.ToUpper(op), v["b"], v["a"], v["a"])
				return v["a"]
			})
		}
		k.eachElement("mulAcc", "dst a b", "", func(k emitter, v map[string]operand.Op) operand.Op {
			k.p("VMUL", v["b"], v["a"], v["a"])
			k.p("VADD", v["a"], v["dst"], v["dst"])
			return v["dst"]
		})
		k.eachElement("axpy", "dst x", "alpha", func(k emitter, v map[string]operand.Op) operand.Op {
			k.p("VMUL", v["alpha"], v["x"], v["x"])
			k.p("VADD", v["x"], v["dst"], v["dst"])
			return v["dst"]
		})
		k.eachElement("scale", "x", "alpha", func(k emitter, v map[string]operand.Op) operand.Op {
			k.p("VMUL", v["alpha"], v["x"], v["x"])
			return v["x"]
		})
		k.eachElement("leakyReLU", "x", "slope", func(k emitter, v map[string]operand.Op) operand.Op {
			scaled, zero := k.vec(), k.zero()
			k.p("VMUL", v["slope"], v["x"], scaled)
			k.p("VCMP", operand.Imm(less), v["x"], zero, zero) // 0 < x
			k.p("VBLENDV", zero, v["x"], scaled, v["x"])
			return v["x"]
		})
		k.eachElement("leakyGrad", "dst y", "slope", func(k emitter, v map[string]operand.Op) operand.Op {
			scaled, zero := k.vec(), k.zero()
			k.p("VMUL", v["slope"], v["dst"], scaled)
			k.p("VCMP", operand.Imm(less), v["y"], zero, v["y"]) // 0 < y
			k.p("VBLENDV", v["y"], v["dst"], scaled, v["dst"])
			return v["dst"]
		})
		one := k.one()
		k.eachElement("tanhGrad", "dst y", "", func(k emitter, v map[string]operand.Op) operand.Op { // 1 − y²
			d := k.vec()
			k.move(one, d)
			k.p("VMUL", v["y"], v["y"], v["y"])
			k.p("VSUB", v["y"], d, d)
			k.p("VMUL", d, v["dst"], d)
			return d
		})
		k.eachElement("sigmoidGrad", "dst y", "", func(k emitter, v map[string]operand.Op) operand.Op { // y·(1 − y)
			d := k.vec()
			k.move(one, d)
			k.p("VSUB", v["y"], d, d)
			k.p("VMUL", d, v["y"], d)
			k.p("VMUL", d, v["dst"], d)
			return d
		})
		k.eachElement("eluGrad", "dst y", "", func(k emitter, v map[string]operand.Op) operand.Op { // 1 where y > 0, else y + 1
			scaled, zero := k.vec(), k.zero()
			k.move(one, scaled)
			k.p("VADD", v["y"], scaled, scaled)
			k.p("VMUL", v["dst"], scaled, scaled)
			k.p("VCMP", operand.Imm(less), v["y"], zero, v["y"])
			k.p("VBLENDV", v["y"], v["dst"], scaled, v["dst"])
			return v["dst"]
		})
		k.leakyGradSums()
		k.laneSums("sum", "x", func(v []reg.VecVirtual, sum reg.VecVirtual) {
			k.p("VADD", v[0], sum, sum)
		})
		k.laneSums("dot", "a b", func(v []reg.VecVirtual, sum reg.VecVirtual) {
			k.p("VMUL", v[1], v[0], v[0])
			k.p("VADD", v[0], sum, sum)
		})
	}
	convert32(emitter{ctx, 64, 32})
	scaleConvert64(emitter{ctx, 64, 32})
}

// one returns a vector of ones in memory.
func (k emitter) one() operand.Mem {
	m := k.StaticGlobal(fmt.Sprintf("one%d", k.bits))
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	for range k.lanes() {
		if k.bits == 32 {
			k.AppendDatum(operand.F32(1))
		} else {
			k.AppendDatum(operand.F64(1))
		}
	}
	return m
}

// start begins a function without results.
func (k emitter) start(name, signature, doc string) {
	k.Function(name)
	k.Pragma("noescape")
	k.SignatureExpr(signature)
	k.Doc(doc)
}

// eachElement writes a loop that stores in dst what body makes of the elements of the inputs, a list of names which
// may contain dst. Scalars are parameters that body finds in all lanes.
func (k emitter) eachElement(name, inputs, scalars string, body func(k emitter, v map[string]operand.Op) operand.Op) {
	asm := fmt.Sprintf("%s%dAVX2", name, k.bits)
	signature := fmt.Sprintf("func(dst *%s, n int", k.elem())
	for _, in := range strings.Fields(inputs) {
		if in != "dst" {
			signature += fmt.Sprintf(", %s *%s", in, k.elem())
		}
	}
	for _, in := range strings.Fields(scalars) {
		signature += fmt.Sprintf(", %s %s", in, k.elem())
	}
	k.start(asm, signature+")", fmt.Sprintf("%s is %s for n elements.", asm, name))

	pointers := map[string]reg.GPVirtual{"dst": k.load("dst")}
	n, i := k.load("n"), k.GP64()
	for _, in := range strings.Fields(inputs) {
		if in != "dst" {
			pointers[in] = k.load(in)
		}
	}
	constants := map[string]reg.VecVirtual{}
	for _, in := range strings.Fields(scalars) {
		constants[in] = k.broadcast(in)
	}
	k.XORQ(i, i)
	pass := func(k emitter, label string, step int) {
		k.Label(label)
		k.SUBQ(operand.Imm(uint64(step)), n)
		k.JL(operand.LabelRef(label + "End"))
		v := map[string]operand.Op{}
		for name, c := range constants {
			v[name] = c
			if k.wide == 16 {
				v[name] = c.AsX()
			}
		}
		for _, in := range strings.Fields(inputs) {
			r := k.vec()
			k.move(operand.Mem{Base: pointers[in], Index: i, Scale: uint8(k.size())}, r)
			v[in] = r
		}
		k.move(body(k, v), operand.Mem{Base: pointers["dst"], Index: i, Scale: uint8(k.size())})
		k.ADDQ(operand.Imm(uint64(step)), i)
		k.JMP(operand.LabelRef(label))
		k.Label(label + "End")
		k.ADDQ(operand.Imm(uint64(step)), n)
	}
	pass(k, "vectors", k.lanes())
	pass(emitter{k.Context, k.bits, 16}, "rest", 1)
	k.VZEROUPPER()
	k.RET()
}

// laneSums writes a function that adds the terms of whole blocks of 16 elements to 16 sums.
func (k emitter) laneSums(name, inputs string, body func(v []reg.VecVirtual, sum reg.VecVirtual)) {
	const lanes = 16
	asm := fmt.Sprintf("%s%dAVX2", name, k.bits)
	names := strings.Fields(inputs)
	k.start(asm, fmt.Sprintf("func(sums *[16]%[1]s, blocks int, %[2]s *%[1]s)", k.elem(), strings.Join(names, ", ")),
		fmt.Sprintf("%s stores in sums the sixteen partial sums of %s over whole blocks of sixteen elements.", asm, name))
	dst, blocks := k.load("sums"), k.load("blocks")
	var pointers []reg.GPVirtual
	for _, in := range names {
		pointers = append(pointers, k.load(in))
	}
	sums := make([]reg.VecVirtual, lanes/k.lanes())
	for s := range sums {
		sums[s] = k.zero()
	}
	k.Label("block")
	k.DECQ(blocks)
	k.JL(operand.LabelRef("end"))
	for s, sum := range sums {
		v := make([]reg.VecVirtual, len(pointers))
		for i, p := range pointers {
			v[i] = k.vec()
			k.move(operand.Mem{Base: p, Disp: s * k.wide}, v[i])
		}
		body(v, sum)
	}
	for _, p := range pointers {
		k.ADDQ(operand.Imm(uint64(lanes*k.size())), p)
	}
	k.JMP(operand.LabelRef("block"))
	k.Label("end")
	for s, sum := range sums {
		k.move(sum, operand.Mem{Base: dst, Disp: s * k.wide})
	}
	k.VZEROUPPER()
	k.RET()
}

// leakyGradSums writes a function that does leakyGrad to four vectors of columns, and adds up the columns in the same pass.
func (k emitter) leakyGradSums() {
	asm := fmt.Sprintf("leakyGradSums%dAVX2", k.bits)
	k.start(asm, fmt.Sprintf("func(sums, dy *%[1]s, rows, stride int, y *%[1]s, slope %[1]s)", k.elem()),
		fmt.Sprintf("%s is leakyGradSums for %d columns of rows that are stride apart.", asm, 4*k.lanes()))
	dst, dy, y, rows := k.load("sums"), k.load("dy"), k.load("y"), k.load("rows")
	stride, slope, zero := k.stride("stride"), k.broadcast("slope"), k.zero()
	var sums [4]reg.VecVirtual
	for c := range sums {
		sums[c] = k.vec()
		k.move(operand.Mem{Base: dst, Disp: c * k.wide}, sums[c])
	}
	k.Label("row")
	k.DECQ(rows)
	k.JL(operand.LabelRef("end"))
	for c, sum := range sums {
		g, scaled, positive := k.vec(), k.vec(), k.vec()
		k.move(operand.Mem{Base: dy, Disp: c * k.wide}, g)
		k.p("VMUL", slope, g, scaled)
		k.p("VCMP", operand.Imm(less), operand.Mem{Base: y, Disp: c * k.wide}, zero, positive)
		k.p("VBLENDV", positive, g, scaled, g)
		k.move(g, operand.Mem{Base: dy, Disp: c * k.wide})
		k.p("VADD", g, sum, sum)
	}
	k.ADDQ(stride, dy)
	k.ADDQ(stride, y)
	k.JMP(operand.LabelRef("row"))
	k.Label("end")
	for c, sum := range sums {
		k.move(sum, operand.Mem{Base: dst, Disp: c * k.wide})
	}
	k.VZEROUPPER()
	k.RET()
}

func convert32(k emitter) {
	k.start("convert32AVX2", "func(dst *float32, n int, src *float64)", "convert32AVX2 is Convert32 for n elements, a multiple of 4.")
	dst, n, src := k.load("dst"), k.load("n"), k.load("src")
	k.Label("loop")
	k.SUBQ(operand.Imm(4), n)
	k.JL(operand.LabelRef("end"))
	v := k.XMM()
	k.VCVTPD2PSY(operand.Mem{Base: src}, v)
	k.VMOVUPS(v, operand.Mem{Base: dst})
	k.ADDQ(operand.Imm(32), src)
	k.ADDQ(operand.Imm(16), dst)
	k.JMP(operand.LabelRef("loop"))
	k.Label("end")
	k.VZEROUPPER()
	k.RET()
}

func scaleConvert64(k emitter) {
	k.start("scaleConvert64AVX2", "func(dst *float64, n int, src *float32, alpha float64)",
		"scaleConvert64AVX2 is ScaleConvert64 for n elements, a multiple of 4.")
	dst, n, src, alpha := k.load("dst"), k.load("n"), k.load("src"), k.broadcast("alpha")
	k.Label("loop")
	k.SUBQ(operand.Imm(4), n)
	k.JL(operand.LabelRef("end"))
	v := k.vec()
	k.VCVTPS2PD(operand.Mem{Base: src}, v)
	k.VMULPD(alpha, v, v)
	k.VMOVUPD(v, operand.Mem{Base: dst})
	k.ADDQ(operand.Imm(16), src)
	k.ADDQ(operand.Imm(32), dst)
	k.JMP(operand.LabelRef("loop"))
	k.Label("end")
	k.VZEROUPPER()
	k.RET()
}
