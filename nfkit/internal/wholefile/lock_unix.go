//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wholefile

import (
	"os"
	"syscall"
)

// lock marks f as being written, until it is closed or its process ends. Where the file system has no locks, nobody can
// take one, and so nothing is thought abandoned.
func lock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }

// abandoned reports whether nobody is writing f. Until f is closed, nobody begins to.
func abandoned(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
