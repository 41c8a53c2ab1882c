package kernel

import "unsafe"

const (
	scratchLen = 4096 // elements of the panel that mulScratch packs on its stack
	blockRows  = 256  // rows of the left factor that are taken through all panels together
	farApart   = 4096 // bytes from row to row from which on a panel is packed, as its rows fall on the same cache lines
)

// mulPacked stores leaky(init + a·b) in c (n×m), where leaky(z) is z for z ≥ 0 and slope·z below, a is n×k and b
// is packed. Row i of init starts at init[i·ldi], so that ldi = 0 repeats a bias; a nil init is zero.
// c may be init, but must not overlap a and b.
func mulPacked[T Float](c, init []T, ldi int, a, b []T, n, k, m int, slope T) {
	if n == 0 || m == 0 {
		return
	}
	var zeros [64]T
	bias := init != nil
	if bias {
		init = init[:(n-1)*ldi+m]
	} else {
		init = zeros[:]
	}
	if m <= narrow {
		dots(c, init, ldi, a, k, b, n, k, m, slope)
		return
	}
	w := panelWidth[T]()
	for i := 0; i < n; i += blockRows { // the rows of a block stay in the cache from panel to panel
		rows := min(blockRows, n-i)
		for j := 0; j < m; j += w {
			in := init
			if bias {
				in = init[i*ldi+j:]
			}
			panel(c[i*m+j:], m, in, ldi, a[i*k:], k, 1, b[j*k:], w, rows, k, min(w, m-j), slope)
		}
	}
}

// mulStrided adds a·b to c (n×m). Element (i, p) of a is a[i·rsa+p·csa] and (p, j) of b is b[p·rsb+j·csb].
func mulStrided[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	switch {
	case n == 0 || k == 0 || m == 0:
		return
	case m > narrow:
	case csa == 1:
		mulDots(c, a, rsa, b, rsb, csb, n, k, m)
		return
	case n > narrow:
		mulTransposed(c, a, rsa, csa, b, rsb, csb, n, k, m)
		return
	}
	done := 0
	if readable(b, rsb, csb) {
		w := panelWidth[T]()
		done = m / w * w
		for j := 0; j < done; j += w {
			panel(c[j:], m, c[j:], m, a, rsa, csa, b[j:], rsb, n, k, w, 1)
		}
	}
	if done < m {
		mulScratch(c[done:], m, a, rsa, csa, b[done*csb:], rsb, csb, n, k, m-done)
	}
}

// readable reports whether full panels of a right factor with these strides are best read where they are.
func readable[T Float](b []T, rsb, csb int) bool {
	return csb == 1 && rsb*int(unsafe.Sizeof(T(0))) < farApart
}

// mulScratch is mulStrided with each panel packed before it is used. Rows of c are ldc apart.
func mulScratch[T Float](c []T, ldc int, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	var scratch [scratchLen]T
	w := panelWidth[T]()
	depth := scratchLen / w
	for i := 0; i < n; i += blockRows {
		for p := 0; p < k; p += depth {
			rows, d := min(blockRows, n-i), min(depth, k-p)
			for j := 0; j < m; j += w {
				cols, block := min(w, m-j), c[i*ldc+j:]
				packPanel(scratch[:], b[p*rsb+j*csb:], rsb, csb, d, cols)
				panel(block, ldc, block, ldc, a[i*rsa+p*csa:], rsa, csa, scratch[:], w, rows, d, cols, 1)
			}
		}
	}
}

// mulDots is mulStrided for few columns and rows of a that are contiguous.
func mulDots[T Float](c, a []T, rsa int, b []T, rsb, csb, n, k, m int) {
	var scratch [scratchLen]T
	depth := scratchLen / narrow
	for p := 0; p < k; p += depth {
		d := min(depth, k-p)
		pack(scratch[:d*m], b[p*rsb:], rsb, csb, d, m)
		dots(c, c, m, a[p:], rsa, scratch[:d*m], n, d, m, 1)
	}
}

// mulTransposed is mulStrided for few columns and many rows: it computes cᵀ += bᵀ·aᵀ, panel by panel.
func mulTransposed[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	var block [narrow * 32]T
	w := panelWidth[T]()
	for i := 0; i < n; i += w {
		cols := min(w, n-i)
		for r := range cols {
			for j := range m {
				block[j*w+r] = c[(i+r)*m+j]
			}
		}
		if cols == w && readable(a, csa, rsa) {
			panel(block[:], w, block[:], w, b, csb, rsb, a[i:], csa, m, k, cols, 1)
		} else {
			mulScratch(block[:], w, b, csb, rsb, a[i*rsa:], csa, rsa, m, k, cols)
		}
		for r := range cols {
			for j := range m {
				c[(i+r)*m+j] = block[j*w+r]
			}
		}
	}
}

