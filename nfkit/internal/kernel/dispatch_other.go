//go:build (!amd64 && !arm64) || purego

package kernel

var isaNames = []string{"go"}

const vectorBytes = 0

func bestISA() isa { return goOnly }

func panel[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa int, b []T, ldb, n, k, cols int, slope T) {
	panelGo(c, ldc, init, ldi, a, rsa, csa, b, ldb, n, k, cols, slope)
}

// panelPair does nothing: there is no assembly for it.
func panelPair[T Float](c, init, a, b []T, k int, slope T) bool { return false }

func panelHalf[T Float](c []T, ldc int, init, a []T, rsa int, b []T, n, k, cols int, slope T) {
	panelGo(c, ldc, init, 0, a, rsa, 1, b, panelWidth[T](), n, k, cols, slope)
}

func packTransposed[T Float](dst, b []T, cs, depth, cols int) int {
	return packTransposedGo(dst, b, cs, depth, cols)
}

func dotPairs[T Float](sums, a []T, lda int, b0, b1 []T, rows, k int) int {
	return dotPairsGo(sums, a, lda, b0, b1, rows, k)
}

func arithAsm[T Float](op arithOp, dst, a, b []T, alpha T) bool         { return false }
func sumAsm[T Float](sums *[lanes]T, x []T) int                         { return 0 }
func dotAsm[T Float](sums *[lanes]T, a, b []T) int                      { return 0 }
func convert32Asm(dst []float32, src []float64) int                     { return 0 }
func scaleConvert64Asm(dst []float64, src []float32, alpha float64) int { return 0 }
func mathAsm[T Float](op mathOp, dst, x []T) bool                       { return false }

func adamAsm(p, g, m, v []float64, s *AdamStep, rate, root float64) int { return 0 }

func mulAddLoops[T Float]() []func(rounds int)              { return nil }
func leakyGradSumsAsm[T Float](dst, dy, y []T, slope T) int { return 0 }
