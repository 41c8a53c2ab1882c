package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// interruptGrace is how long an interrupted program may take to end by itself; then
// it is killed, with the kernel.
const interruptGrace = 4 * time.Second

// prepareLimit is how long the kernel may take for what comes before the cells.
const prepareLimit = time.Minute

// heldGrace is how long the output of a program may be held open by a process that the
// program has started and left.
const heldGrace = 5 * time.Second

// errTimeout is the cause of a cell that was stopped because it took too long.
var errTimeout = errors.New("time limit")

// cellError says which cell failed and how.
type cellError struct {
	number int // counted from 1 over the code cells
	source string
	reason error
}

func (e *cellError) Error() string {
	return fmt.Sprintf("cell %d failed:\n%v\n\nthe cell's source:\n%s", e.number, e.reason, indent(e.source))
}

func (e *cellError) Unwrap() error { return e.reason }

// session executes the cells of a notebook on a kernel.
type session struct {
	kernel   *kernel
	outputs  *outputs
	limit    time.Duration // for one cell
	progress *progress
}

// runNotebook executes nb on a fresh kernel in the folder dir. Outputs and execution
// counts of nb are replaced. If a cell fails, the error is a *cellError, and nb has
// the outputs up to and including that cell. When ctx is cancelled because of
// errInterrupted, the running cell is interrupted and that is the error.
func runNotebook(ctx context.Context, nb *notebook, t tools, dir string, limit time.Duration, p *progress) error {
	if err := nb.checkKernel(); err != nil {
		return err
	}
	nb.clearOutputs()
	k, err := startKernel(ctx, t, dir)
	if err != nil {
		return err
	}
	defer k.stop()
	nb.setLanguage(k.info)
	s := &session{kernel: k, outputs: newOutputs(), limit: limit, progress: p}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.run(ctx, nb.code())
}

// emptyInput is a Go file that gives a program an empty standard input.
const emptyInput = `package main; import "os"; func init() { os.Stdin, _ = os.Open(os.DevNull) }`

// prepare makes the kernel link programs of cells without what only debuggers read: linking is
// most of what a cell takes to compile, and that is most of linking.
//
// And it makes the kernel give them an empty standard input. GoNB gives them one that never
// ends, and nobody is there to write to it. What does so is a file beside the one that GoNB
// writes for each cell: it compiles all that are in its folder.
func (s *session) prepare(ctx context.Context) error {
	s = &session{kernel: s.kernel, outputs: newOutputs(), limit: prepareLimit, progress: s.progress}
	request, err := s.execute("%goflags -ldflags=-s\n!*echo '"+emptyInput+"' >empty_input.go", false)
	if err != nil {
		return err
	}
	reply, err := s.await(ctx, request)
	if err == nil && reply.text("status") != "ok" {
		err = errors.New(failureText(reply, &cellOutputs{}))
	}
	return err
}

// run executes cells in order up to the first that fails.
func (s *session) run(ctx context.Context, cells []*cell) error {
	collected := make([]*cellOutputs, len(cells))
	defer func() { // a later cell may have updated a display of an earlier one
		for i, c := range collected {
			if c != nil {
				cells[i].setOutputs(c.saved())
			}
		}
	}()
	for i, c := range cells {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if strings.TrimSpace(c.source()) == "" || c.hasTag(tagSkip) {
			continue
		}
		s.progress.startCell(i+1, len(cells), c.title())
		out, err := s.runCell(ctx, c)
		collected[i] = out
		s.progress.endCell(err)
		_, ok := errors.AsType[*raised](err)
		if ok == c.hasTag(tagRaises) && (ok || err == nil) {
			continue
		}
		if err == nil {
			err = fmt.Errorf("it has the tag %s, and has not failed", tagRaises)
		}
		if !ok {
			out.fail(err) // the kernel has put out nothing that says why
		}
		if errors.Is(err, errInterrupted) {
			return err
		}
		return &cellError{number: i + 1, source: c.source(), reason: err}
	}
	return nil
}

// raised is the error that a cell's code has caused, as the kernel reports it.
type raised struct{ text string }

func (e *raised) Error() string { return e.text }

// runCell executes a cell and returns what it put out, also when it fails.
func (s *session) runCell(ctx context.Context, c *cell) (*cellOutputs, error) {
	request, err := s.execute(c.forKernel(), true)
	out := s.outputs.expect(request)
	if err != nil {
		return out, err
	}
	reply, err := s.await(ctx, request)
	if err != nil {
		return out, err
	}
	c.raw["execution_count"] = reply.content["execution_count"]
	if reply.text("status") != "ok" {
		return out, &raised{failureText(reply, out)}
	}
	if status := failedShellLine(c, out); status != "" {
		return out, &raised{"a shell line of the cell failed: " + strings.TrimSpace(out.stderr())}
	}
	return out, nil
}

