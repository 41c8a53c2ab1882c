//go:build unix

package main

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// terminate asks a process to end.
const terminate = syscall.SIGTERM

// leadGroup makes cmd start as the leader of a process group of its own, which a
// Ctrl-C in the terminal does not reach.
func leadGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills all processes of the group that cmd leads, whether or not cmd
// itself has ended.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// killMentioning kills the processes whose command line has the text, which must be one
// that no other process has, and what those have started. Kernels of Jupyter, and the
// servers that kernels start, lead groups of their own and outlive a killed parent.
func killMentioning(text string) {
	for range 100 { // a process that was just killed may still be listed, or have started another
		list := mentioning(text)
		if len(list) == 0 {
			return
		}
		for _, pid := range list {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// mentioning returns the processes that killMentioning kills. Without the command ps, as
// in a small container, there are none.
func mentioning(text string) []int {
	out, err := exec.Command("ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args=").Output()
	if err != nil {
		return nil
	}
	var found []int
	children := map[int][]int{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		pid, err1 := strconv.Atoi(fields[0])
		parent, err2 := strconv.Atoi(fields[1])
		if err1 != nil || err2 != nil {
			continue
		}
		children[parent] = append(children[parent], pid)
		if strings.Contains(line, text) {
			found = append(found, pid)
		}
	}
	for i := 0; i < len(found); i++ { // found grows
		for _, child := range children[found[i]] {
			if !slices.Contains(found, child) {
				found = append(found, child)
			}
		}
	}
	return found
}
