// Package testkit has what the tests of several packages use.
package testkit

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Tests make many small tapes and drop them. With a heap that may grow to five times what is in use, collecting them
// takes a small part of the time, where it takes half of it in the package ad.
func init() { debug.SetGCPercent(400) }

// Panic returns what f panics with, as text, and the empty string if it does not panic.
func Panic(f func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

// WantPanic checks that f panics with a message that has want in it, which must not be empty.
func WantPanic(t testing.TB, want string, f func()) {
	t.Helper()
	if got := Panic(f); want == "" || !strings.Contains(got, want) {
		t.Errorf("got the panic %q, want one with %q", got, want)
	}
}

// OnCores calls f with each of several numbers of cores as GOMAXPROCS, the first of which is 1.
func OnCores(f func(cores int)) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(cores)
		f(cores)
	}
}

// NormalRows returns n rows of independent standard normal numbers.
func NormalRows(n, columns int, seed uint64) *mat.Dense {
	r, x := rand.New(rand.NewPCG(seed, 1)), mat.NewDense(n, columns, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, x)
	return x
}
