package nfkit

import (
	"context"
	"os"
	"os/signal"
)

// UntilInterrupt returns a context for [Fit] that ends with the first interrupt of the program: Ctrl-C in a terminal, the square button in a
// notebook. The run then ends without an error, keeps what it has learned, and [History].Stopped says after which step. A second
// interrupt ends the program, as usual.
func UntilInterrupt() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		signal.Stop(interrupts)
		cancel(errInterrupt)
	}()
	return ctx
}

// errInterrupt is the cause of a context of UntilInterrupt.
var errInterrupt error = interruptError{}

type interruptError struct{}

func (interruptError) Error() string        { return "interrupted" }
func (interruptError) Is(target error) bool { return target == ErrStop }
