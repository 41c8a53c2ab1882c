//go:build !unix

package main

import "time"

var started = time.Now()

// cpuSeconds returns the time since the start, where the system does not say how long the program has computed.
func cpuSeconds() float64 { return time.Since(started).Seconds() }
