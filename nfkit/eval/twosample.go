package eval

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// checkSamples returns the number of columns of both. It panics when they differ, or a sample is empty.
func checkSamples(caller string, x, y mat.Matrix) int {
	n, d := x.Dims()
	m, e := y.Dims()
	if n == 0 || m == 0 || d == 0 || d != e {
		panic(fmt.Sprintf("eval: %s: got samples of %d×%d and %d×%d numbers, want as many columns in both and a row in each", caller, n, d, m, e))
	}
	return d
}
