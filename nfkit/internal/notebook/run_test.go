package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// builtTools builds the kernel once for all tests, and what the cells import, so that
// no time limit of a test includes the standard library's compilation.
var builtTools = sync.OnceValues(func() (tools, error) {
	dir, err := os.Getwd()
	if err != nil {
		return tools{}, err
	}
	root, err := checkoutRoot(dir)
	if err != nil {
		return tools{}, err
	}
	ctx := context.Background()
	built, err := buildTools(ctx, root, func(string) {})
	if err != nil {
		return tools{}, err
	}
	warmUp := newNotebook("%%\nfmt.Println(os.Args, signal.Ignored(os.Interrupt), time.Now())")
	return built, runNotebook(ctx, warmUp, built, os.TempDir(), 10*time.Minute, newProgress(io.Discard))
})

func testTools(t *testing.T) tools {
	t.Helper()
	built, err := builtTools()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

const testLimit = 10 * time.Minute // for a cell that a test expects to end, on a busy machine

// execute runs the notebook in a folder of its own and returns what is shown while it
// runs.
func execute(t *testing.T, nb *notebook, limit time.Duration) (shown string, err error) {
	t.Helper()
	var b bytes.Buffer
	err = runNotebook(t.Context(), nb, testTools(t), t.TempDir(), limit, newProgress(&b))
	return b.String(), err
}

// text returns what the cell wrote to the stream name.
func (c *cell) text(name string) string {
	var b strings.Builder
	for _, o := range c.outputs() {
		if o["name"] == name {
			s, _ := joinText(o["text"])
			b.WriteString(s)
		}
	}
	return b.String()
}

// printsPIDs is a cell's source that prints the process ids of the cell's program and
// of the kernel, and then does more.
func printsPIDs(more string) string {
	return "%%\nfmt.Println(\"PIDs\", os.Getpid(), os.Getppid())\n" + more
}

// wantGone checks that the processes that printsPIDs has printed have ended.
func wantGone(t *testing.T, text string) {
	t.Helper()
	_, line, ok := strings.Cut(text, "PIDs ")
	line, _, _ = strings.Cut(line, "\n")
	fields := strings.Fields(line)
	if !ok || len(fields) != 2 {
		t.Fatalf("no process ids in %q", text)
	}
	for _, f := range fields {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for !gone(pid) {
			if time.Now().After(deadline) {
				t.Errorf("process %d is still there", pid)
				_ = syscall.Kill(pid, syscall.SIGKILL)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// gone says whether a process has ended; its parent may not have taken notice yet.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}

// One kernel executes cells that show most of what may happen in a notebook.
func TestRun(t *testing.T) {
	t.Parallel()
	nb := newNotebook(
		"const greeting = \"grüß dich, 世界\"", // remembered by later cells
		"%%\nfmt.Println(greeting)\nfmt.Fprintln(os.Stderr, \"to stderr\")",
		`%%
for i := range 101 {
	fmt.Printf("\r%3d%%", i)
}
fmt.Println(" done")`,
		"",
		"!echo from the shell; pwd",
		`%%
// Many lines.
for i := range 5000 {
	fmt.Println("line", i)
}`,
		printsPIDs(""),
	)
	dir := t.TempDir()
	var b bytes.Buffer
	if err := runNotebook(t.Context(), nb, testTools(t), dir, testLimit, newProgress(&b)); err != nil {
		t.Fatal(err)
	}
	shown, c := b.String(), nb.cells
	if got, want := c[1].text("stdout"), "grüß dich, 世界\n"; got != want {
		t.Errorf("cell 2 prints %q, want %q", got, want)
	}
	if got, want := c[1].text("stderr"), "to stderr\n"; got != want {
		t.Errorf("cell 2 prints %q to stderr, want %q", got, want)
	}
	if got, want := c[2].text("stdout"), "100% done\n"; got != want {
		t.Errorf("cell 3 prints %q, want %q", got, want)
	}
	if got := c[4].text("stdout"); !strings.HasPrefix(got, "from the shell\n") || !strings.Contains(got, filepath.Base(dir)) {
		t.Errorf("the shell prints %q, want its line and the notebook's folder", got)
	}
	if got := c[5].text("stdout"); strings.Count(got, "\n") != 5000 || !strings.HasSuffix(got, "line 4999\n") {
		t.Errorf("cell 6 prints %d lines, want 5000", strings.Count(got, "\n"))
	}
	for i, want := range []string{"1", "2", "3", "<nil>", "4", "5", "6"} {
		if got := fmt.Sprint(c[i].raw["execution_count"]); got != want {
			t.Errorf("cell %d has the execution count %s, want %s", i+1, got, want)
		}
	}
	if got := nb.metadata()["language_info"].(map[string]any)["name"]; got != "go" {
		t.Errorf("the language is %v, want go", got)
	}
	for _, want := range []string{"[1/7] const greeting", "[2/7] fmt.Println(greeting)", "    grüß dich, 世界\n", "    to stderr\n",
		"    100% done\n", "[6/7] Many lines.", "    line 0\n", "more in the notebook"} {
		if !strings.Contains(shown, want) {
			t.Errorf("it shows no %q while it runs:\n%s", want, shown)
		}
	}
	if n := strings.Count(shown, "    line "); n > 500 {
		t.Errorf("%d of 5000 lines are passed on, want a few", n)
	}
	wantGone(t, c[6].text("stdout"))

	// The same run again gives the same file.
	first, err := nb.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseNotebook(first)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.encode(); err != nil || !bytes.Equal(first, second) {
		t.Errorf("reading and writing changes the file (%v)", err)
	}
}

// A cell's failure ends the run with the cell's number, source and error.
func TestFailingCells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, source string
		want         []string // in the error
	}{
		{"compile error", "%%\nfmt.Println(undefinedName)\nvar x int = \"s\"",
			[]string{"Cell[2]: Line 2", "undefined: undefinedName", "Cell[2]: Line 3", "cannot use \"s\""}},
		{"syntax error", "func f( {}", []string{"expected"}},
		{"panic", "%%\nvar s []int\nfmt.Println(s[3])", []string{"index out of range [3]", "main.go:", "exit status 2"}},
		{"exit", "%%\nfmt.Fprintln(os.Stderr, \"giving up\")\nos.Exit(7)", []string{"giving up", "exit status 7"}},
		{"shell", "!ls /no-such-folder", []string{"a shell line of the cell failed", "no-such-folder"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			nb := newNotebook("!true", c.source, "%%\nfmt.Println(\"not reached\")")
			nb.cells[2].setOutputs([]map[string]any{{"output_type": "stream", "name": "stdout", "text": "of an earlier run"}})
			shown, err := execute(t, nb, testLimit)
			failure, ok := errors.AsType[*cellError](err)
			if !ok || failure.number != 2 || failure.source != c.source {
				t.Fatalf("the error is %v, want one of cell 2", err)
			}
			for _, want := range append(c.want, "cell 2 failed", indent(c.source)) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error has no %q:\n%v", want, err)
				}
			}
			if len(nb.cells[1].outputs()) == 0 || len(nb.cells[2].outputs()) != 0 {
				t.Error("the notebook has not the outputs up to the failing cell")
			}
			if !strings.Contains(shown, "failed") || strings.Contains(shown, "not reached") {
				t.Errorf("it shows\n%s", shown)
			}
		})
	}
}

// A cell with the tag raises-exception may fail, and its error is kept.
func TestExpectedException(t *testing.T) {
	t.Parallel()
	nb := newNotebook("%%\npanic(\"on purpose\")", "%%\nfmt.Println(\"after\")")
	nb.cells[0].setTag("raises-exception")
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	if last := nb.cells[0].outputs()[len(nb.cells[0].outputs())-1]; last["output_type"] != "error" {
		t.Errorf("the last output is %v, want the error", last)
	}
	if got := nb.cells[1].text("stdout"); got != "after\n" {
		t.Errorf("the next cell prints %q, want %q", got, "after\n")
	}

	// It has to fail.
	nb = newNotebook("%%\nfmt.Println(\"no failure\")")
	nb.cells[0].setTag("raises-exception")
	if _, err := execute(t, nb, testLimit); err == nil || !strings.Contains(err.Error(), "cell 1 failed:\nit has the tag raises-exception, and has not failed") {
		t.Errorf("the error is %v, want one that says that the cell has not failed", err)
	}
}

func (c *cell) setTag(tag string) { c.raw["metadata"] = map[string]any{"tags": []any{tag}} }

// A cell with the tag skip-execution is not run, and stays as it is.
func TestSkipExecution(t *testing.T) {
	t.Parallel()
	nb := newNotebook("%%\nfmt.Println(1)", "%%\npanic(\"not to be run\")", "%%\nfmt.Println(3)")
	nb.cells[1].setTag("skip-execution")
	nb.cells[1].setOutputs([]map[string]any{{"output_type": "stream", "name": "stdout", "text": "of an earlier run"}})
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	if got := nb.cells[1].text("stdout"); got != "of an earlier run" || nb.cells[1].raw["execution_count"] != nil {
		t.Errorf("the skipped cell has the output %q and the count %v", got, nb.cells[1].raw["execution_count"])
	}
	if got := nb.cells[2].text("stdout") + fmt.Sprint(nb.cells[2].raw["execution_count"]); got != "3\n2" {
		t.Errorf("the cell after it has the output and count %q, want %q", got, "3\n2")
	}
}

// Who reads standard input is told at once that there is none.
func TestInputIsEmpty(t *testing.T) {
	t.Parallel()
	nb := newNotebook(
		"%%\nb, err := io.ReadAll(os.Stdin)\nfmt.Println(len(b), err)",
		"%%\ncmd := exec.Command(\"cat\")\ncmd.Stdin = os.Stdin\nfmt.Println(cmd.Run())",
		"!cat; echo shell",
		"!*cat && \\\n echo star",
		"%%bash\necho first\nread x || echo none",
	)
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"0 <nil>\n", "<nil>\n", "shell\n", "star\n", "first\nnone\n"} {
		if got := nb.cells[i].text("stdout"); got != want {
			t.Errorf("cell %d prints %q, want %q", i+1, got, want)
		}
	}
	if got := fmt.Sprint(nb.cells[0].raw["execution_count"]); got != "1" {
		t.Errorf("the first cell has the execution count %s, want 1", got)
	}
}

