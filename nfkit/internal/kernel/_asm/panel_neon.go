package main

import (
	"fmt"
	"math"
	"math/bits"
)

// panelsNEON writes the micro-kernels of the matrix products, one for each element type.
func panelsNEON(k neon) {
	for _, k.bits = range []int{32, 64} {
		panelNEON{k}.function()
	}
}

// panelNEON is a micro-kernel four vectors wide, half a panel. It walks down the rows in tiles as panel does.
type panelNEON struct{ neon }

// tileNEON are the sums of a tile: rows of four vectors.
type tileNEON [][4]*register

func (k panelNEON) function() {
	asm := fmt.Sprintf("panel%d", k.bits)
	signature := fmt.Sprintf("func(c *%[1]s, ldc int, init *%[1]s, ldi int, a *%[1]s, rsa, csa int, b *%[1]s, ldb, n, k, cols int, slope %[1]s)", k.elem())
	k.neon.function(asm, signature, fmt.Sprintf("%s is panel for 0 < cols ≤ %d; %[2]d columns of b are read.", asm, 4*k.lanes()), k.body)
}

func (k panelNEON) body() {
	c, init, a := k.load("c"), k.load("init"), k.load("a")
	ldc, ldi, rsa, csa, ldb := k.stride("ldc"), k.stride("ldi"), k.stride("rsa"), k.stride("csa"), k.stride("ldb")
	n, cols := k.load("n"), k.load("cols")
	rows := []*register{nil, rsa} // distances of the rows of a from the first
	for len(rows) < 6 {
		r := k.general()
		k.emit("ADD %v, %v, %v", rsa, rows[len(rows)-1], r)
		rows = append(rows, r)
	}
	tiles := []int{6, 4, 2, 1}
	for i, height := range tiles {
		label, next := fmt.Sprintf("rows%d", height), "done"
		if i+1 < len(tiles) {
			next = fmt.Sprintf("rows%d", tiles[i+1])
		}
		k.label(label)
		k.emit("CMP $%d, %v", height, n)
		k.branch("BLT", next)
		sums := make(tileNEON, height)
		for r := range sums {
			sums[r] = [4]*register{k.vector(), k.vector(), k.vector(), k.vector()}
		}
		k.moveTile(label+"init", cols, init, ldi, sums, false)

		pa, pb, depth := k.general(), k.load("b"), k.load("k")
		k.emit("MOVD %v, %v", a, pa)
		k.branch("CBZ", label+"sum", depth)
		k.label(label + "depth")
		var b [4]*register
		for j := range b {
			b[j] = k.vector()
		}
		k.emit("FLDPQ (%v), (%v, %v)", pb, scalar{b[0]}, scalar{b[1]})
		k.emit("FLDPQ 32(%v), (%v, %v)", pb, scalar{b[2]}, scalar{b[3]})
		k.emit("ADD %v, %v", ldb, pb)
		for r, row := range sums {
			x := k.vector()
			if r == 0 {
				k.emit(k.scalarMove()+" (%v), %v", pa, scalar{x})
			} else {
				k.emit(k.scalarMove()+" (%v)(%v), %v", pa, rows[r], scalar{x})
			}
			for j, sum := range row {
				k.op("FMLA0", sum, b[j], x)
			}
		}
		k.emit("ADD %v, %v", csa, pa)
		k.emit("SUBS $1, %v", depth)
		k.branch("BNE", label+"depth")

		k.label(label + "sum")
		k.leaky(label, sums)
		k.moveTile(label+"store", cols, c, ldc, sums, true)
		for range height {
			k.emit("ADD %v, %v", rsa, a)
		}
		k.emit("SUB $%d, %v", height, n)
		k.branch("JMP", label)
	}
	k.label("done")
}

// leaky multiplies the negative sums by slope, unless that is 1.
func (k panelNEON) leaky(label string, sums tileNEON) {
	slopeBits, one := k.general(), k.general()
	if k.bits == 32 {
		k.emit("MOVWU "+k.param("slope")+", %v", slopeBits)
		k.emit("MOVD $%#x, %v", math.Float32bits(1), one)
	} else {
		k.emit("MOVD "+k.param("slope")+", %v", slopeBits)
		k.emit("MOVD $%#x, %v", math.Float64bits(1), one)
	}
	k.emit("CMP %v, %v", slopeBits, one)
	k.branch("BEQ", label+"linear")
	slope := k.broadcast("slope")
	for _, row := range sums {
		for _, z := range row {
			scaled := k.op("FMUL", k.vector(), z, slope)
			negative := k.op("FCMLT0", k.vector(), z)
			k.emit("VBIT %v.B16, %v.B16, %v.B16", negative, scaled, z)
		}
	}
	k.label(label + "linear")
}

