package kernel

// dots stores leaky(init + a·b) in c (n×m). Rows of a are lda apart and k long, b holds its m columns, ldb apart. Rows are processed in
// blocks, each column pair of a block in one go.
func dots[T Float](c, init []T, ldi int, a []T, lda int, b []T, ldb, n, k, m int, slope T) {
	if k == 2 && ldb == 2 {
		addTwo(c, init, ldi, a, lda, b, n, m, slope)
		return
	}
	const block = 64
	var sums [2*block + 8]T // dotPairs fills up to three rows more
	for j := 0; j < m; j += 2 {
		b0, b1 := b[j*ldb:][:k], b[min(j+1, m-1)*ldb:][:k]
		for i := 0; i < n; i += block {
			rows := min(block, n-i)
			done := dotPairs(sums[:], a[i*lda:], lda, b0, b1, rows, k)
			if done < k {
				addRest(sums[:2*rows], a[i*lda:], lda, b0, b1, done)
			}
			to, from := c[i*m+j:], init[i*ldi+j:]
			switch {
			case j+1 == m:
				for r := range rows {
					to[r*m] = leaky(from[r*ldi]+sums[2*r], slope)
				}
			case slope == 1 && ldi == 0:
				addPairs(to, m, from[0], from[1], sums[:2*rows])
			default:
				for r := range rows {
					to[r*m] = leaky(from[r*ldi]+sums[2*r], slope)
					to[r*m+1] = leaky(from[r*ldi+1]+sums[2*r+1], slope)
				}
			}
		}
	}
}

// addPairs stores the pairs in sums, with x and y added, in places that are ldc apart.
func addPairs[T Float](c []T, ldc int, x, y T, sums []T) {
	for i := 0; i+1 < len(sums); i += 2 {
		to := c[:2]
		to[0], to[1] = x+sums[i], y+sums[i+1]
		c = c[min(ldc, len(c)):]
	}
}

// addTwo is dots for rows of two elements, which are not worth vectors.
func addTwo[T Float](c, init []T, ldi int, a []T, lda int, b []T, n, m int, slope T) {
	for j := 0; j < m; j += 2 {
		next := min(1, m-1-j) // 0 in a last column without a partner
		x0, y0, x1, y1 := b[2*j], b[2*j+1], b[2*(j+next)], b[2*(j+next)+1]
		at, to, from := 0, j, j
		for range n {
			u, v := a[at], a[at+1]
			s, t := init[from]+T(u*x0)+T(v*y0), init[from+next]+T(u*x1)+T(v*y1)
			if slope != 1 {
				s, t = leaky(s, slope), leaky(t, slope)
			}
			c[to] = s
			c[to+next] = t
			at, to, from = at+lda, to+m, from+ldi
		}
	}
}

// addRest adds to sums what dotPairs leaves out: the elements of the rows from done on.
func addRest[T Float](sums, a []T, lda int, b0, b1 []T, done int) {
	for r := range len(sums) / 2 {
		row := a[r*lda:]
		for p := done; p < len(b0); p++ {
			sums[2*r] += T(row[p] * b0[p])
			sums[2*r+1] += T(row[p] * b1[p])
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