// Lines that end as on Windows are run as they would be elsewhere, and stay as they are.
func TestWindowsLineEnds(t *testing.T) {
	t.Parallel()
	sources := []string{"%%\r\nx := `a\r\nb`\r\nfmt.Printf(\"%q\\n\", x)\r\n", "!echo shell\r\n", "%%bash\r\necho bash\r\n"}
	nb := newNotebook(sources...)
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"\"a\\nb\"\n", "shell\n", "bash\n"} {
		if got := nb.cells[i].text("stdout"); got != want {
			t.Errorf("cell %d prints %q, want %q", i+1, got, want)
		}
		if got := nb.cells[i].source(); got != sources[i] {
			t.Errorf("the source of cell %d becomes %q, want %q", i+1, got, sources[i])
		}
	}
}

// A process that a cell leaves behind, and that holds the cell's output, ends the run with
// its name, not with the time limit.
func TestOutputIsHeld(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"program": "%%\ncmd := exec.Command(\"sleep\", \"98765\")\ncmd.Stdout = os.Stdout\nif err := cmd.Start(); err != nil {\n\tpanic(err)\n}\nfmt.Println(\"started\", cmd.Process.Pid)",
		"shell":   "!sleep 98765 & echo started $!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nb := newNotebook(source, "%%\nfmt.Println(\"not reached\")")
			_, err := execute(t, nb, testLimit)
			if err == nil || errors.Is(err, errTimeout) || !strings.Contains(err.Error(), "holds its output") || !strings.Contains(err.Error(), " sleep 98765\n") {
				t.Errorf("the error is %v, want one with what holds the output", err)
			}
			pid := strings.TrimSpace(strings.TrimPrefix(nb.cells[0].text("stdout"), "started"))
			wantGone(t, "PIDs "+pid+" "+pid+"\n")
		})
	}
}

