package main

import "fmt"

// packsNEON writes the transposition of packed weights.
func packsNEON(k neon) {
	for _, k.bits = range []int{32, 64} {
		k.packTransposed()
	}
}

// packTransposed writes a function that takes 16 bytes of each row at a time, of as many rows as a pair of registers has elements.
func (k neon) packTransposed() {
	asm := fmt.Sprintf("packTransposed%d", k.bits)
	k.function(asm, fmt.Sprintf("func(dst *%[1]s, ldd int, src *%[1]s, lds, n int)", k.elem()),
		fmt.Sprintf("%s stores element p of row r of src in dst[p·ldd+r], for %d rows lds apart and p < n, a multiple of %d.", asm, 2*k.lanes(), k.lanes()), func() {
			dst, n, ldd, lds := k.load("dst"), k.load("n"), k.stride("ldd"), k.stride("lds")
			rows := []*register{k.load("src")}
			for len(rows) < 2*k.lanes() {
				p := k.general()
				k.emit("ADD %v, %v, %v", lds, rows[len(rows)-1], p)
				rows = append(rows, p)
			}
			k.label("block")
			k.emit("SUBS $%d, %v", k.lanes(), n)
			k.branch("BLT", "done")
			var v []*register
			for _, p := range rows {
				x := k.vector()
				k.emit("FMOVQ.P 16(%v), %v", p, scalar{x})
				v = append(v, x)
			}
			upper, lower := k.transpose(v[:k.lanes()]), k.transpose(v[k.lanes():])
			for c := range upper {
				k.emit("FSTPQ (%v, %v), (%v)", scalar{upper[c]}, scalar{lower[c]}, dst)
				k.emit("ADD %v, %v", ldd, dst)
			}
			k.branch("JMP", "block")
			k.label("done")
		})
}

// transpose returns the columns of a square of rows.
func (k neon) transpose(rows []*register) (columns []*register) {
	pairs := func(t string, a, b *register) (even, odd *register) { // neighbours from a and b
		even, odd = k.vector(), k.vector()
		k.emit(fmt.Sprintf("VTRN1 %%v.%[1]s, %%v.%[1]s, %%v.%[1]s", t), b, a, even)
		k.emit(fmt.Sprintf("VTRN2 %%v.%[1]s, %%v.%[1]s, %%v.%[1]s", t), b, a, odd)
		return even, odd
	}
	if len(rows) == 2 {
		left, right := pairs("D2", rows[0], rows[1])
		return []*register{left, right}
	}
	even01, odd01 := pairs("S4", rows[0], rows[1]) // columns 0 and 2 of two rows, 1 and 3
	even23, odd23 := pairs("S4", rows[2], rows[3])
	first, third := pairs("D2", even01, even23)
	second, fourth := pairs("D2", odd01, odd23)
	return []*register{first, second, third, fourth}
}