// execute sends code to the kernel and returns the request's id. Only what is counted gets
// an execution count.
func (s *session) execute(code string, counted bool) (request string, err error) {
	return s.kernel.send(s.kernel.shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": counted,
		"user_expressions": map[string]any{}, "allow_stdin": false, "stop_on_error": true,
	})
}

// await collects what the kernel sends until the request is done: its reply has come
// and the kernel has said that it is idle again.
func (s *session) await(ctx context.Context, request string) (message, error) {
	k := s.kernel
	var reply *message
	var stopped error // why the cell was interrupted
	var again, grace <-chan time.Time
	limit := time.NewTimer(s.limit)
	defer limit.Stop()
	interrupted, expired := ctx.Done(), limit.C
	look := time.NewTicker(time.Second)
	defer look.Stop()
	var ended time.Time // since when the cell's program is seen to have ended
	stop := func(cause error) {
		stopped, interrupted, expired = cause, nil, nil
		again, grace = time.Tick(500*time.Millisecond), time.After(interruptGrace)
		s.progress.interrupting()
		k.interrupt()
	}
	for idle := false; reply == nil || !idle; {
		select {
		case m := <-k.in:
			switch {
			case m.on == onShell && m.parent == request && m.kind == "execute_reply":
				reply = &m
			case m.on == onIOPub && m.parent == request && m.kind == "status":
				idle = m.text("execution_state") == "idle"
			case m.on == onIOPub:
				s.publish(m)
			}
		case <-interrupted:
			stop(context.Cause(ctx))
		case <-expired:
			stop(fmt.Errorf("%w: it took longer than %v", errTimeout, s.limit))
		case <-again:
			k.interrupt() // the compiler was running before; now it may be the program
		case <-grace:
			k.kill()
			return message{}, stopped
		case <-look.C:
			if !k.programEnded() {
				ended = time.Time{}
			} else if ended.IsZero() {
				ended = time.Now()
			} else if stopped == nil && time.Since(ended) > heldGrace {
				held := k.holders()
				k.kill()
				s.drain()
				return message{}, fmt.Errorf("its program has ended, but a process that it has started goes on and holds its output; "+
					"give that process an output of its own, such as a file%s", held)
			}
		case err := <-k.broken:
			s.drain()
			return message{}, errors.Join(stopped, k.lost(err))
		case <-k.ended:
			s.drain()
			return message{}, errors.Join(stopped, k.death())
		}
	}
	return *reply, stopped
}

// drain takes what a kernel that has ended had sent.
func (s *session) drain() {
	for {
		select {
		case m := <-s.kernel.in:
			if m.on == onIOPub {
				s.publish(m)
			}
		case <-time.After(100 * time.Millisecond):
			return
		}
	}
}

func (s *session) publish(m message) {
	s.outputs.add(m)
	s.progress.show(m)
}

// failureText returns the error of a cell as a user reads it: what the compiler says,
// or what the program wrote to its standard error before it ended.
func failureText(reply message, out *cellOutputs) string {
	text := reply.text("evalue")
	if lines := tracebackText(reply.content["traceback"]); strings.Contains(lines, "Cell[") {
		text = lines // compile errors, with the cells' lines
	} else if stderr := strings.TrimSpace(out.stderr()); stderr != "" {
		text += "\n" + stderr
	}
	if unknownModule.MatchString(text) {
		text += "\nCells do not know nfkit: the first cell has to be\n" + indent(preamble)
	}
	return strings.TrimSpace(stripANSI(text))
}

// unknownModule is what the go command says of nfkit where the first cell was not run.
var unknownModule = regexp.MustCompile(`(no required module provides package|cannot find module providing package|module) ` + regexp.QuoteMeta(modulePath))

var exitStatus = regexp.MustCompile(`(?m)^(exit status \d+|signal: .*)$`)

// failedShellLine returns how a shell line of the cell ended that did not succeed, or
// "". GoNB reports it on standard error alone and goes on with the cell.
func failedShellLine(c *cell, out *cellOutputs) string {
	source := "\n" + c.source()
	if !strings.Contains(source, "\n!") && !strings.HasPrefix(source, "\n%%bash") && !strings.HasPrefix(source, "\n%%sh") {
		return ""
	}
	return exitStatus.FindString(out.stderr())
}

// indent puts four spaces before each line of s.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n    ")
}
