package kernel

import "unsafe"

// narrow is the largest width that the products treat as a few columns rather than as panels.
const narrow = 8

// panelBytes is the width of a packed panel: two registers of AVX-512.
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

// PackedLen returns the number of elements that PackDense writes for m×k weights.
func PackedLen[T Float](m, k int) int { return packedHalf[T](k, m) + packedHalf[T](m, k) }

// PackDense stores the m×k weights w in dst in the order in which Dense and DenseBackward read them, once for
// each of the two. dst has PackedLen(m, k) elements. A packed layer is read only, so workers can share it; pack
// anew after each change of the weights. Cost O(mk).
//
// The order is that of a product x·B with B either wᵀ (forward) or w (backward): panels of panelWidth columns,
// in each of them row after row, the last panel filled up with zeros. A B of at most narrow columns is kept
// column after column instead.
func PackDense[T Float](dst, w []T, m, k int) {
	dst, w = dst[:PackedLen[T](m, k)], w[:m*k]
	half := packedHalf[T](k, m)
	pack(dst[:half], w, 1, k, k, m)
	pack(dst[half:], w, k, 1, m, k)
}

// pack stores the depth×width matrix b[p·rs+j·cs] in dst, in the order that PackDense describes.
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
			copy(dst[p*w:p*w+cols], b[p*rs:p*rs+cols])
		}
		j = cols
	case rs == 1: // transposed: four columns at a time, so that their elements are written together
		for ; j+4 <= cols; j += 4 {
			b0, b1, b2, b3 := b[j*cs:][:depth], b[(j+1)*cs:][:depth], b[(j+2)*cs:][:depth], b[(j+3)*cs:][:depth]
			to := dst[j:]
			for p := range b0 {
				q := to[p*w:][:4]
				q[0], q[1], q[2], q[3] = b0[p], b1[p], b2[p], b3[p]
			}
		}
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
