package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// panels writes the micro-kernels of the matrix products, one for each element type and instruction set.
func panels(ctx *build.Context) {
	for _, bits := range []int{32, 64} {
		panel{emitter{ctx, bits, 32}, "AVX2", []int{6, 4, 2, 1}, 2, false}.function()
		panel{emitter{ctx, bits, 64}, "AVX512", []int{8, 4, 2, 1}, 2, false}.function()
	}
}

// panel is a micro-kernel one or two vectors wide. It walks down the rows in tiles whose sums stay in registers, the
// tallest tile as long as possible, then the shorter ones for the rows that remain.
type panel struct {
	emitter
	isa     string
	tiles   []int
	vectors int
	runs    bool // see runs.go
}

func (k panel) function() {
	var masks operand.Mem
	if k.wide == 32 {
		masks = k.maskTable()
	}
	k.head()

	c, init, a := k.load("c"), k.load("init"), k.load("a")
	n := k.load("n")
	rsa, csa, ldb := k.stride("rsa"), k.stride("csa"), k.stride("ldb")
	rsa3, rsa5, rsa7 := k.GP64(), k.GP64(), k.GP64()
	k.LEAQ(operand.Mem{Base: rsa, Index: rsa, Scale: 2}, rsa3)
	k.LEAQ(operand.Mem{Base: rsa3, Index: rsa, Scale: 2}, rsa5)
	if k.tiles[0] > 7 {
		k.LEAQ(operand.Mem{Base: rsa5, Index: rsa, Scale: 2}, rsa7)
	}
	if k.wide == 64 {
		k.setMasks()
	}
	for i, rows := range k.tiles {
		label, next := fmt.Sprintf("rows%d", rows), "done"
		if i+1 < len(k.tiles) {
			next = fmt.Sprintf("rows%d", k.tiles[i+1])
		}
		k.Label(label)
		if k.runs && rows == 6 { // two tiles of 4 rather than a low one
			k.CMPQ(n, operand.Imm(8))
			k.JEQ(operand.LabelRef(next))
		}
		k.CMPQ(n, operand.Imm(uint64(rows)))
		k.JL(operand.LabelRef(next))

		sums := make([][]reg.VecVirtual, rows)
		for r := range sums {
			sums[r] = k.vecs()
		}
		k.moveTile(label+"init", "ldi", init, masks, sums, false)

		k.Comment("Sum over the depth.")
		pa, pb, depth := k.GP64(), k.load("b"), k.load("k")
		k.MOVQ(a, pa)
		k.TESTQ(depth, depth)
		k.JZ(operand.LabelRef(label + "sum"))
		var runs reg.GPVirtual
		if k.runs {
			runs = k.load("runs")
			k.Label(label + "run")
			k.Load(k.Param("k"), depth)
		}
		k.Label(label + "depth")
		b := k.vecs()
		for j := range b {
			k.p("VMOVU", operand.Mem{Base: pb, Disp: j * k.wide}, b[j])
		}
		element := []operand.Mem{
			{Base: pa}, {Base: pa, Index: rsa, Scale: 1}, {Base: pa, Index: rsa, Scale: 2},
			{Base: pa, Index: rsa3, Scale: 1}, {Base: pa, Index: rsa, Scale: 4}, {Base: pa, Index: rsa5, Scale: 1},
			{Base: pa, Index: rsa3, Scale: 2}, {Base: pa, Index: rsa7, Scale: 1},
		}
		for r := range rows {
			v := k.vec()
			k.s("VBROADCAST", element[r], v)
			for j := range b {
				k.p("VFMADD231", v, b[j], sums[r][j])
			}
		}
		k.ADDQ(csa, pa)
		k.ADDQ(ldb, pb)
		k.DECQ(depth)
		k.JNZ(operand.LabelRef(label + "depth"))
		if k.runs {
			k.skip(pa, "skipA")
			k.skip(pb, "skipB")
			k.DECQ(runs)
			k.JNZ(operand.LabelRef(label + "run"))
		}

		k.Label(label + "sum")
		k.leaky(label, sums)
		k.moveTile(label+"store", "ldc", c, masks, sums, true)
		step := k.GP64()
		k.IMUL3Q(operand.Imm(uint64(rows)), rsa, step)
		k.ADDQ(step, a)
		k.SUBQ(operand.Imm(uint64(rows)), n)
		k.JMP(operand.LabelRef(label))
	}
	k.Label("done")
	k.VZEROUPPER()
	k.RET()
}