// A process left behind that has an output of its own disturbs nobody, and ends with the run.
func TestBackgroundProcess(t *testing.T) {
	t.Parallel()
	nb := newNotebook("!sleep 98765 >/dev/null 2>&1 & echo PIDs $! $!", "%%\nfmt.Println(\"reached\")")
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	if got := nb.cells[1].text("stdout"); got != "reached\n" {
		t.Errorf("the next cell prints %q", got)
	}
	wantGone(t, nb.cells[0].text("stdout"))
}

// Without its first cell, as after a restart of the kernel, the error says what is missing.
func TestErrorLeadsToTheFirstCell(t *testing.T) {
	t.Parallel()
	nb := newNotebook("%noautoget\nimport nf \"" + modulePath + "/nfkit\"\n%%\nfmt.Println(nf.NewDiagGaussian(2, nil).Dim())")
	_, err := execute(t, nb, testLimit)
	if err == nil || !strings.Contains(err.Error(), "the first cell has to be\n"+indent(preamble)) {
		t.Errorf("the error is %v, want one with the first cell", err)
	}
}

// A notebook of another kernel is not run.
func TestOtherKernel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metadata map[string]any
		want     string
	}{
		{map[string]any{"kernelspec": map[string]any{"name": "python3", "language": "python"}}, `the kernel "python3" of the language python, want "gonb"`},
		{map[string]any{"kernelspec": map[string]any{"name": "julia-1.9"}}, `the kernel "julia-1.9", want "gonb"`},
		{map[string]any{"language_info": map[string]any{"name": "R"}}, "language R"},
		{map[string]any{"kernelspec": map[string]any{"name": "gonb-old", "language": "go"}}, ""},
		{map[string]any{"kernelspec": map[string]any{"name": "gonb"}}, ""},
		{map[string]any{}, ""},
	} {
		nb := newNotebook("const n = 1")
		nb.root["metadata"] = c.metadata
		err := nb.checkKernel()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("metadata %v: %v, want %q", c.metadata, err, c.want)
		}
		if c.want != "" {
			if _, err := execute(t, nb, testLimit); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it is run: %v", err)
			}
		}
	}
}

