package main

import "fmt"

// dotsNEON writes the kernels of products with few columns as dots does: two columns for four rows at a time, eight sums, each a pair of
// vectors of partial sums.
func dotsNEON(k neon) {
	for _, k.bits = range []int{32, 64} {
		k.dotPairs()
	}
}

func (k neon) dotPairs() {
	asm := fmt.Sprintf("dotPairs%d", k.bits)
	k.function(asm, fmt.Sprintf("func(sums, a, b0, b1 *%s, rows, k, lda int)", k.elem()),
		fmt.Sprintf("%s stores the products of each row of a with b0 and b1, side by side. rows is a multiple\n"+
			"// of 4. Row r of a starts at a[r·lda]; the k mod %d last elements of the rows are left out.", asm, 2*k.lanes()), func() {
			dst, a, n := k.load("sums"), k.load("a"), k.load("rows")
			b0, b1, row, length := k.load("b0"), k.load("b1"), k.stride("lda"), k.stride("k")
			k.label("rows")
			k.emit("SUBS $4, %v", n)
			k.branch("BLT", "done")
			pointer := func(from *register) *register {
				p := k.general()
				k.emit("MOVD %v, %v", from, p)
				return p
			}
			var rows [4]*register
			var sums [4][2]pair
			for r := range rows {
				rows[r] = pointer(a)
				k.emit("ADD %v, %v", row, a)
				sums[r] = [2]pair{{k.zero(), k.zero()}, {k.zero(), k.zero()}}
			}
			p0, p1, rest := pointer(b0), pointer(b1), pointer(length)
			k.label("depth")
			k.emit("SUBS $32, %v", rest)
			k.branch("BLT", "sum")
			v := [2]pair{k.loadPair(p0), k.loadPair(p1)}
			for r, p := range rows {
				x := k.loadPair(p)
				for half := range x {
					for c := range v {
						k.multiplyAdd(sums[r][c][half], v[c][half], x[half])
					}
				}
			}
			k.branch("JMP", "depth")

			// Horizontal sums: the two vectors of a pair first, then neighbours, until a row has two numbers left.
			k.label("sum")
			var h []*register
			for r := range sums {
				for _, s := range sums[r] {
					h = append(h, k.op("FADD", s[0], s[0], s[1]))
				}
			}
			for len(h)*k.lanes() > 8 {
				for i := 0; i < len(h); i += 2 {
					h[i/2] = k.op("FADDP", h[i], h[i], h[i+1])
				}
				h = h[:len(h)/2]
			}
			for i := 0; i < len(h); i += 2 {
				k.storePair(pair(h[i:i+2]), dst)
			}
			k.branch("JMP", "rows")
			k.label("done")
		})
}
