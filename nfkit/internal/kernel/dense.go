package kernel

// Dense stores act(x·wᵀ + b) in y:
//
//	y[i·m+j] = act(Σ_p x[i·k+p]·w[j·k+p] + b[j])
//
// x is n×k, y is n×m, b has m elements or is nil (no bias), packed is what PackDense made of the m×k weights.
// slope is read by ActLeakyReLU alone. y must not overlap the inputs. Cost 2nkm flops.
func Dense[T Float](y, x, packed, b []T, n, k, m int, act Activation, slope T) {
	y, x, packed = y[:n*m], x[:n*k], packed[:PackedLen[T](m, k)]
	if act != ActLeakyReLU {
		slope = 1
	}
	mulPacked(y, b, 0, x, packed[:packedHalf[T](k, m)], n, k, m, slope)
	activate(y, act)
}

// DenseBackward takes gradients back through y = Dense(x): with dz = dy ⊙ act'(z),
//
//	dx += dz·w    dw += dzᵀ·x    db += column sums of dz
//
// dx is n×k, dw m×k as the weights themselves (not packed), db has m elements; each of them is skipped when nil.
// With set, dx = dz·w instead, whatever it was before. y is the result of Dense, packed its weights. dy is overwritten with dz. Cost 2nkm flops each for dx and dw.
func DenseBackward[T Float](dx, dw, db, dy, y, x, packed []T, n, k, m int, act Activation, slope T, set bool) {
	dy, y, x, packed = dy[:n*m], y[:n*m], x[:n*k], packed[:PackedLen[T](m, k)]
	activationGrad(dy, y, act, slope)
	if db != nil {
		addColumnSums(db[:m], dy)
	}
	if dw != nil {
		mulStrided(dw[:m*k], dy, 1, m, x, k, 1, m, n, k)
	}
	if dx != nil {
		dx = dx[:n*k]
		before, step := dx, k
		if set {
			before, step = nil, 0
		}
		mulPacked(dx, before, step, dy, packed[packedHalf[T](k, m):], n, m, k, 1)
	}
}

// addColumnSums adds to dst the sums over the rows of a, whose rows are as long as dst, in the order of the rows.
func addColumnSums[T Float](dst, a []T) {
	m := len(dst)
	if m == 0 || len(a) == 0 {
		return
	}
	one, j := [1]T{1}, 0
	for w := panelWidth[T](); j+w <= m; j += w {
		panel(dst[j:], m, dst[j:], m, one[:], 0, 0, a[j:], m, 1, len(a)/m, w, 1)
	}
	for ; j < m; j++ {
		s := dst[j]
		for i := j; i < len(a); i += m {
			s += a[i]
		}
		dst[j] = s
	}
}