// panelGo stores leaky(init + a·b) in the n×cols block c, cols ≤ panelWidth. Rows of c, init and b are ldc, ldi and
// ldb apart; element (i, p) of a is a[i·rsa+p·csa]. Each element starts from init and adds its products in the
// order of p. All panelWidth columns of b must be readable, whatever cols is.
func panelGo[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	if n == 0 {
		return
	}
	// Four rows and two columns at a time keep eight sums in registers.
	i := 0
	for ; i+4 <= n; i += 4 {
		a0, a1, a2, a3 := a[i*rsa:], a[(i+1)*rsa:], a[(i+2)*rsa:], a[(i+3)*rsa:]
		j := 0
		for ; j+2 <= cols; j += 2 {
			q := i*ldi + j
			s00, s01 := init[q], init[q+1]
			s10, s11 := init[q+ldi], init[q+ldi+1]
			s20, s21 := init[q+2*ldi], init[q+2*ldi+1]
			s30, s31 := init[q+3*ldi], init[q+3*ldi+1]
			for p := range k {
				b0, b1 := b[p*ldb+j], b[p*ldb+j+1]
				v0, v1, v2, v3 := a0[p*csa], a1[p*csa], a2[p*csa], a3[p*csa]
				s00 += v0 * b0
				s01 += v0 * b1
				s10 += v1 * b0
				s11 += v1 * b1
				s20 += v2 * b0
				s21 += v2 * b1
				s30 += v3 * b0
				s31 += v3 * b1
			}
			q = i*ldc + j
			c[q], c[q+1] = leaky(s00, slope), leaky(s01, slope)
			c[q+ldc], c[q+ldc+1] = leaky(s10, slope), leaky(s11, slope)
			c[q+2*ldc], c[q+2*ldc+1] = leaky(s20, slope), leaky(s21, slope)
			c[q+3*ldc], c[q+3*ldc+1] = leaky(s30, slope), leaky(s31, slope)
		}
		for r := i; r < i+4 && j < cols; r++ {
			panelElement(c, ldc, init, ldi, a, rsa, csa, b, ldb, r, j, k, slope)
		}
	}
	for ; i < n; i++ {
		for j := range cols {
			panelElement(c, ldc, init, ldi, a, rsa, csa, b, ldb, i, j, k, slope)
		}
	}
}

func panelElement[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, i, j, k int, slope T) {
	s := init[i*ldi+j]
	for p := range k {
		s += a[i*rsa+p*csa] * b[p*ldb+j]
	}
	c[i*ldc+j] = leaky(s, slope)
}

// dots stores leaky(init + a·b) in c (n×m). Rows of a are lda apart and k long, b holds its m columns one after the
// other. Rows are processed in blocks, each column pair of a block in one go.
func dots[T Float](c, init []T, ldi int, a []T, lda int, b []T, n, k, m int, slope T) {
	const block = 64
	var sums [2*block + 8]T // dotPairs fills up to three rows more
	for j := 0; j < m; j += 2 {
		b0, b1 := b[j*k:j*k+k], b[min(j+1, m-1)*k:][:k]
		for i := 0; i < n; i += block {
			rows := min(block, n-i)
			done := dotPairs(sums[:], a[i*lda:], lda, b0, b1, rows, k)
			for r := range rows {
				s := sums[2*r:][:2]
				for p, v := range a[(i+r)*lda+done : (i+r)*lda+k] {
					s[0] += T(v * b0[done+p])
					s[1] += T(v * b1[done+p])
				}
				from, to := init[(i+r)*ldi+j:], c[(i+r)*m+j:]
				to[0] = leaky(from[0]+s[0], slope)
				if j+1 < m {
					to[1] = leaky(from[1]+s[1], slope)
				}
			}
		}
	}
}

// dotPairsGo stores in sums, side by side, the products of each row of a with b0 and b1, over the first elements
// of the rows. It returns how many elements that are.
func dotPairsGo[T Float](sums, a []T, lda int, b0, b1 []T, rows, k int) int {
	for r := range rows {
		row := a[r*lda:][:k]
		x, y := b0[:len(row)], b1[:len(row)]
		var s0, s1 T
		for p, v := range row {
			s0 += T(v * x[p])
			s1 += T(v * y[p])
		}
		sums[2*r], sums[2*r+1] = s0, s1
	}
	return k
}

func leaky[T Float](z, slope T) T {
	if slope != 1 && z < 0 { // the first condition is foreseeable, the second is not
		return slope * z
	}
	return z
}
