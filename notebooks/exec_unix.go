//go:build unix

package main

import (
	"os"
	"syscall"
)

// become replaces this process by the program, so that signals, terminal and exit status
// are the program's own. It returns only if that fails.
func become(program string, args []string) error {
	return syscall.Exec(program, append([]string{program}, args...), os.Environ())
}
