package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	startLimit    = time.Minute            // for a kernel to answer its first request
	startRetry    = 100 * time.Millisecond // between first requests, until one is answered
	shutdownLimit = 2 * time.Second        // for a kernel to end when asked to
	maxSocketPath = 90                     // of the 104 bytes that a Unix socket's name may have
)

// kernel is a running GoNB process and the connection to it. The process leads a
// process group of its own, to which the programs of the cells belong.
type kernel struct {
	*client
	cmd     *exec.Cmd
	scratch string         // its temporary files; removed by stop
	keeper  *keeper        // does what stop does, if this process cannot
	info    map[string]any // language_info as the kernel states it
	ended   chan struct{}  // closed when the process has ended
	endErr  error          // how it ended; valid after ended is closed
}

// startKernel starts a kernel in the folder dir and returns when it answers.
// Temporary files of the kernel, of the go command and of the cells go to a
// private folder, so nothing of an earlier run is seen and nothing is left.
func startKernel(ctx context.Context, t tools, dir string) (*kernel, error) {
	scratch, err := scratchDir()
	if err != nil {
		return nil, err
	}
	k := &kernel{scratch: scratch, ended: make(chan struct{})}
	if err := k.start(ctx, t, dir); err != nil {
		k.stop()
		return nil, fmt.Errorf("the kernel does not start: %w", err)
	}
	return k, nil
}

// scratchDir makes the folder for a kernel's files, where a socket's name fits.
func scratchDir() (string, error) {
	parent := os.TempDir()
	if len(parent) > maxSocketPath-len("/nfkit-0123456789/s-1") {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "nfkit-")
	if err != nil {
		return "", fmt.Errorf("no folder for temporary files: %w", err)
	}
	return dir, nil
}

func (k *kernel) start(ctx context.Context, t tools, dir string) (err error) {
	if k.keeper, err = startKeeper(k.scratch); err != nil {
		return err
	}
	conn := newConnection(filepath.Join(k.scratch, "s"))
	file := filepath.Join(k.scratch, "kernel-"+randomHex()+".json")
	b, err := json.Marshal(conn)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return err
	}
	logFile, err := os.Create(k.logName())
	if err != nil {
		return err
	}
	defer logFile.Close()
	k.cmd = exec.Command(t.gonb, "--kernel", file, "-raw_error")
	k.cmd.Dir = dir
	k.cmd.Env = append(os.Environ(), "PATH="+t.path(), "TMPDIR="+k.scratch)
	k.cmd.Env = append(k.cmd.Env, checkoutVariable(t.checkout, dir)...)
	k.cmd.Stdout, k.cmd.Stderr = logFile, logFile
	leadGroup(k.cmd)
	if err := k.cmd.Start(); err != nil {
		k.cmd = nil
		return err
	}
	k.keeper.watch(k.cmd.Process)
	go func() {
		k.endErr = k.cmd.Wait()
		close(k.ended)
	}()

	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no answer within %v", startLimit))
	defer cancel()
	go func() {
		select {
		case <-k.ended:
			cancel() // no use to wait for its sockets
		case <-ctx.Done():
		}
	}()
	k.client, err = dial(ctx, conn)
	if err == nil {
		err = k.greet(ctx)
	}
	select {
	case <-k.ended:
		return k.death()
	default:
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// greet asks the kernel for its name until an answer comes on iopub as well: the
// kernel learns of a subscription some time after the socket is connected, and
// what it publishes before is lost.
func (k *kernel) greet(ctx context.Context) error {
	tick := time.NewTicker(startRetry)
	defer tick.Stop()
	for subscribed := false; !subscribed || k.info == nil; {
		if _, err := k.send(k.shell, "kernel_info_request", map[string]any{}); err != nil {
			return err
		}
		for waiting := true; waiting && (!subscribed || k.info == nil); {
			select {
			case m := <-k.in:
				subscribed = subscribed || m.on == onIOPub
				if m.kind == "kernel_info_reply" {
					k.info = m.object("language_info")
				}
			case <-tick.C:
				waiting = false
			case err := <-k.broken:
				return k.lost(err)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// interrupt asks the kernel to interrupt the program of the running cell.
func (k *kernel) interrupt() {
	// A kernel that cannot be asked is killed a little later.
	_, _ = k.send(k.control, "interrupt_request", map[string]any{})
}

// stop ends the kernel and every process of its group, and removes its files.
// It may be called at any time, more than once.
func (k *kernel) stop() {
	if k.client != nil {
		k.shutdown()
		k.client.close()
	}
	if k.cmd != nil {
		k.kill()
	}
	// The folder may still be written to by a process that has left the group.
	_ = os.RemoveAll(k.scratch)
	if k.keeper != nil {
		k.keeper.release()
		k.keeper = nil
	}
}

// shutdown asks a kernel that is still there to end by itself.
func (k *kernel) shutdown() {
	select {
	case <-k.ended:
		return
	default:
	}
	if _, err := k.send(k.control, "shutdown_request", map[string]any{"restart": false}); err != nil {
		return
	}
	select {
	case <-k.ended:
	case <-time.After(shutdownLimit):
	}
}

// kill ends the kernel and what it has started at once: its group, and gopls, which GoNB
// starts where it finds one and which leads a group of its own.
func (k *kernel) kill() {
	killGroup(k.cmd.Process.Pid)
	<-k.ended
	killMentioning(k.scratch)
}

// programEnded says whether a program that the kernel has started has ended, and the kernel
// still waits for the end of its output.
func (k *kernel) programEnded() bool {
	return slices.ContainsFunc(processes(), func(p process) bool { return p.zombie && p.parent == k.cmd.Process.Pid })
}

// holders lists the processes of the kernel's group that no program of a cell waits for, for
// the end of a message.
func (k *kernel) holders() string {
	var b strings.Builder
	all := processes()
	for _, p := range all {
		alive := slices.ContainsFunc(all, func(q process) bool { return q.pid == p.parent && q.group == p.group })
		if p.group == k.cmd.Process.Pid && p.pid != k.cmd.Process.Pid && !alive {
			fmt.Fprintf(&b, "\n%d %s", p.pid, p.args)
		}
	}
	return b.String()
}

// lost returns why the connection broke: mostly because the kernel is just ending.
func (k *kernel) lost(err error) error {
	select {
	case <-k.ended:
		return k.death()
	case <-time.After(time.Second):
		return err
	}
}

// death describes how the kernel ended, with the last lines of its log.
func (k *kernel) death() error {
	<-k.ended
	how := "exit status 0"
	if k.endErr != nil {
		how = k.endErr.Error()
	}
	return fmt.Errorf("the kernel ended: %s%s", how, logEnd(k.logName()))
}

// logEnd returns the last lines of a log file for the end of an error message, or "" if
// there is no such file.
func logEnd(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(stripANSI(string(b))), "\n")
	if n := len(lines); n > 12 {
		lines = lines[n-12:]
	}
	return "; the last lines of its log:\n\t" + strings.Join(lines, "\n\t")
}

func (k *kernel) logName() string { return filepath.Join(k.scratch, "kernel.log") }
