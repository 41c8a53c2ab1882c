//go:build !unix

package cputime

import "time"

var started = time.Now()

// Seconds returns the time since the start, where the system does not say how long the program has computed.
func Seconds() float64 { return time.Since(started).Seconds() }
