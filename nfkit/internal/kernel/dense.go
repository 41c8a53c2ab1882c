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

// DensePart stores outputs lo to hi (excluded) of Dense in y, n×(hi−lo), with the bits that Dense gives them. rows are the weights as they are, not
// packed. With alone, the bits are those of a layer that has these outputs only. Where the span of a panel leaves out inputs, so does DensePart.
func DensePart[T Float](y, x []T, w Weights[T], rows, b []T, n, lo, hi int, alone bool, act Activation, slope T) {
	if n == 0 || lo == hi {
		return
	}
	k, m := w.K, hi-lo
	y = y[:n*m]
	if act != ActLeakyReLU {
		slope = 1
	}
	if w.M <= narrow || alone && m <= narrow {
		dots(y, b[lo:hi], 0, x, k, rows[lo*k:], k, n, k, m, slope)
	} else {
		panelPart(y, x, w, b, n, lo, hi, slope)
	}
	activate(y, act)
}

// panelPart computes outputs lo to hi from the halves of panels that have them.
func panelPart[T Float](y, x []T, w Weights[T], b []T, n, lo, hi int, slope T) {
	const most = 32 // rows at a time
	var block [most * 16]T
	width, packed := panelWidth[T](), w.forward()
	half, m, k := width/2, hi-lo, w.K
	for j := lo / half * half; j < hi; j += half {
		s, cols, at := Span{0, k}, min(half, w.M-j), j/width*width
		if len(w.Forward) > 0 {
			s = w.Forward[j/width]
		}
		from, to := max(lo, j), min(hi, j+cols)
		for i := 0; i < n; i += most {
			count := min(most, n-i)
			panelHalf(block[:], half, b[j:], x[i*k+s.Lo:], k, packed[at*k+s.Lo*width+j-at:], count, s.Hi-s.Lo, cols, slope)
			for r := range count {
				copy(y[(i+r)*m+from-lo:][:to-from], block[r*half+from-j:])
			}
		}
	}
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
	factor := [2]T{slope, 1}
	for ; j < m; j++ {
		s := dst[j]
		for i := j; i < len(dy); i += m {
			k := 0
			if y[i] > 0 { // which is not foreseeable, and no jump this way
				k = 1
			}
			dy[i] *= factor[k]
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
