package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// product is one of the three forms of the matrix product, with the position of element (i, p) of the left factor
// and (p, j) of the right one. The sum runs over depth elements.
type product[T Float] struct {
	name        string
	run         func(c, a, b []T, rows, depth, cols int)
	left, right func(i, p, rows, depth int) int
}

func products[T Float]() []product[T] {
	rowMajor := func(i, p, rows, depth int) int { return i*depth + p }
	transposed := func(i, p, rows, depth int) int { return p*rows + i }
	return []product[T]{
		{"MulAdd", func(c, a, b []T, n, k, m int) { MulAdd(c, a, b, n, k, m) }, rowMajor, rowMajor},
		{"MulTAdd", func(c, a, b []T, n, k, m int) { MulTAdd(c, a, b, k, n, m) }, transposed, rowMajor},
		{"MulAddT", func(c, a, b []T, n, k, m int) { MulAddT(c, a, b, n, k, m) }, rowMajor, transposed},
	}
}

func TestProducts(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, s := range denseShapes {
			testProducts[float32](t, s[0], s[1], s[2])
			testProducts[float64](t, s[0], s[1], s[2])
		}
	})
}

func testProducts[T Float](t *testing.T, n, k, m int) {
	for _, c := range products[T]() {
		src := rand.NewPCG(uint64(n), uint64(k*1000+m))
		a, checkA := guarded[T](t, src, n*k, n%8)
		b, checkB := guarded[T](t, src, k*m, k%8)
		dst, checkDst := guarded[T](t, src, n*m, m%8)
		before := append([]T(nil), dst...)
		c.run(dst, a, b, n, k, m)
		for i := range n {
			for j := range m {
				want := float64(before[i*m+j])
				size := math.Abs(want)
				for p := range k {
					v := float64(a[c.left(i, p, n, k)]) * float64(b[c.right(p, j, k, m)])
					want += v
					size += math.Abs(v)
				}
				// One rounding for each of k products and sums, and as many in the reference.
				tol := (eps[T]() + eps[float64]()) * size * float64(k+1) / 2
				if got := float64(dst[i*m+j]); !(math.Abs(got-want) <= tol) {
					t.Fatalf("%s[%s] %d×%d×%d: element %d,%d = %v, want %v ± %.3g", c.name, typeName[T](), n, k, m, i, j, got, want, tol)
				}
			}
		}
		checkA()
		checkB()
		checkDst()
	}
}

// TestProductOrder wants the exact bytes of wide products: one fused multiply-add after the other, in the order of
// the depth. In float32 the reference rounds twice, which differs only where the first rounding hits the middle
// between two float32; the numbers here do not.
func TestProductOrder(t *testing.T) {
	for s := goOnly + 1; s <= bestISA(); s++ {
		active = s
		t.Run(s.String(), func(t *testing.T) {
			for _, shape := range [][3]int{{9, 64, 64}, {13, 33, 40}, {31, 300, 64}, {6, 1, 20}} {
				testProductOrder[float32](t, shape[0], shape[1], shape[2])
				testProductOrder[float64](t, shape[0], shape[1], shape[2])
			}
		})
	}
	active = bestISA()
}

func testProductOrder[T Float](t *testing.T, n, k, m int) {
	for _, c := range products[T]() {
		src := rand.NewPCG(5, 6)
		a, b, dst := normals[T](n*k, src), normals[T](k*m, src), normals[T](n*m, src)
		before := append([]T(nil), dst...)
		c.run(dst, a, b, n, k, m)
		for i := range n {
			for j := range m {
				want := before[i*m+j]
				for p := range k {
					want = T(math.FMA(float64(a[c.left(i, p, n, k)]), float64(b[c.right(p, j, k, m)]), float64(want)))
				}
				if got := dst[i*m+j]; got != want {
					t.Fatalf("%s[%s] %d×%d×%d: element %d,%d = %v, want %v", c.name, typeName[T](), n, k, m, i, j, got, want)
				}
			}
		}
	}
}

// TestProductsPassNonFinite puts one NaN or infinity into a factor: it must reach its row or column, and no other.
func TestProductsPassNonFinite(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testNonFinite[float32](t)
		testNonFinite[float64](t)
	})
}

func testNonFinite[T Float](t *testing.T) {
	for _, s := range [][3]int{{7, 5, 3}, {9, 20, 17}, {10, 64, 64}, {3, 1, 40}, {40, 9, 1}} {
		n, k, m := s[0], s[1], s[2]
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			for _, c := range products[T]() {
				src := rand.NewPCG(7, 8)
				a, b, dst := normals[T](n*k, src), normals[T](k*m, src), make([]T, n*m)
				a[c.left(n-1, k/2, n, k)] = T(bad)
				c.run(dst, a, b, n, k, m)
				name := fmt.Sprintf("%s[%s] %d×%d×%d with %v", c.name, typeName[T](), n, k, m, bad)
				for i, v := range dst {
					finite := !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
					if row := i / m; finite != (row != n-1) {
						t.Fatalf("%s in the last row: element %d,%d = %v", name, row, i%m, v)
					}
				}
			}
		}
	}
}
