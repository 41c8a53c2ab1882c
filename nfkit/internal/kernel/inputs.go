package kernel

// DenseInputs stores the share that inputs lo to hi (excluded) of a dense layer have in its outputs, on top of init:
//
//	y[i·M+j] = act(init[i·ldi+j] + Σ_p x[i·ldx+p−lo]·w[j·K+p]),  p = lo … hi−1
//
// Rows of x, n of them, may overlap: they are ldx apart. A nil init is zero, and ldi = 0 repeats a bias; y may be init. slope is read by ActLeakyReLU
// alone. The shares of all inputs one after the other give the bits of Dense. w must not be Few. Cost 2n(hi−lo)M flops.
func DenseInputs[T Float](y, init []T, ldi int, x []T, ldx int, w Weights[T], lo, hi, n int, act Activation, slope T) {
	if n == 0 {
		return
	}
	if act != ActLeakyReLU {
		slope = 1
	}
	var zeros [64]T
	bias := init != nil
	if !bias {
		init, ldi = zeros[:], 0
	}
	m, packed, width := w.M, w.forward(), panelWidth[T]()
	for j := 0; j < m; j += width {
		in := init
		if bias {
			in = init[j:]
		}
		panel(y[j:], m, in, ldi, x, ldx, 1, packed[j*w.K+lo*width:], width, n, hi-lo, min(width, m-j), slope)
	}
	activate(y[:n*m], act)
}

// Few reports whether there are so few outputs that DenseInputs is not for them.
func (w Weights[T]) Few() bool { return w.M <= narrow }