// A program that goes on after SIGINT is stopped all the same when its time is over.
func TestTimeout(t *testing.T) {
	t.Parallel()
	nb := newNotebook(printsPIDs(`
signal.Ignore(os.Interrupt)
fmt.Println("started")
time.Sleep(time.Hour)`))
	for limit := 3 * time.Second; ; limit *= 2 { // until the program is compiled and runs before
		_, err := execute(t, nb, limit)
		why := fmt.Sprint("longer than ", limit)
		if !errors.Is(err, errTimeout) || !strings.Contains(err.Error(), "cell 1 failed") || !strings.Contains(err.Error(), why) {
			t.Fatalf("the error is %v, want the time limit of cell 1", err)
		}
		if last := nb.cells[0].outputs()[len(nb.cells[0].outputs())-1]; !strings.Contains(fmt.Sprint(last["evalue"]), why) {
			t.Errorf("the last output is %v, want one that says why the cell was stopped", last)
		}
		if out := nb.cells[0].text("stdout"); strings.Contains(out, "started\n") {
			wantGone(t, out)
			return
		}
	}
}

// A program that ends at SIGINT has the time to do so.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	nb := newNotebook(printsPIDs(`
c := make(chan os.Signal, 1)
signal.Notify(c, os.Interrupt)
fmt.Println("started")
<-c
fmt.Println("saved")`), "%%\nfmt.Println(\"not reached\")")
	ctx, cancel := context.WithCancelCause(t.Context())
	w := &whenWritten{"started", func() { cancel(errInterrupted) }}
	err := runNotebook(ctx, nb, testTools(t), t.TempDir(), testLimit, newProgress(w))
	if !errors.Is(err, errInterrupted) {
		t.Errorf("the error is %v, want %v", err, errInterrupted)
	}
	out := nb.cells[0].text("stdout")
	if !strings.Contains(out, "saved\n") || len(nb.cells[1].outputs()) != 0 {
		t.Errorf("the cells print %q and %v, want the first to end by itself and the second not to run", out, nb.cells[1].outputs())
	}
	wantGone(t, out)
}

// whenWritten calls do when the text is written to it.
type whenWritten struct {
	text string
	do   func()
}

func (w *whenWritten) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.text)) {
		w.do()
	}
	return len(b), nil
}

// A kernel that dies is noticed at once.
func TestKernelDies(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids") // what is printed may not arrive
	nb := newNotebook(`%%
os.WriteFile("` + pids + `", fmt.Append(nil, "PIDs ", os.Getpid(), " ", os.Getppid(), "\n"), 0o644)
p, _ := os.FindProcess(os.Getppid())
p.Kill()
time.Sleep(time.Hour)`)
	_, err := execute(t, nb, testLimit)
	if err == nil || !strings.Contains(err.Error(), "cell 1 failed:\nthe kernel ended: signal: killed; the last lines of its log:\n") {
		t.Errorf("the error is %v, want how the kernel ended, and its log", err)
	}
	b, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	wantGone(t, string(b))
}

// Where there is a gopls on PATH, GoNB starts it; it does not outlive the kernel.
func TestKernelStopsGopls(t *testing.T) {
	t.Parallel()
	built := testTools(t)
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	built.gopls = filepath.Join(dir, "gopls")
	// As gopls it has its socket, which is in the kernel's temporary folder, in its arguments.
	script := "#!/bin/sh\ntrap '' TERM INT HUP\necho $$ > " + pid + "\nwhile true; do sleep 0.1; done\n"
	if err := os.WriteFile(built.gopls, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	nb := newNotebook("%%\nfor { // until it is started\n\tif b, _ := os.ReadFile(\"" + pid + "\"); len(b) > 0 {\n\t\tbreak\n\t}\n\ttime.Sleep(50 * time.Millisecond)\n}")
	if err := runNotebook(t.Context(), nb, built, dir, testLimit, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(pid)
	if err != nil {
		t.Fatalf("GoNB has not started gopls: %v", err)
	}
	wantGone(t, "PIDs "+strings.TrimSpace(string(b))+" "+strings.TrimSpace(string(b)))
}

// A kernel that cannot start is reported with its own words.
func TestKernelDoesNotStart(t *testing.T) {
	t.Parallel()
	built := testTools(t)
	dir := t.TempDir()
	broken := filepath.Join(dir, "gonb")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho no luck today >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ program, want string }{
		{broken, "the kernel does not start: the kernel ended: exit status 3; the last lines of its log:\n\tno luck today"},
		{filepath.Join(dir, "missing"), "the kernel does not start: fork/exec"},
	} {
		err := runNotebook(t.Context(), newNotebook("const n = 1"), tools{gonb: c.program, goimports: built.goimports}, dir, testLimit, newProgress(io.Discard))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want one with %q", err, c.want)
		}
	}
}
