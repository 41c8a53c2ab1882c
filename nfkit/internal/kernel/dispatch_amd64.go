//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

const (
	avx2   isa = 1 // AVX2 and FMA
	avx512 isa = 2 // AVX-512 F, VL, DQ and BW
)

var isaNames = []string{"go", "avx2", "avx512"}

const vectorBytes = 32 // of the first instruction set; the second has twice as many

func bestISA() isa {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasBMI2:
		return goOnly
	case !x.HasAVX512F || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasAVX512BW:
		return avx2
	}
	return avx512
}

func panel[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	if active == goOnly {
		panelGo(c, ldc, init, ldi, a, rsa, csa, b, ldb, n, k, cols, slope)
		return
	}
	width := panelWidth[T]()
	_, _ = c[(n-1)*ldc+cols-1], init[(n-1)*ldi+cols-1]
	_, _ = a[(n-1)*rsa+(k-1)*csa], b[(k-1)*ldb+width-1]
	if active == avx512 && cols > width/2 { // the kernel for AVX2 is as wide as half a panel
		if is32[T]() {
			panel32AVX512(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64AVX512(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
		return
	}
	for j := 0; j < cols; j += width / 2 {
		c, init, b, cols := c[j:], init[j:], b[j:], min(cols-j, width/2)
		if k > 0 && cols <= width/4 {
			panelRunsAsm(c, ldc, init, ldi, a, rsa, csa, 0, b, ldb, 0, n, 1, k, cols, slope)
		} else if is32[T]() {
			panel32(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
	}
}

// panelPair is panel for one row of k elements and the two whole panels that b begins with, if there is assembly for it.
func panelPair[T Float](c, init, a, b []T, k int, slope T) bool {
	if active == goOnly {
		return false
	}
	width := panelWidth[T]()
	_, _, _, _ = c[2*width-1], init[2*width-1], a[k-1], b[2*k*width-1]
	if is32[T]() {
		panelPair32(p32(c), p32(init), p32(a), p32(b), k*width, k, float32(slope))
	} else {
		panelPair64(p64(c), p64(init), p64(a), p64(b), k*width, k, float64(slope))
	}
	return true
}

// mulAddLoops returns the loops that the processor can run.
func mulAddLoops[T Float]() []func(rounds int) {
	narrow, wide := mulAdds64, mulAdds64AVX512
	if is32[T]() {
		narrow, wide = mulAdds32, mulAdds32AVX512
	}
	return []func(rounds int){narrow, wide}[:active]
}
