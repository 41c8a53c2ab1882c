package main

import (
	"sync"
	"time"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// ceiling returns how many floating-point operations of multiply-adds the cores can do in a second, all at once; 0 in a build
// without assembly, which cannot know.
func ceiling(p ad.Precision) float64 {
	loops := kernel.MulAddLoops[float64]()
	if p == ad.Float32 {
		loops = kernel.MulAddLoops[float32]()
	}
	best := 0.0
	for _, loop := range loops {
		// Again and again, since the system may start with two threads on one core, and one with a low clock.
		for start := time.Now(); time.Since(start) < 100*time.Millisecond; {
			best = max(best, rate(loop))
		}
	}
	return best
}

// rate returns the operations in a second of a loop that runs on all cores.
func rate(loop func(rounds int) float64) float64 {
	const rounds = 300_000 // some milliseconds
	var wait sync.WaitGroup
	flop := make([]float64, cores)
	start := time.Now()
	for i := range flop {
		wait.Go(func() { flop[i] = loop(rounds) })
	}
	wait.Wait()
	seconds, sum := time.Since(start).Seconds(), 0.0
	for _, f := range flop {
		sum += f
	}
	return sum / seconds
}
