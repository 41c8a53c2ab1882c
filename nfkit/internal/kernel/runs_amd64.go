//go:build amd64 && !purego

package kernel

// panelRunsAsm is panelRuns, if there is assembly for it.
func panelRunsAsm[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa, skipA int, b []T, ldb, skipB, n, runs, k, cols int, slope T) bool {
	half := panelWidth[T]() / 2
	if active == goOnly || active == avx512 && cols > half || min(n, runs, k) < 1 { // a kernel for AVX-512 is twice as wide
		return false
	}
	_, _ = c[(n-1)*ldc+cols-1], init[(n-1)*ldi+cols-1]
	_, _ = a[(n-1)*rsa+(runs*k-1)*csa+(runs-1)*skipA], b[(runs*k-1)*ldb+(runs-1)*skipB+(cols+half/2-1)/(half/2)*(half/2)-1]
	for j := 0; j < cols; j += half {
		c, init, b, cols := c[j:], init[j:], b[j:], min(cols-j, half)
		switch {
		case is32[T]() && cols > half/2:
			panelRuns32(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, skipA, p32(b), ldb, skipB, n, runs, k, cols, float32(slope))
		case is32[T]():
			narrowRuns32(p32(c), ldc, p32(init), ldi, p32(a), rsa, csa, skipA, p32(b), ldb, skipB, n, runs, k, cols, float32(slope))
		case cols > half/2:
			panelRuns64(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, skipA, p64(b), ldb, skipB, n, runs, k, cols, float64(slope))
		default:
			narrowRuns64(p64(c), ldc, p64(init), ldi, p64(a), rsa, csa, skipA, p64(b), ldb, skipB, n, runs, k, cols, float64(slope))
		}
	}
	return true
}

// byDots reports whether so few outputs for patches are best summed along the patches.
func byDots[T Float](outputs int, p Patches) bool {
	vector := panelWidth[T]() / 4
	return active != goOnly && outputs <= vector/2 && p.Run%vector == 0
}

// dotRuns stores in sums, side by side, the products of each of n patches with b0 and b1. The runs are whole vectors. Each of up to three patches that
// remain of groups of four is passed four times over.
func dotRuns[T Float](sums, x []T, p Patches, b0, b1 []T, n int) {
	k := p.len()
	_, _, _, _ = sums[2*(n+3)-1], x[(n-1)*p.Step+(p.Runs-1)*p.Stride+p.Run-1], b0[k-1], b1[k-1]
	call := func(r, count, step int) {
		if is32[T]() {
			dotRuns32(p32(sums[2*r:]), p32(x[r*p.Step:]), p32(b0), p32(b1), count, p.Runs, p.Run, p.Stride-p.Run, step)
		} else {
			dotRuns64(p64(sums[2*r:]), p64(x[r*p.Step:]), p64(b0), p64(b1), count, p.Runs, p.Run, p.Stride-p.Run, step)
		}
	}
	fours := n &^ 3
	call(0, fours, p.Step)
	for r := fours; r < n; r++ {
		call(r, 4, 0)
	}
}
