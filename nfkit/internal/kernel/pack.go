package kernel

import "unsafe"

// narrow is the largest width that the products treat as a few columns rather than as panels.
const narrow = 8

// panelBytes is the width of a packed panel: two registers of AVX-512, eight of NEON.
const panelBytes = 128

// panelWidth returns the number of columns of a packed panel.
func panelWidth[T Float]() int { return panelBytes / int(unsafe.Sizeof(T(0))) }

// packedHalf returns the number of elements of a packed depth×width matrix.
func packedHalf[T Float](depth, width int) int {
	if width <= narrow {
		return depth * width
	}
	w := panelWidth[T]()
	return depth * ((width + w - 1) / w * w)
}

// Weights are the M×K weights of a dense layer in the order in which Dense and DenseBackward read them. They are read only, so workers
// can share them; they are packed anew after each change.
type Weights[T Float] struct {
	M, K   int
	Packed []T // by Pack

	// Where weights can be other than 0, of each panel, if not everywhere: the inputs of the forward product, the outputs of the backward
	// one.
	Forward, Backward []Span
}

// Span are the numbers from Lo to Hi (excluded).
type Span struct{ Lo, Hi int }

// PackedLen returns the number of elements of Packed for m×k weights.
func PackedLen[T Float](m, k int) int { return packedHalf[T](k, m) + packedHalf[T](m, k) }

// Pack stores the m×k weights data in Packed, which must have PackedLen(m, k) elements, once for each of Dense and DenseBackward. A rows
// that is not nil says which inputs each output sees, of m outputs: the weights of the others are 0, and stay so. Cost O(mk).
//
// The order is that of a product x·B with B either the transpose of the weights (forward) or the weights (backward): panels of panelWidth
// columns, in each of them row after row, the last panel filled up with zeros. A B of at most narrow columns is kept column after
// column instead.
func (w *Weights[T]) Pack(data []T, m, k int, rows []Span) {
	w.M, w.K = m, k
	data = data[:m*k]
	pack(w.forward(), data, 1, k, k, m)
	pack(w.backward(), data, k, 1, m, k)
	w.Forward, w.Backward = w.Forward[:0], w.Backward[:0]
	if rows == nil {
		return
	}
	width := panelWidth[T]()
	for i := 0; i < m; i += width {
		all := rows[i]
		for _, s := range rows[i:min(i+width, m)] {
			all = all.with(s)
		}
		w.Forward = append(w.Forward, all.some())
	}
	for j := 0; j < k; j += width {
		var all Span
		for i, s := range rows {
			if s.Lo < j+width && s.Hi > j {
				all = all.with(Span{i, i + 1})
			}
		}
		w.Backward = append(w.Backward, all.some())
	}
}

// with returns the least span that contains both.
func (s Span) with(o Span) Span {
	switch {
	case s.Lo == s.Hi:
		return o
	case o.Lo == o.Hi:
		return s
	}
	return Span{min(s.Lo, o.Lo), max(s.Hi, o.Hi)}
}

// some is s, or a span of one number where s has none.
func (s Span) some() Span {
	if s.Lo == s.Hi {
		return Span{0, 1}
	}
	return s
}

func (w Weights[T]) forward() []T  { return w.Packed[:packedHalf[T](w.K, w.M)] }
func (w Weights[T]) backward() []T { return w.Packed[packedHalf[T](w.K, w.M):PackedLen[T](w.M, w.K)] }

// pack stores the depth×width matrix b[p·rs+j·cs] in dst, in the order that Weights.Pack describes.
func pack[T Float](dst, b []T, rs, cs, depth, width int) {
	if width <= narrow {
		for j := range width {
			for p := range depth {
				dst[j*depth+p] = b[p*rs+j*cs]
			}
		}
		return
	}
	for w, j := panelWidth[T](), 0; j < width; j += w {
		packPanel(dst[j*depth:], b[j*cs:], rs, cs, depth, min(w, width-j))
	}
}

// packPanel stores cols columns of b in a panel of depth rows and fills the rest of its columns with zeros.
func packPanel[T Float](dst, b []T, rs, cs, depth, cols int) {
	if depth == 0 {
		return
	}
	w := panelWidth[T]()
	dst = dst[:depth*w]
	j := 0
	switch {
	case cs == 1 && cols == w:
		for p := range depth {
			from := b[p*rs:][:w]
			*(*[panelBytes]byte)(unsafe.Pointer(&dst[p*w])) = *(*[panelBytes]byte)(unsafe.Pointer(&from[0]))
		}
		return
	case cs == 1:
		for p := range depth {
			to := dst[p*w:][:w]
			copy(to, b[p*rs:][:cols])
			clear(to[cols:])
		}
		return
	case rs == 1:
		j = packTransposed(dst, b, cs, depth, cols)
	}
	for ; j < w; j++ {
		for p := range depth {
			var v T
			if j < cols {
				v = b[p*rs+j*cs]
			}
			dst[p*w+j] = v
		}
	}
}

// packTransposedGo stores the first columns of b, each contiguous and cs after the one before, in a panel, and returns how many these are.
// It takes four at a time, so that their elements are written together.
func packTransposedGo[T Float](dst, b []T, cs, depth, cols int) int {
	w, j := panelWidth[T](), 0
	for ; j+4 <= cols; j += 4 {
		b0, b1, b2, b3 := b[j*cs:][:depth], b[(j+1)*cs:][:depth], b[(j+2)*cs:][:depth], b[(j+3)*cs:][:depth]
		to := dst[j:]
		for p := range b0 {
			q := to[p*w:][:4]
			q[0], q[1], q[2], q[3] = b0[p], b1[p], b2[p], b3[p]
		}
	}
	return j
}
