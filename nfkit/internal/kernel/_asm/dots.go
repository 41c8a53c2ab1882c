package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots writes the kernels of products with few columns.
func dots(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		dotPair{emitter{ctx, bits, 32}, false}.function()
	}
}

// dotPair computes two columns of a product for four rows at a time: eight sums, each a vector of partial sums.
type dotPair struct {
	emitter
	runs bool // the rows are in runs: see runs.go
}

func (k dotPair) function() {
	if k.runs {
		k.Function(fmt.Sprintf("dotRuns%dAVX2", k.bits))
		k.Pragma("noescape")
		k.SignatureExpr(fmt.Sprintf("func(sums, a, b0, b1 *%s, rows, runs, k, skip, lda int)", k.elem()))
		k.Doc(fmt.Sprintf("dotRuns%dAVX2 is dotPairs%[1]d for rows that are runs of k elements, a multiple of %d above 0, with as many as skip says between them.", k.bits, k.lanes()))
	} else {
		k.Function(fmt.Sprintf("dotPairs%dAVX2", k.bits))
		k.Pragma("noescape")
		k.SignatureExpr(fmt.Sprintf("func(sums, a, b0, b1 *%s, rows, k, lda int)", k.elem()))
		k.Doc(fmt.Sprintf("dotPairs%dAVX2 stores the products of each row of a with b0 and b1, side by side. rows is a multiple", k.bits),
			fmt.Sprintf("of 4. Row r of a starts at a[r·lda]; the k mod %d last elements of the rows are left out.", k.lanes()))
	}

	dst, a, n := k.load("sums"), k.load("a"), k.load("rows")
	b0, b1 := k.load("b0"), k.load("b1")
	row, row3 := k.stride("lda"), k.GP64()
	k.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, row3)
	length := k.stride("k") // bytes of a row in whole vectors
	k.ANDQ(operand.I32(-int32(k.wide)), length)

	k.Label("rows")
	k.SUBQ(operand.Imm(4), n)
	k.JL(operand.LabelRef("done"))
	var sums [4][2]reg.VecVirtual
	for r := range sums {
		sums[r] = [2]reg.VecVirtual{k.zero(), k.zero()}
	}
	i, pa := k.GP64(), k.GP64()
	k.XORQ(i, i)
	k.MOVQ(a, pa)
	var runs, end reg.GPVirtual
	if k.runs {
		runs, end = k.load("runs"), k.GP64()
		k.MOVQ(length, end)
	} else {
		end = length
		k.JMP(operand.LabelRef("depthTest"))
	}
	k.Label("depth")
	v0, v1, x := k.vec(), k.vec(), k.vec()
	k.p("VMOVU", operand.Mem{Base: b0, Index: i, Scale: 1}, v0)
	k.p("VMOVU", operand.Mem{Base: b1, Index: i, Scale: 1}, v1)
	for r, address := range []operand.Mem{{Base: pa}, {Base: pa, Index: row, Scale: 1}, {Base: pa, Index: row, Scale: 2},
		{Base: pa, Index: row3, Scale: 1}} {
		k.p("VMOVU", address, x)
		k.p("VFMADD231", x, v0, sums[r][0])
		k.p("VFMADD231", x, v1, sums[r][1])
	}
	k.ADDQ(operand.Imm(uint64(k.wide)), i)
	k.ADDQ(operand.Imm(uint64(k.wide)), pa)
	k.Label("depthTest")
	k.CMPQ(i, end)
	k.JL(operand.LabelRef("depth"))
	if k.runs {
		k.skip(pa, "skip")
		k.ADDQ(length, end)
		k.DECQ(runs)
		k.JNZ(operand.LabelRef("depth"))
	}

	// Horizontal sums: pairs of neighbours first, then the upper half of the register on the lower one.
	h := make([]reg.VecVirtual, 4)
	for r := range h {
		h[r] = k.vec()
		k.p("VHADD", sums[r][1], sums[r][0], h[r])
	}
	if k.bits == 32 {
		k.p("VHADD", h[1], h[0], h[0])
		k.p("VHADD", h[3], h[2], h[1])
		h = h[:2]
	}
	for r := range h {
		upper := k.XMM()
		k.VEXTRACTF128(operand.Imm(1), h[r], upper)
		k.p("VADD", upper, h[r].AsX(), upper)
		k.p("VMOVU", upper, operand.Mem{Base: dst, Disp: 16 * r})
	}
	k.ADDQ(operand.Imm(uint64(8*k.size())), dst)
	k.LEAQ(operand.Mem{Base: a, Index: row, Scale: 4}, a)
	k.JMP(operand.LabelRef("rows"))
	k.Label("done")
	k.VZEROUPPER()
	k.RET()
}
