package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns a slice of n elements of 1 that ends, or else begins, at a page that can be neither read nor
// written: touching an element beyond it stops the program.
func fenced[T Float](t *testing.T, n int, atEnd bool) []T {
	t.Helper()
	size, page := n*int(unsafe.Sizeof(T(0))), syscall.Getpagesize()
	inner := (size + page) / page * page
	mem, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	for _, fence := range [][]byte{mem[:page], mem[page+inner:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	begin := page
	if atEnd {
		begin = page + inner - size
	}
	s := unsafe.Slice((*T)(unsafe.Pointer(&mem[begin])), n)
	for i := range s {
		s[i] = 1
	}
	return s
}

// TestFences runs everything on slices next to forbidden pages.
func TestFences(t *testing.T) {
	onEach(t, func(t *testing.T) {
		for _, atEnd := range []bool{false, true} {
			testFences[float32](t, atEnd)
			testFences[float64](t, atEnd)
			for n := range 18 {
				wide, single := fenced[float64](t, n, atEnd), fenced[float32](t, n, atEnd)
				Convert32(single, wide)
				ScaleConvert64(wide, 2, single)
				Adam(wide, fenced[float64](t, n, atEnd), fenced[float64](t, n, atEnd), fenced[float64](t, n, atEnd),
					AdamStep{LR: 1, Correction1: 1, Correction2: 1})
			}
		}
	})
}

func testFences[T Float](t *testing.T, atEnd bool) {
	fence := func(n int) []T { return fenced[T](t, n, atEnd) }
	for n := range 35 {
		a, b, dst := fence(n), fence(n), fence(n)
		for _, c := range arithCases[T]() {
			c.run(dst, a, b)
		}
		for op := expOp; op <= eluOp; op++ {
			each(op, dst, a, exp)
		}
		Sum(a)
		Dot(a, b)
	}
	for _, s := range [][3]int{{1, 1, 1}, {3, 1, 64}, {5, 64, 2}, {9, 17, 33}, {6, 40, 64}, {2, 9, 16}, {4, 300, 9}} {
		n, k, m := s[0], s[1], s[2]
		for _, c := range products[T]() {
			c.run(fence(n*m), fence(n*k), fence(k*m), n, k, m)
		}
		packed := Weights[T]{Packed: fence(PackedLen[T](m, k))}
		packed.Pack(fence(m*k), m, k, nil)
		x, y := fence(n*k), fence(n*m)
		Dense(y, x, packed, fence(m), n, ActLeakyReLU, 0)
		DenseBackward(fence(n*k), fence(m*k), fence(m), fence(n*m), y, x, packed, n, ActLeakyReLU, 0, 0)
	}
}
