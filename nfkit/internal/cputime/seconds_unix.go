//go:build unix

package cputime

import (
	"syscall"
	"time"
)

// Seconds returns the time that the program's threads have computed so far: beside others on the same machine, clocks say less.
func Seconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("cputime: " + err.Error()) // the arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
