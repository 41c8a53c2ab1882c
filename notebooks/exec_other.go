//go:build !unix

package main

import (
	"errors"
	"os"
	"os/exec"
)

// become runs the program to its end and ends with its exit status. It returns only if the
// program cannot be run.
func become(program string, args []string) error {
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := run(cmd)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(failed.ExitCode())
	}
	if err == nil {
		os.Exit(0)
	}
	return err
}
