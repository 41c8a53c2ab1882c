//go:build !amd64 || purego

package kernel

func bestISA() isa { return goOnly }

func panel[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	panelGo(c, ldc, init, ldi, a, rsa, csa, b, ldb, n, k, cols, slope)
}
