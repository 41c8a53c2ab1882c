package eval_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// wantPanic calls f, which must panic with a message that contains want.
func wantPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want one with %q", got, want)
		}
	}()
	f()
}

func normalRows(n, dim int, seed uint64) *mat.Dense {
	r, x := rand.New(rand.NewPCG(seed, 1)), mat.NewDense(n, dim, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, x)
	return x
}

func shifted(x *mat.Dense, by ...float64) *mat.Dense {
	y := mat.DenseCopyOf(x)
	y.Apply(func(_, j int, v float64) float64 { return v + by[j] }, y)
	return y
}
