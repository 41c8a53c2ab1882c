//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// GoNB runs on Unix only; main says so before a process is started.

var terminate = os.Kill

func leadGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func killMentioning(string) {}
