package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTriangle(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, d := range []int{1, 2, 8, 9, 16, 17, 32, 33, 50, 100} {
			for _, n := range []int{0, 1, 5, 7, 300} {
				if n == 300 && d > 33 {
					continue
				}
				for _, upper := range []bool{false, true} {
					for _, full := range []bool{false, true} {
						testTriangle[float32](t, n, d, upper, full)
						testTriangle[float64](t, n, d, upper, full)
					}
				}
			}
		}
	})
}

// testTriangle compares products with the sums that define them, and solutions by what the matrix makes of them.
func testTriangle[T Float](t *testing.T, n, d int, upper, full bool) {
	src := rand.NewPCG(uint64(n), uint64(d))
	size := d * (d - 1) / 2
	if full {
		size = d * d
	}
	data := normals[T](size, src)
	Scale(data, T(1/math.Sqrt(float64(d+1))), data)
	packed := Triangle[T]{Packed: make([]T, TriangleLen[T](d))}
	packed.Pack(data, d, upper)
	s := make([]float64, d*d)
	for i := range d {
		first, row := StrictRow(data, d, i, upper)
		if upper && first+len(row) != d || !upper && (first != 0 || len(row) != i) {
			t.Fatalf("row %d of %d has %d elements from column %d on", i, d, len(row), first)
		}
		for j, v := range row {
			s[i*d+first+j] = float64(v)
		}
	}
	diag := normals[T](d, src)
	for j := range diag {
		diag[j] = 2 + diag[j]*diag[j]
	}
	tol := float64(20*d) * eps[T]()
	for _, transposed := range []bool{false, true} {
		at := func(i, j int) float64 {
			if transposed {
				i, j = j, i
			}
			return s[i*d+j]
		}
		x, checkX := guarded[T](t, src, n*d, n%8)
		y, checkY := guarded[T](t, src, n*d, d%8)
		before := append([]T(nil), y...)
		packed.MulAdd(y, x, n, transposed)
		for k := range y {
			want := float64(before[k])
			for j := range d {
				want += at(k%d, j) * float64(x[k/d*d+j])
			}
			if got := float64(y[k]); !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
				t.Fatalf("%s n=%d d=%d upper %v transposed %v: element %d of the product is %v, want %v", typeName[T](), n, d, upper, transposed, k, got, want)
			}
		}
		for _, g := range [][]T{nil, diag} {
			copy(y, x)
			packed.Solve(y, g, n, transposed)
			for k := range x {
				got, size := float64(y[k]), 1.0
				if g != nil {
					got *= float64(g[k%d])
				}
				for j := range d {
					v := at(k%d, j) * float64(y[k/d*d+j])
					got += v
					size += math.Abs(v)
				}
				if want := float64(x[k]); !(math.Abs(got-want) <= tol*size) {
					t.Fatalf("%s n=%d d=%d upper %v transposed %v: the solution gives %v in place of element %d, want %v", typeName[T](), n, d, upper, transposed, got, k, want)
				}
			}
		}
		checkX()
		checkY()
	}

	a, b := normals[T](n*d, src), normals[T](n*d, src)
	ds, check := guarded[T](t, src, size, d%8)
	before := append([]T(nil), ds...)
	AddTriangle(ds, a, b, n, d, upper, -2, make([]T, TriangleScratch(d)))
	check()
	want := append([]T(nil), before...)
	for i := range d {
		first, row := StrictRow(want, d, i, upper)
		for j := range row {
			sum := 0.0
			for r := range n {
				sum += float64(a[r*d+i]) * float64(b[r*d+first+j])
			}
			row[j] -= T(2 * sum)
		}
	}
	for k := range want {
		if !(math.Abs(float64(ds[k]-want[k])) <= float64(20+n)*eps[T]()*max(1, math.Abs(float64(want[k])), float64(n)/4)) {
			t.Fatalf("%s n=%d d=%d upper %v: element %d of the gradient is %v, want %v", typeName[T](), n, d, upper, k, ds[k], want[k])
		}
	}
}

// A row of a product or a solution does not depend on the others.
func TestTriangleRows(t *testing.T) {
	onEach(t, func(t *testing.T) {
		const n, d = 300, 50
		src := rand.NewPCG(1, 2)
		packed := Triangle[float32]{Packed: make([]float32, TriangleLen[float32](d))}
		packed.Pack(normals[float32](d*(d-1)/2, src), d, true)
		x := normals[float32](n*d, src)
		y, z := make([]float32, n*d), append([]float32(nil), x...)
		packed.MulAdd(y, x, n, false)
		packed.Solve(z, nil, n, false)
		for _, i := range []int{0, 5, 255, 256, 299} {
			row, solved := make([]float32, d), append([]float32(nil), x[i*d:][:d]...)
			packed.MulAdd(row, x[i*d:], 1, false)
			packed.Solve(solved, nil, 1, false)
			for j := range d {
				if !sameBits(row[j], y[i*d+j]) || !sameBits(solved[j], z[i*d+j]) {
					t.Fatalf("column %d of row %d differs when it is alone", j, i)
				}
			}
		}
	})
}
