package nfkit_test

import (
	"runtime"
	"testing"
)

// onCores calls f with each of several numbers of cores as GOMAXPROCS.
func onCores(t *testing.T, f func(cores int)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(cores)
		f(cores)
	}
}
