//go:build !amd64 || purego

package kernel

// There is no assembly for products of runs.

func panelRunsAsm[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa, skipA int, b []T, ldb, skipB, n, runs, k, cols int, slope T) bool {
	return false
}

func byDots[T Float](outputs int, p Patches) bool { return false }

func dotRuns[T Float](sums, x []T, p Patches, b0, b1 []T, n int) {
	panic("kernel: dotRuns: there is no assembly for it")
}
