package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
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

// killGroup kills all processes of the group that the process pid leads, whether or not
// that itself has ended.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

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

// mentioning returns the processes that killMentioning kills.
func mentioning(text string) []int {
	var found []int
	children := map[int][]int{}
	for _, p := range processes() {
		children[p.parent] = append(children[p.parent], p.pid)
		if strings.Contains(p.args, text) {
			found = append(found, p.pid)
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

// process is a process of this machine.
type process struct {
	pid, parent, group int
	zombie             bool // it has ended, and its parent has taken no notice
	args               string
}

// processes lists the processes that this user may see: as Linux has them in files, and
// elsewhere as the command ps does.
func processes() []process {
	if stats, _ := filepath.Glob("/proc/[0-9]*/stat"); len(stats) > 0 { // the pattern is valid
		return linuxProcesses(stats)
	}
	out, err := exec.Command("ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=", "-o", "args=").Output()
	if err != nil {
		return nil
	}
	var list []process
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) >= 4 {
			list = appendProcess(list, fields[0], fields[3], fields[1], fields[2], strings.Join(fields[4:], " "))
		}
	}
	return list
}

// linuxProcesses reads the files /proc/PID/stat; see proc(5).
func linuxProcesses(stats []string) []process {
	var list []process
	for _, name := range stats {
		b, err := os.ReadFile(name)
		name, rest, ok := strings.Cut(string(b), " (")
		end := strings.LastIndexByte(rest, ')') // the program's name may have anything in it
		if err != nil || !ok || end < 0 {
			continue // it has ended
		}
		fields := strings.Fields(rest[end+1:])
		if len(fields) < 3 {
			continue
		}
		args, _ := os.ReadFile("/proc/" + name + "/cmdline") // empty for one that has ended
		list = appendProcess(list, name, fields[0], fields[1], fields[2], string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
	}
	return list
}

func appendProcess(list []process, pid, state, parent, group, args string) []process {
	p := process{zombie: strings.HasPrefix(state, "Z"), args: strings.TrimSpace(args)}
	var errs [3]error
	p.pid, errs[0] = strconv.Atoi(pid)
	p.parent, errs[1] = strconv.Atoi(parent)
	p.group, errs[2] = strconv.Atoi(group)
	if errs != [3]error{} {
		return list
	}
	return append(list, p)
}
