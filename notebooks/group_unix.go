//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// leadGroup makes cmd start as the leader of a process group of its own, which a
// Ctrl-C in the terminal does not reach.
func leadGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills all processes of the group that cmd leads, whether or not cmd
// itself has ended.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
