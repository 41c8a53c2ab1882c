package main

import "fmt"

// packsNEON writes the transposition of packed weights: four rows, and as much of them at a time as a register holds.
func packsNEON(k neon) {
	for _, k.bits = range []int{32, 64} {
		k.packTransposed()
	}
}

func (k neon) packTransposed() {
	asm := fmt.Sprintf("packTransposed%dNEON", k.bits)
	k.function(asm, fmt.Sprintf("func(dst *%[1]s, ldd int, src *%[1]s, lds, n int)", k.elem()),
		fmt.Sprintf("%s stores element p of row r of src in dst[p·ldd+r], for 4 rows lds apart and p < n, a multiple of %d.", asm, k.lanes()), func() {
			dst, n, ldd, lds := k.load("dst"), k.load("n"), k.stride("ldd"), k.stride("lds")
			rows := []*register{k.load("src")}
			for range 3 {
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
			transpose := func(t string, a, b *register) (even, odd *register) {
				even, odd = k.vector(), k.vector()
				k.emit(fmt.Sprintf("VTRN1 %%v.%[1]s, %%v.%[1]s, %%v.%[1]s", t), b, a, even)
				k.emit(fmt.Sprintf("VTRN2 %%v.%[1]s, %%v.%[1]s, %%v.%[1]s", t), b, a, odd)
				return even, odd
			}
			if k.bits == 32 {
				even, odd := transpose("S4", v[0], v[1]) // columns 0 and 2 of the first two rows, 1 and 3
				lower, upper := transpose("S4", v[2], v[3])
				v[0], v[2] = transpose("D2", even, lower)
				v[1], v[3] = transpose("D2", odd, upper)
				for _, column := range v {
					k.emit("FMOVQ %v, (%v)", scalar{column}, dst)
					k.emit("ADD %v, %v", ldd, dst)
				}
			} else {
				left0, left1 := transpose("D2", v[0], v[1])
				right0, right1 := transpose("D2", v[2], v[3])
				for _, column := range []pair{{left0, right0}, {left1, right1}} {
					k.emit("FSTPQ (%v, %v), (%v)", scalar{column[0]}, scalar{column[1]}, dst)
					k.emit("ADD %v, %v", ldd, dst)
				}
			}
			k.branch("JMP", "block")
			k.label("done")
		})
}
