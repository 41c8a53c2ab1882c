package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packs writes the transposition of packed weights.
func packs(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		packTransposed{emitter{ctx, bits, 32}}.function()
	}
}

// packTransposed moves blocks of as many rows as a vector has elements. A register holds 16 bytes of a row in its lower half, and of the
// row half a block further down in its upper half, so that transposing within the halves gives whole columns of the block.
type packTransposed struct{ emitter }

func (k packTransposed) function() {
	name := fmt.Sprintf("packTransposed%dAVX2", k.bits)
	rows := k.lanes()
	depth := 16 / k.size() // elements of a row at a time
	k.start(name, fmt.Sprintf("func(dst *%[1]s, ldd int, src *%[1]s, lds, n int)", k.elem()),
		fmt.Sprintf("%s stores element p of row r of src in dst[p·ldd+r], for %d rows lds apart and p < n, a multiple of %d.", name, rows, depth))
	dst, src, n := k.load("dst"), k.load("src"), k.load("n")
	ldd, lds, lds3 := k.stride("ldd"), k.stride("lds"), k.GP64()
	k.LEAQ(operand.Mem{Base: lds, Index: lds, Scale: 2}, lds3)
	lower := src
	upper := k.GP64()
	k.LEAQ(operand.Mem{Base: src, Index: lds, Scale: uint8(rows / 2)}, upper)
	row := func(base reg.GPVirtual, r int) operand.Mem {
		return []operand.Mem{{Base: base}, {Base: base, Index: lds, Scale: 1}, {Base: base, Index: lds, Scale: 2}, {Base: base, Index: lds3, Scale: 1}}[r]
	}
	k.Label("block")
	k.SUBQ(operand.Imm(uint64(depth)), n)
	k.JL(operand.LabelRef("done"))
	v := make([]reg.VecVirtual, rows/2)
	for r := range v {
		v[r] = k.vec()
		k.p("VMOVU", row(lower, r), v[r].AsX())
		k.VINSERTF128(operand.Imm(1), row(upper, r), v[r], v[r])
	}
	pair := func(unpack string, a, b reg.VecVirtual) reg.VecVirtual {
		u := k.vec()
		k.p(unpack, b, a, u)
		return u
	}
	columns := []reg.VecVirtual{pair("VUNPCKL", v[0], v[1]), pair("VUNPCKH", v[0], v[1])}
	if k.bits == 32 { // these are two columns each, of the rows 0 and 1
		var all []reg.VecVirtual
		for i, others := range []reg.VecVirtual{pair("VUNPCKL", v[2], v[3]), pair("VUNPCKH", v[2], v[3])} {
			for _, half := range []uint64{0x44, 0xee} {
				c := k.vec()
				k.VSHUFPS(operand.Imm(half), others, columns[i], c)
				all = append(all, c)
			}
		}
		columns = all
	}
	for _, c := range columns {
		k.move(c, operand.Mem{Base: dst})
		k.ADDQ(ldd, dst)
	}
	k.ADDQ(operand.Imm(16), lower)
	k.ADDQ(operand.Imm(16), upper)
	k.JMP(operand.LabelRef("block"))
	k.Label("done")
	k.VZEROUPPER()
	k.RET()
}
