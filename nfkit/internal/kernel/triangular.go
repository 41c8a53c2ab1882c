package kernel

// Triangle is the part of a d×d matrix S below its diagonal, or above it, in the order in which products with rows of points read it. It is
// read only, so workers can share it.
type Triangle[T Float] struct {
	D      int
	Upper  bool // above the diagonal
	Packed []T  // by Pack
}

// TriangleLen returns the number of elements of Packed for a d×d matrix.
func TriangleLen[T Float](d int) int {
	w := panelWidth[T]()
	return 2 * d * ((d + w - 1) / w * w)
}

// StrictRow returns row i of the triangle of a d×d matrix, without the diagonal, and its first column. data has the triangle alone, row by
// row, or all d² elements.
func StrictRow[T Float](data []T, d, i int, upper bool) (first int, row []T) {
	switch full := len(data) == d*d && d > 0; {
	case full && upper:
		return i + 1, data[i*d+i+1:][:d-1-i]
	case full:
		return 0, data[i*d:][:i]
	case upper:
		return i + 1, data[i*(2*d-i-1)/2:][:d-1-i]
	}
	return 0, data[i*(i-1)/2:][:i]
}

// Pack stores a triangle, which data has as StrictRow describes, in Packed, which must have TriangleLen(d) elements: first the panels of Sᵀ,
// for products with S, then those of S, for products with Sᵀ. Panels have the order that Weights.Pack describes, whatever d is. Cost O(d²).
func (t *Triangle[T]) Pack(data []T, d int, upper bool) {
	t.D, t.Upper = d, upper
	clear(t.Packed)
	w := panelWidth[T]()
	columns, rows := t.panels(false), t.panels(true)
	for i := range d {
		first, row := StrictRow(data, d, i, upper)
		if len(row) == 0 {
			continue
		}
		to := columns[i/w*w*d+first*w+i%w:]
		for j, v := range row {
			to[j*w] = v
		}
		for j := 0; j < len(row); {
			at := first + j
			j += copy(rows[at/w*w*d+i*w+at%w:][:w-at%w], row[j:])
		}
	}
}

func (t Triangle[T]) panels(transposed bool) []T {
	half := TriangleLen[T](t.D) / 2
	if transposed {
		return t.Packed[half : 2*half]
	}
	return t.Packed[:half]
}

// known returns the columns lo to hi of a point, of those other than from to to themselves, that these columns of S·x, or Sᵀ·x, depend on.
func (t Triangle[T]) known(from, to int, transposed bool) (lo, hi int) {
	if t.Upper != transposed {
		return to, t.D
	}
	return 0, from
}

// MulAdd adds S·x to y, or Sᵀ·x, for each of n rows x. y must not overlap x. Cost nd² flops.
func (t Triangle[T]) MulAdd(y, x []T, n int, transposed bool) {
	d, w, b := t.D, panelWidth[T](), t.panels(transposed)
	y, x = y[:n*d], x[:n*d]
	for i := 0; i < n; i += blockRows {
		rows := min(blockRows, n-i)
		for j := 0; j < d; j += w {
			cols := min(w, d-j)
			lo, hi := t.known(j, j+cols, transposed)
			lo, hi = min(lo, j), max(hi, j+cols) // and the part of the diagonal's block
			c := y[i*d+j:]
			panel(c, d, c, d, x[i*d+lo:], d, 1, b[j*d+lo*w:], w, rows, hi-lo, cols, 1)
		}
	}
}

// Solve replaces each of n rows x of y by the solution of (S+diag)·y = x, or (S+diag)ᵀ·y = x; a nil diag is 1. Cost nd² flops.
//
// A block of columns after the other is solved for: what those before it contribute is a product, the rest substitution.
func (t Triangle[T]) Solve(y, diag []T, n int, transposed bool) {
	d, w, b := t.D, panelWidth[T](), t.panels(transposed)
	y = y[:n*d]
	back := t.Upper != transposed
	Scale(y, -1, y) // what a column lacks is kept with this sign, so that products are added to it
	for i := 0; i < n; i += blockRows {
		rows := min(blockRows, n-i)
		for k := 0; k < d; k += w {
			j := k
			if back {
				j = (d-1)/w*w - k
			}
			cols := min(w, d-j)
			c := y[i*d+j:]
			if lo, hi := t.known(j, j+cols, transposed); lo < hi {
				panel(c, d, c, d, y[i*d+lo:], d, 1, b[j*d+lo*w:], w, rows, hi-lo, cols, 1)
			}
			for r := range rows {
				substitute(c[r*d:][:cols], diag, j, b[j*d+j*w:], w, back)
			}
		}
	}
}

// substitute solves for the columns of a row from number j on, of which row is what they lack, with the opposite sign. b has the block of the
// diagonal.
func substitute[T Float](row, diag []T, j int, b []T, w int, back bool) {
	for p := range row {
		k := p
		if back {
			k = len(row) - 1 - p
		}
		v := -row[k]
		if diag != nil {
			v /= diag[j+k]
		}
		row[k] = v
		if back {
			Axpy(row[:k], v, b[k*w:][:k])
		} else {
			Axpy(row[k+1:], v, b[k*w+k+1:][:len(row)-k-1])
		}
	}
}

// triangleRows is the number of rows of a product that AddTriangle makes at a time: the largest number whose tiles are whole in every
// implementation, and few enough for a cache.
const triangleRows = 48

// TriangleScratch returns the number of elements that AddTriangle needs to work.
func TriangleScratch(d int) int { return triangleRows * d }

// AddTriangle adds sign times the triangle of aᵀ·b, for a and b n×d, to ds, which has the form that StrictRow describes. Cost nd² flops.
func AddTriangle[T Float](ds, a, b []T, n, d int, upper bool, sign T, scratch []T) {
	if n == 0 {
		return
	}
	w := panelWidth[T]()
	for i := 0; i < d; i += triangleRows {
		rows := min(triangleRows, d-i)
		lo, hi := 0, min((i+rows+w-1)/w*w, d) // whole panels
		if upper {
			lo, hi = i/w*w, d
		}
		m := hi - lo
		mulStrided(scratch[:rows*m], a[i:], 1, d, b[lo:], d, 1, rows, n, m, nil, true)
		for r := range rows {
			first, row := StrictRow(ds, d, i+r, upper)
			Axpy(row, sign, scratch[r*m+first-lo:][:len(row)])
		}
	}
}
