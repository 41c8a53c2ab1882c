//go:build arm64 && !purego

package kernel

// neon is part of every arm64 processor that Go runs on.
const neon isa = 1

var isaNames = []string{"go", "neon"}

const vectorBytes = 16 // of the first instruction set

func bestISA() isa { return neon }

func panel[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	if active == goOnly {
		panelGo(c, ldc, init, ldi, a, rsa, csa, b, ldb, n, k, cols, slope)
		return
	}
	width := panelWidth[T]()
	_, _ = c[(n-1)*ldc+cols-1], init[(n-1)*ldi+cols-1]
	_, _ = a[(n-1)*rsa+(k-1)*csa], b[(k-1)*ldb+width-1]
	for j := 0; j < cols; j += width / 2 { // the kernel is as wide as half a panel
		c, init, b, cols := c[j:], init[j:], b[j:], min(cols-j, width/2)
		if is32[T]() {
			panel32(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, p32(b), ldb, n, k, cols, float32(slope))
		} else {
			panel64(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, p64(b), ldb, n, k, cols, float64(slope))
		}
	}
}

// panelPair does nothing: there is no assembly for it.
func panelPair[T Float](c, init, a, b []T, k int, slope T) bool { return false }

// mulAddLoops returns the loops that the processor can run.
func mulAddLoops[T Float]() []func(rounds int) {
	loop := mulAdds64
	if is32[T]() {
		loop = mulAdds32
	}
	return []func(rounds int){loop}[:active]
}
