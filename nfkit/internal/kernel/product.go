package kernel

import "unsafe"

const (
	scratchLen = 4096 // elements of the panel that mulScratch packs on its stack
	blockRows  = 256  // rows of the left factor that are taken through all panels together
	farApart   = 4096 // bytes from row to row from which on a panel is packed, as its rows fall on the same cache lines
)

// mulPacked stores leaky(init + a·b) in c (n×m), where leaky(z) is z for z ≥ 0 and slope·z below, a is n×k and b
// is packed; spans, if there are any, say which rows of b are not all 0 in each panel. Row i of init starts at init[i·ldi], so that
// ldi = 0 repeats a bias; a nil init is zero. c may be init, but must not overlap a and b.
func mulPacked[T Float](c, init []T, ldi int, a, b []T, spans []Span, n, k, m int, slope T) {
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
		dots(c, init, ldi, a, k, b, k, n, k, m, slope)
		return
	}
	w, first := panelWidth[T](), 0
	if n == 1 && k > 0 && len(spans) == 0 { // whole pairs of panels
		for in := init; first+2*w <= m; first += 2 * w {
			if bias {
				in = init[first:]
			}
			if !panelPair(c[first:], in, a, b[first*k:], k, slope) {
				break
			}
		}
	}
	for i := 0; i < n; i += blockRows { // the rows of a block stay in the cache from panel to panel
		rows := min(blockRows, n-i)
		for j := first; j < m; j += w {
			in := init
			if bias {
				in = init[i*ldi+j:]
			}
			s := Span{0, k}
			if len(spans) > 0 {
				s = spans[j/w]
			}
			panel(c[i*m+j:], m, in, ldi, a[i*k+s.Lo:], k, 1, b[j*k+s.Lo*w:], w, rows, s.Hi-s.Lo, min(w, m-j), slope)
		}
	}
}

// mulStrided adds a·b to c (n×m), or sets c to it. Element (i, p) of a is a[i·rsa+p·csa] and (p, j) of b is b[p·rsb+j·csb]. With
// spans, rows of c outside the span of their panel may be left as they are.
func mulStrided[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int, spans []Span, set bool) {
	if set && (m <= narrow || k == 0 || !readable(b, rsb, csb) || m%panelWidth[T]() != 0) {
		clear(c[:n*m])
		set = false
	}
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
	default:
		mulFew(c, a, rsa, csa, b, rsb, csb, n, k, m)
		return
	}
	done, depth := 0, 0 // columns of full panels, and rows of b whose neighbours can be read as well, so that the others are no copy
	if w := panelWidth[T](); readable(b, rsb, csb) {
		done = m / w * w
		var zeros [64]T
		for j := 0; j < done; j += w {
			s := Span{0, n}
			if len(spans) > 0 {
				s = spans[j/w]
			}
			to, init, ldi := c[s.Lo*m+j:], c[s.Lo*m+j:], m
			if set {
				init, ldi = zeros[:], 0
			}
			panel(to, m, init, ldi, a[s.Lo*rsa:], rsa, csa, b[j:], rsb, s.Hi-s.Lo, k, w, 1)
		}
	}
	if done == m {
		return
	}
	c, b = c[done:], b[done*csb:]
	if w := panelWidth[T](); readable(b, rsb, csb) && len(b) >= w {
		depth = min(k, (len(b)-w)/rsb+1)
		panel(c, m, c, m, a, rsa, csa, b, rsb, n, depth, m-done, 1)
	}
	if depth < k {
		mulScratch(c, m, a[depth*csa:], rsa, csa, b[depth*rsb:], rsb, csb, n, k-depth, m-done)
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
		dots(c, c, m, a[p:], rsa, scratch[:d*m], d, n, d, m, 1)
	}
}

// mulFew is mulStrided for few rows and columns: two of each at a time. A last one without a partner is its own.
func mulFew[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	for i := 0; i < n; i += 2 {
		row := min(1, n-1-i)
		for j := 0; j < m; j += 2 {
			col := min(1, m-1-j)
			c0, c1 := c[i*m+j:], c[(i+row)*m+j:]
			s00, s01, s10, s11 := c0[0], c0[col], c1[0], c1[col]
			at, bt := i*rsa, j*csb
			for range k {
				a0, a1, b0, b1 := a[at], a[at+row*rsa], b[bt], b[bt+col*csb]
				s00 += T(a0 * b0)
				s01 += T(a0 * b1)
				s10 += T(a1 * b0)
				s11 += T(a1 * b1)
				at += csa
				bt += rsb
			}
			c0[0], c0[col], c1[0], c1[col] = s00, s01, s10, s11
		}
	}
}

// mulTransposed is mulStrided for few columns and many rows: it computes cᵀ += bᵀ·aᵀ, panel by panel.
func mulTransposed[T Float](c, a []T, rsa, csa int, b []T, rsb, csb, n, k, m int) {
	if m == 1 { // a single column is a row as well
		mulStrided(c, b, csb, rsb, a, csa, rsa, 1, k, n, nil, false)
		return
	}
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