// head writes what stands before the body.
func (k panel) head() {
	name, signature := fmt.Sprintf("panel%d%s", k.bits, k.isa), "func(c *%[1]s, ldc int, init *%[1]s, ldi int, a *%[1]s, rsa, csa int, b *%[1]s, ldb, n, k, cols int, slope %[1]s)"
	doc := "%s is panel for 0 < cols ≤ %d; %[2]d columns of b are read."
	if k.runs {
		name, signature, doc = k.runsHead()
	}
	k.Function(name)
	k.Pragma("noescape")
	k.SignatureExpr(fmt.Sprintf(signature, k.elem()))
	k.Doc(fmt.Sprintf(doc, name, k.vectors*k.lanes()))
}

// leaky multiplies the negative sums by slope, unless that is 1.
func (k panel) leaky(label string, sums [][]reg.VecVirtual) {
	bits, one := k.GP64(), k.GP64()
	address, err := k.Param("slope").Resolve()
	if err != nil {
		panic(err)
	}
	if k.bits == 32 {
		k.MOVL(address.Addr, bits.As32())
		k.MOVL(operand.U32(math.Float32bits(1)), one.As32())
	} else {
		k.MOVQ(address.Addr, bits)
		k.MOVQ(operand.U64(math.Float64bits(1)), one)
	}
	k.CMPQ(bits, one)
	k.JEQ(operand.LabelRef(label + "linear"))
	k.scaleNegative(sums)
	k.Label(label + "linear")
}

// scaleNegative multiplies the negative sums by slope.
func (k panel) scaleNegative(sums [][]reg.VecVirtual) {
	slope := k.broadcast("slope")
	if k.wide == 64 {
		zero := k.zero()
		for _, row := range sums {
			for _, z := range row {
				k.p("VCMP", operand.Imm(less), zero, z, reg.K3)
				k.p("VMUL", slope, z, reg.K3, z)
			}
		}
		return
	}
	for _, row := range sums {
		for _, z := range row {
			scaled := k.vec()
			k.p("VMUL", slope, z, scaled)
			k.p("VBLENDV", z, scaled, z, z)
		}
	}
}

// moveTile loads the sums from the rows at p, which are as far apart as the parameter ld says, or stores them
// there. Only the columns in use are touched. p is left at the row after the last one.
func (k panel) moveTile(label, ld string, p reg.GPVirtual, table operand.Mem, sums [][]reg.VecVirtual, store bool) {
	step := k.stride(ld)
	rows := func(move func(from, to operand.Op, v int)) {
		for _, row := range sums {
			for v, sum := range row {
				address := operand.Mem{Base: p, Disp: v * k.wide}
				if store {
					move(sum, address, v)
				} else {
					move(address, sum, v)
				}
			}
			k.ADDQ(step, p)
		}
	}
	cols := k.load("cols")
	k.SUBQ(operand.Imm(uint64(k.vectors*k.lanes())), cols)
	k.JNE(operand.LabelRef(label + "part"))
	rows(func(from, to operand.Op, v int) { k.p("VMOVU", from, to) })
	k.JMP(operand.LabelRef(label + "end"))
	k.Label(label + "part")
	if k.wide == 64 {
		move := "VMOVU_Z"
		if store {
			move = "VMOVU"
		}
		rows(func(from, to operand.Op, v int) { k.p(move, from, []operand.Op{reg.K1, reg.K2}[v], to) })
	} else {
		k.NEGQ(cols)
		base := k.GP64()
		k.LEAQ(table, base)
		masks := k.vecs()
		for v := range masks {
			k.p("VMOVU", operand.Mem{Base: base, Index: cols, Scale: uint8(k.size()), Disp: v * k.wide}, masks[v])
		}
		rows(func(from, to operand.Op, v int) { k.p("VMASKMOV", from, masks[v], to) })
	}
	k.Label(label + "end")
}

// vecs returns new vector registers, as many as the kernel is wide.
func (k panel) vecs() []reg.VecVirtual {
	v := make([]reg.VecVirtual, k.vectors)
	for i := range v {
		v[i] = k.vec()
	}
	return v
}

// maskTable is as many vectors of ones as the kernel is wide, and then as many of zeros: what stands i elements after its start masks all but the
// last i columns.
func (k panel) maskTable() operand.Mem {
	name := "columns"
	if k.vectors == 1 {
		name = "narrow"
	}
	table := k.StaticGlobal(fmt.Sprintf("%s%d", name, k.bits))
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 2 * k.vectors * k.wide / 8 {
		v := operand.U64(0)
		if i < k.vectors*k.wide/8 {
			v = ^v
		}
		k.AppendDatum(v)
	}
	return table
}

// setMasks puts the columns in use of the first vector in K1 and those of the second in K2.
func (k panel) setMasks() {
	cols, mask := k.load("cols"), k.GP64()
	k.MOVQ(operand.I64(-1), mask)
	k.BZHIQ(cols, mask, mask)
	k.KMOVW(mask.As32(), reg.K1)
	k.SHRQ(operand.Imm(uint64(k.lanes())), mask)
	k.KMOVW(mask.As32(), reg.K2)
}
