package kernel

// The Go version of panel works on tiles of this size, whose factors it first copies side by side.
const (
	tileRows  = 4
	tileCols  = 16
	tileDepth = 128
)

// panelGo stores leaky(init + a·b) in the n×cols block c, cols ≤ panelWidth. Rows of c, init and b are ldc, ldi and
// ldb apart; element (i, p) of a is a[i·rsa+p·csa]. Each element starts from init and adds its products in the
// order of p. All panelWidth columns of b must be readable, whatever cols is.
func panelGo[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	var rows [tileRows][tileDepth]T
	var columns [tileCols][tileDepth]T
	for p := 0; p < k; p += tileDepth {
		depth, factor := min(tileDepth, k-p), T(1)
		if p+depth == k {
			factor = slope
		}
		for j0 := 0; j0 < cols; j0 += tileCols {
			width := min(tileCols, cols-j0)
			for j := range width {
				gather(columns[j][:depth], b[p*ldb+j0+j:], ldb)
			}
			for i := 0; i < n; i += tileRows {
				height := min(tileRows, n-i)
				for r := range height {
					gather(rows[r][:depth], a[(i+r)*rsa+p*csa:], csa)
				}
				for j := 0; j < width; j += 2 {
					next := min(j+1, width-1) // a last column without a partner is its own
					var s [2 * tileRows]T
					for r := range height {
						from := init[(i+r)*ldi+j0:]
						s[2*r], s[2*r+1] = from[j], from[next]
					}
					addDots(&s, &rows, columns[j][:depth], columns[next][:depth])
					for r := range height {
						to := c[(i+r)*ldc+j0:]
						to[j], to[next] = leaky(s[2*r], factor), leaky(s[2*r+1], factor)
					}
				}
			}
		}
		init, ldi = c, ldc
	}
}

// gather copies every stride-th element of src.
func gather[T Float](dst, src []T, stride int) {
	for i, q := 0, 0; i < len(dst); i, q = i+1, q+stride {
		dst[i] = src[q]
	}
}

// addDots adds to s[2r] and s[2r+1] the products of row r with either column, in order. The sums stay in registers.
func addDots[T Float](s *[2 * tileRows]T, rows *[tileRows][tileDepth]T, x, y []T) {
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	y = y[:len(x)]
	r0, r1, r2, r3 := rows[0][:len(x)], rows[1][:len(x)], rows[2][:len(x)], rows[3][:len(x)]
	for p, u := range x {
		v := y[p]
		a := r0[p]
		s0 += a * u
		s1 += a * v
		a = r1[p]
		s2 += a * u
		s3 += a * v
		a = r2[p]
		s4 += a * u
		s5 += a * v
		a = r3[p]
		s6 += a * u
		s7 += a * v
	}
	s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7] = s0, s1, s2, s3, s4, s5, s6, s7
}

// leaky is z for z ≥ 0 and slope·z below.
func leaky[T Float](z, slope T) T {
	if slope != 1 && z < 0 { // the first condition is foreseeable, the second is not
		return slope * z
	}
	return z
}