// moveTile loads the sums from the rows at p, which are ld apart, or stores them there. Only the columns in use are touched. p is left at
// the row after the last one.
func (k panelNEON) moveTile(label string, cols, p, ld *register, sums tileNEON, store bool) {
	k.emit("CMP $%d, %v", 4*k.lanes(), cols)
	k.branch("BNE", label+"part")
	for _, row := range sums {
		if store {
			k.emit("FSTPQ (%v, %v), (%v)", scalar{row[0]}, scalar{row[1]}, p)
			k.emit("FSTPQ (%v, %v), 32(%v)", scalar{row[2]}, scalar{row[3]}, p)
		} else {
			k.emit("FLDPQ (%v), (%v, %v)", p, scalar{row[0]}, scalar{row[1]})
			k.emit("FLDPQ 32(%v), (%v, %v)", p, scalar{row[2]}, scalar{row[3]})
		}
		k.emit("ADD %v, %v", ld, p)
	}
	k.branch("JMP", label+"end")
	k.label(label + "part")
	for r, row := range sums {
		q := k.general()
		k.emit("MOVD %v, %v", p, q)
		if store {
			k.storePart(fmt.Sprintf("%s%d", label, r), cols, q, row)
		} else {
			k.loadPart(fmt.Sprintf("%s%d", label, r), cols, q, row)
		}
		k.emit("ADD %v, %v", ld, p)
	}
	k.label(label + "end")
}

// storePart stores the first columns of a row at q: for each bit of their number, from the highest, as many as it stands for, after which
// the rest moves to the front.
func (k panelNEON) storePart(label string, cols, q *register, v [4]*register) {
	for bytes := 32; bytes >= k.size(); bytes /= 2 {
		k.ifBit(label, cols, bytes, func() {
			switch {
			case bytes == k.size():
				k.emit(k.scalarMove()+" %v, (%v)", scalar{v[0]}, q)
			case bytes == 32:
				k.storePair(pair{v[0], v[1]}, q)
				k.emit("VMOV %v.B16, %v.B16", v[2], v[0])
				k.emit("VMOV %v.B16, %v.B16", v[3], v[1])
			case bytes == 16:
				k.emit("FMOVQ.P %v, 16(%v)", scalar{v[0]}, q)
				k.emit("VMOV %v.B16, %v.B16", v[1], v[0])
			case bytes == 8:
				k.emit("FMOVD.P %v, 8(%v)", scalar{v[0]}, q)
				k.emit("VMOV %v.D[1], %v.D[0]", v[0], v[0])
			}
		})
	}
}

// loadPart loads a row as storePart stores it, from the last column to the first.
func (k panelNEON) loadPart(label string, cols, q *register, v [4]*register) {
	k.emit("ADD %v<<%d, %v", cols, map[int]int{32: 2, 64: 3}[k.bits], q)
	for _, r := range v {
		k.emit("VMOVI $0, %v.B16", r)
	}
	for bytes := k.size(); bytes <= 32; bytes *= 2 {
		k.ifBit(label, cols, bytes, func() {
			k.emit("SUB $%d, %v", bytes, q)
			switch {
			case bytes == k.size():
				k.emit(k.scalarMove()+" (%v), %v", q, scalar{v[0]})
			case bytes == 8:
				k.emit("VMOV %v.D[0], %v.D[1]", v[0], v[0])
				k.emit("VLD1 (%v), %v.D[0]", q, v[0])
			case bytes == 16:
				k.emit("VMOV %v.B16, %v.B16", v[0], v[1])
				k.emit("FMOVQ (%v), %v", q, scalar{v[0]})
			case bytes == 32:
				k.emit("VMOV %v.B16, %v.B16", v[0], v[2])
				k.emit("VMOV %v.B16, %v.B16", v[1], v[3])
				k.emit("FLDPQ (%v), (%v, %v)", q, scalar{v[0]}, scalar{v[1]})
			}
		})
	}
}

// ifBit writes move under the condition that the number of columns has the bit that stands for so many bytes.
func (k panelNEON) ifBit(label string, cols *register, bytes int, move func()) {
	skip := fmt.Sprintf("%sbytes%d", label, bytes)
	k.branch(fmt.Sprintf("TBZ $%d,", bits.TrailingZeros(uint(bytes/k.size()))), skip, cols)
	move()
	k.label(skip)
}
