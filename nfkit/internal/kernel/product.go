package kernel

// scratchLen is the number of elements of the panel that mulStrided packs on its stack.
const scratchLen = 4096

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
		dots(c, init, ldi, a, b, n, k, m, slope)
		return
	}
	w := panelWidth[T]()
	for j := 0; j < m; j += w {
		in := init
		if bias {
			in = init[j:]
		}
		panel(c[j:], m, in, ldi, a, k, 1, b[j*k:], w, n, k, min(w, m-j), slope)
	}
}

// mulStrided adds a·b to c (n×m). Element (i, p) of a is a[i·rsa+p·csa] and (p, j) of b is b[p·rsb+j·csb].
func mulStrided[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	if n == 0 || k == 0 || m == 0 {
		return
	}
	if m <= narrow {
		mulNarrow(c, a, rsa, csa, b, rsb, csb, n, k, m)
		return
	}
	w := panelWidth[T]()
	var scratch [scratchLen]T
	for j := 0; j < m; j += w {
		cols := min(w, m-j)
		if csb == 1 && cols == w && rsb <= 256 {
			panel(c[j:], m, c[j:], m, a, rsa, csa, b[j:], rsb, n, k, cols, 1)
			continue
		}
		depth := scratchLen / w
		for p := 0; p < k; p += depth {
			d := min(depth, k-p)
			packPanel(scratch[:], b[p*rsb+j*csb:], rsb, csb, d, cols)
			panel(c[j:], m, c[j:], m, a[p*csa:], rsa, csa, scratch[:], w, n, d, cols, 1)
		}
	}
}

// mulNarrow is mulStrided for at most narrow columns.
func mulNarrow[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	for i := range n {
		for j := range m {
			s := c[i*m+j]
			for p := range k {
				s += a[i*rsa+p*csa] * b[p*rsb+j*csb]
			}
			c[i*m+j] = s
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

// dots stores leaky(init + a·b) in c (n×m), where a is n×k and b holds its m columns one after the other.
func dots[T Float](c, init []T, ldi int, a, b []T, n, k, m int, slope T) {
	for i := range n {
		row := a[i*k : i*k+k]
		for j := range m {
			col := b[j*k : j*k+k]
			var s0, s1 T
			p := 0
			for ; p+2 <= len(row) && p+2 <= len(col); p += 2 {
				s0 += row[p] * col[p]
				s1 += row[p+1] * col[p+1]
			}
			if p < k {
				s0 += row[p] * col[p]
			}
			c[i*m+j] = leaky(init[i*ldi+j]+(s0+s1), slope)
		}
	}
}

func leaky[T Float](z, slope T) T {
	if z < 0 {
		return slope * z
	}
	return z
}
