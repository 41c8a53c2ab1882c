package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// onEach runs f once for every implementation that this processor can run, under the implementation's name.
func onEach(t *testing.T, f func(t *testing.T)) {
	defer func() { active = bestISA() }()
	for s := goOnly; s <= bestISA(); s++ {
		active = s
		t.Run(active.String(), f)
	}
}

// guard is what guarded puts around a slice.
const guard = -1.25e30

// guarded returns a slice of n normal numbers with guard elements before and after it, shifted by offset elements
// against a large power-of-two boundary, and a function that reports an error if a guard was overwritten.
func guarded[T Float](t *testing.T, src rand.Source, n, offset int) (s []T, check func()) {
	t.Helper()
	const pad = 64
	all := make([]T, pad+128+n+pad)
	align := int(-uintptr(unsafe.Pointer(&all[0]))%64) / int(unsafe.Sizeof(T(0)))
	begin := pad + align + offset
	for i := range all {
		all[i] = guard
	}
	r := rand.New(src)
	s = all[begin : begin+n : begin+n]
	for i := range s {
		s[i] = T(r.NormFloat64())
	}
	return s, func() {
		t.Helper()
		for i, v := range all {
			if (i < begin || i >= begin+n) && v != guard {
				t.Fatalf("wrote %v at index %d of a slice of length %d", v, i-begin, n)
			}
		}
	}
}

// eps returns the distance from 1 to the next larger number.
func eps[T Float]() float64 {
	if unsafe.Sizeof(T(0)) == 4 {
		return 0x1p-23
	}
	return 0x1p-52
}

func typeName[T Float]() string { return fmt.Sprintf("%T", T(0)) }

func sameBits[T Float](a, b T) bool {
	return math.Float64bits(float64(a)) == math.Float64bits(float64(b)) || a != a && b != b
}

// TestAllocations wants none, on the paths with scratch memory too.
func TestAllocations(t *testing.T) {
	onEach(t, func(t *testing.T) {
		testAllocations[float32](t)
		testAllocations[float64](t)
	})
}

func testAllocations[T Float](t *testing.T) {
	for _, s := range [][3]int{{64, 64, 64}, {64, 1, 64}, {65, 64, 2}, {5, 600, 600}, {9, 33, 100}} {
		n, k, m := s[0], s[1], s[2]
		src := rand.NewPCG(1, 2)
		x, y, w := normals[T](n*k, src), normals[T](n*m, src), normals[T](m*k, src)
		b, packed := normals[T](m, src), packedWeights(w, m, k)
		allocs := testing.AllocsPerRun(3, func() {
			packed.Pack(w, m, k, nil)
			Dense(y, x, packed, b, n, ActTanh, 0)
			DenseBackward(x, w, b, y, y, x, packed, n, ActELU, 0, 0)
			MulAdd(y, x, w, n, k, m)
			MulAddT(y, x, w, n, k, m)
			MulTAdd(w, x, y, n, k, m)
			Softplus(x, x)
			Axpy(x, 0, x)
			Dot(x, x)
			Sum(x)
		})
		if allocs != 0 {
			t.Errorf("%s %d×%d→%d: %v allocations, want 0", typeName[T](), n, k, m, allocs)
		}
	}
}
