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
		if is32[T]() {
			panel32(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
	}
}

// mulAddLoops returns the loops that the processor can run.
func mulAddLoops[T Float]() []func(rounds int) {
	narrow, wide := mulAdds64, mulAdds64AVX512
	if is32[T]() {
		narrow, wide = mulAdds32, mulAdds32AVX512
	}
	return []func(rounds int){narrow, wide}[:active]
}
