package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// A keeper is a process that waits for the end of this one, however that comes, and then
// ends what this program has started and removes its temporary files. It is this program
// again, with keeperArg as its argument; what it keeps it reads from its standard input,
// which ends when this process does.
type keeper struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

const keeperArg = "keep-until-end"

// startKeeper starts a keeper of the folder scratch, which it removes, and of the processes
// that mention it.
func startKeeper(scratch string) (*keeper, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	k := &keeper{cmd: exec.Command(program, keeperArg)}
	leadGroup(k.cmd)
	if k.pipe, err = k.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := k.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(k.pipe, scratch)
	return k, err
}

// watch adds the group that the process leads to what is kept.
func (k *keeper) watch(p *os.Process) {
	_, _ = fmt.Fprintln(k.pipe, p.Pid) // without the keeper there is nothing to be done
}

// release ends the keeper, when there is nothing to be kept any more.
func (k *keeper) release() {
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait() // closes the pipe
}

// keep is what the keeper does: it reads the name of a folder and numbers of processes, a
// line each, and when there are no more, it ends them.
func keep(in io.Reader) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return
	}
	scratch := lines.Text()
	var groups []int
	for lines.Scan() {
		if pid, err := strconv.Atoi(strings.TrimSpace(lines.Text())); err == nil {
			groups = append(groups, pid)
		}
	}
	for _, pid := range groups {
		killGroup(pid)
	}
	killMentioning(scratch)
	_ = os.RemoveAll(scratch) // nobody is there to be told
}
