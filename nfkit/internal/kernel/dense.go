package kernel

// Dense stores act(x·wᵀ + b) in y:
//
//	y[i·M+j] = act(Σ_p x[i·K+p]·w[j·K+p] + b[j])
//
// x is n×K, y is n×M, b has M elements or is nil (no bias). slope is read by ActLeakyReLU alone. y must not overlap the inputs.
// Cost 2nKM flops.
func Dense[T Float](y, x []T, w Weights[T], b []T, n int, act Activation, slope T) {
	y, x = y[:n*w.M], x[:n*w.K]
	if act != ActLeakyReLU {
		slope = 1
	}
	mulPacked(y, b, 0, x, w.forward(), w.Forward, n, w.K, w.M, slope)
	activate(y, act)
}

// Set says which gradients are to be set, whatever they were before, rather than added to.
type Set uint8

const (
	SetX Set = 1 << iota
	SetW
)

// DensePart is Dense for few outputs, of the first inputs alone: w are m rows of weights as they are, not packed, ldw apart, of which the first k
// elements count, as do those of the rows of x, which are ldx apart. y is n×m and must not overlap the inputs. Cost 2nkm flops.
func DensePart[T Float](y, x []T, ldx int, w []T, ldw int, b []T, n, k, m int, act Activation, slope T) {
	if n == 0 || m == 0 {
		return
	}
	y = y[:n*m]
	if act != ActLeakyReLU {
		slope = 1
	}
	if b != nil {
		dots(y, b[:m], 0, x, ldx, w, ldw, n, k, m, slope)
	} else {
		clear(y)
		dots(y, y, m, x, ldx, w, ldw, n, k, m, slope)
	}
	activate(y, act)
}

// DenseBackward takes gradients back through y = Dense(x): with dz = dy ⊙ act'(z),
//
//	dx += dz·w    dw += dzᵀ·x    db += column sums of dz
//
// dx is n×K, dw M×K as the weights themselves (not packed), db has M elements; each of them is skipped when nil.
// y is the result of Dense. dy is overwritten with dz. Where the weights stay 0, dw is undefined. Cost 2nKM flops each for dx and dw.
func DenseBackward[T Float](dx, dw, db, dy, y, x []T, w Weights[T], n int, act Activation, slope T, set Set) {
	m, k := w.M, w.K
	dy, y, x = dy[:n*m], y[:n*m], x[:n*k]
	if act == ActLeakyReLU && db != nil {
		leakyGradSums(db[:m], dy, y, slope)
	} else {
		activationGrad(dy, y, act, slope)
		if db != nil {
			addColumnSums(db[:m], dy)
		}
	}
	if dw != nil {
		mulStrided(dw[:m*k], dy, 1, m, x, k, 1, m, n, k, w.Backward, set&SetW != 0)
	}
	if dx != nil {
		dx = dx[:n*k]
		before, step := dx, k
		if set&SetX != 0 {
			before, step = nil, 0
		}
		mulPacked(dx, before, step, dy, w.backward(), w.Backward, n, m, k, 1)
	}
}

// leakyGradSums does LeakyGrad to dy, whose rows are as long as dst, and addColumnSums with the result.
func leakyGradSums[T Float](dst, dy, y []T, slope T) {
	m, j := len(dst), 0
	if len(dy) > 0 {
		j = leakyGradSumsAsm(dst, dy, y, slope)
	}
	for ; j < m; j++ {
		s := dst[j]
		for i := j; i < len(dy); i += m {
			if !(y[i] > 0) {
				dy[i] *= slope
			}
			s += dy[i]
		}
		dst[j] = s
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
	for ; j+1 < m; j += 2 {
		s, t := dst[j], dst[j+1]
		for i := j; i < len(a); i += m {
			s += a[i]
			t += a[i+1]
		}
		dst[j], dst[j+1] = s, t
	}
	if j < m {
		s := dst[j]
		for i := j; i < len(a); i += m {
			s += a[i]
		}
		dst[j] = s
	}
}
