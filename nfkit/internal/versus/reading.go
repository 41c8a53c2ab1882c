package main

import (
	"fmt"
	"strings"
	"time"
	"unsafe"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// weightBytes returns the size of the parameters of m in the given precision, without those that a mask leaves out.
func weightBytes(m *nf.NormalizingFlow, p ad.Precision) int {
	n := 0
	for _, t := range m.State() {
		switch {
		case t.Param != nil:
			n += len(t.Param.Data)
		case strings.HasSuffix(t.Name, ".mask"):
			for _, x := range t.Floats {
				n += int(x) - 1
			}
		}
	}
	if p == ad.Float32 {
		return n * 4
	}
	return n * 8
}

// readRate returns how many bytes one core reads in a second from a run of the given length, again and again: from memory, or from the
// cache that it fits.
func readRate(bytes int, p ad.Precision) float64 {
	if p == ad.Float32 {
		return readAgain[float32](bytes)
	}
	return readAgain[float64](bytes)
}

func readAgain[T kernel.Float](bytes int) float64 {
	run := make([]T, bytes/int(unsafe.Sizeof(T(0)))+1)
	best := 0.0
	for start := time.Now(); time.Since(start) < 100*time.Millisecond; {
		begin := time.Now()
		n := 0
		for range max(1, 1<<22/len(run)) {
			kernel.Sum(run)
			n += len(run)
		}
		best = max(best, float64(n*int(unsafe.Sizeof(T(0))))/time.Since(begin).Seconds())
	}
	return best
}

// reads returns how fast a step on one core reads the weights, of which it needs each once, and how fast they could be read.
func (l *line) reads() string {
	return fmt.Sprintf("weights at %.0f of %.0f GB/s", float64(l.weights)/l.single.median()/1e9, l.reading/1e9)
}
