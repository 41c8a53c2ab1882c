package main

import (
	"context"
	"time"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/cputime"
)

// withProcessors returns a context that ends, as a training's without an error, when the program's threads have computed for some seconds together.
func withProcessors(seconds float64) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	end := cputime.Seconds() + seconds
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if cputime.Seconds() > end {
					cancel(nf.ErrStop)
				}
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
