package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowKernels writes the products of a single row with two panels: with eight sums at a time, multiply-adds need not wait for each other.
func rowKernels(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		panel{emitter{ctx, bits, 32}, "AVX2", nil, 2, false}.row()
	}
}

func (k panel) row() {
	const vectors = 4 // of a panel
	name := fmt.Sprintf("panelPair%d%s", k.bits, k.isa)
	k.Function(name)
	k.Pragma("noescape")
	k.SignatureExpr(fmt.Sprintf("func(c, init, a, b *%[1]s, next, k int, slope %[1]s)", k.elem()))
	k.Doc(fmt.Sprintf("%s is panel for one row and two whole panels of %d columns, the second one next elements after the first, with contiguous a.", name, vectors*k.lanes()))

	c, init, a, b, depth := k.load("c"), k.load("init"), k.load("a"), k.load("b"), k.load("k")
	next := k.stride("next")
	sums := make([][]reg.VecVirtual, vectors)
	at := func(base reg.GPVirtual, v int) operand.Mem { return operand.Mem{Base: base, Disp: v * k.wide} }
	for v := range sums {
		sums[v] = k.vecs()
		for half, sum := range sums[v] {
			k.p("VMOVU", at(init, v+half*vectors), sum)
		}
	}
	k.Label("depth")
	x := k.vec()
	k.s("VBROADCAST", operand.Mem{Base: a}, x)
	for v := range sums {
		first := at(b, v)
		second := first
		second.Index, second.Scale = next, 1
		k.p("VFMADD231", first, x, sums[v][0])
		k.p("VFMADD231", second, x, sums[v][1])
	}
	k.ADDQ(operand.Imm(uint64(k.size())), a)
	k.ADDQ(operand.Imm(uint64(vectors*k.wide)), b)
	k.DECQ(depth)
	k.JNZ(operand.LabelRef("depth"))
	k.leaky("", sums)
	for v := range sums {
		for half, sum := range sums[v] {
			k.p("VMOVU", sum, at(c, v+half*vectors))
		}
	}
	k.VZEROUPPER()
	k.RET()
}
