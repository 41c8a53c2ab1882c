package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// asCommand makes the test program behave as the command itself, so that tests can
// start the command as a process.
const asCommand = "NFKIT_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if how := os.Getenv(asJupyter); how != "" {
		fakeJupyter(how)
	}
	if os.Getenv(asCommand) != "" || len(os.Args) == 2 && os.Args[1] == keeperArg {
		main()
	}
	os.Exit(runTests(m))
}

// runTests runs the tests and returns the exit status. All temporary files are in one folder,
// and the tests fail if a run leaves any. Linkers and programs of cells live for a second, in which collecting takes a fifth.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nfkit-tests-")
	if err == nil {
		err = errors.Join(os.Setenv("TMPDIR", dir), os.Setenv("GOGC", "400"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	status := m.Run()
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 { // the pattern is valid
		fmt.Fprintf(os.Stderr, "temporary files are left: %v\n", left)
		return 1
	}
	return status
}

// commandLine returns the command as a process that is not started yet.
func commandLine(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// saveNotebook writes nb into a folder of its own and returns its path.
func saveNotebook(t *testing.T, nb *notebook) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "some.ipynb")
	if err := nb.write(name); err != nil {
		t.Fatal(err)
	}
	return name
}

// runCommand runs the command in this process.
func runCommand(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = command(t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestParseArgs(t *testing.T) {
	s, err := parseArgs([]string{"tutorial", "-set", "epochs=50", "-o", "x", "02", "-set", "name=a=b", "-timeout", "3s"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.names, []string{"tutorial", "02"}) || s.out != "x" || s.timeout != 3*time.Second ||
		!slices.Equal(s.set, []override{{"epochs", "50"}, {"name", "a=b"}}) {
		t.Errorf("parseArgs gives %+v", s)
	}
	for _, c := range []struct{ line, want string }{
		{"-set epochs", "want NAME=VALUE"},
		{"-set =5", "want NAME=VALUE"},
		{"-inplace -set a=1", "exclude each other"},
		{"-timeout 0s", "more than 0"},
		{"-nosuchflag", "not defined"},
	} {
		if _, err := parseArgs(strings.Fields(c.line)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("parseArgs(%s): %v, want an error with %q", c.line, err, c.want)
		}
	}
	if _, err := parseArgs([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("parseArgs(-h): %v, want %v", err, flag.ErrHelp)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	testTools(t)
	out := filepath.Join(t.TempDir(), "new", "folder")
	good := saveNotebook(t, newNotebook("const n = 7", "%%\nfmt.Println(\"n =\", n)"))
	before, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runCommand(t, "-o", out, "-set", "n=5", good)
	if status != statusOK || stderr != "" {
		t.Fatalf("exit status %d, stderr %s", status, stderr)
	}
	for _, want := range []string{"running some.ipynb", "[2/2]", "    n = 5\n", "done after", filepath.Join(out, "some.ipynb"), filepath.Join(out, "some.html")} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not show %q:\n%s", want, stdout)
		}
	}
	nb, _, err := readNotebook(filepath.Join(out, "some.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if got := nb.cells[0].source() + "|" + nb.cells[1].text("stdout"); got != "const n = 5|n = 5\n" {
		t.Errorf("the executed notebook has %q", got)
	}
	if nb.recordedHash() != "" {
		t.Error("a run that is not in place records the source hash")
	}
	html, err := os.ReadFile(filepath.Join(out, "some.html"))
	if err != nil || !bytes.Contains(html, []byte("n = 5")) {
		t.Errorf("the page does not show the output (%v)", err)
	}
	if after, _ := os.ReadFile(good); !bytes.Equal(before, after) {
		t.Error("the notebook itself has changed")
	}
}

func TestCommandInPlace(t *testing.T) {
	t.Parallel()
	testTools(t)
	out := t.TempDir()
	good := saveNotebook(t, newNotebook("%%\nfmt.Println(6 * 7)"))
	if status, _, stderr := runCommand(t, "-inplace", "-o", out, good); status != statusOK {
		t.Fatalf("exit status %d, stderr %s", status, stderr)
	}
	nb, _, err := readNotebook(good)
	if err != nil {
		t.Fatal(err)
	}
	if nb.cells[0].text("stdout") != "42\n" || nb.recordedHash() != nb.sourceHash() {
		t.Errorf("the notebook has the outputs %v and the hash %q", nb.cells[0].outputs(), nb.recordedHash())
	}

	// When a cell fails, the notebook stays and the outputs are in the folder.
	bad := saveNotebook(t, newNotebook("%%\nfmt.Println(6 * 7)", "%%\npanic(\"no\")"))
	before, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	status, _, stderr := runCommand(t, "-inplace", "-o", out, bad)
	if status != statusFailed || !strings.Contains(stderr, "some.ipynb: cell 2 failed:") || !strings.Contains(stderr, "panic: no") {
		t.Errorf("exit status %d, stderr %s", status, stderr)
	}
	if after, _ := os.ReadFile(bad); !bytes.Equal(before, after) {
		t.Error("a failed run in place has changed the notebook")
	}
	partial, _, err := readNotebook(filepath.Join(out, "some.ipynb"))
	if err != nil || partial.cells[0].text("stdout") != "42\n" {
		t.Errorf("what was done is not kept (%v)", err)
	}
}

func TestCommandErrors(t *testing.T) {
	t.Parallel()
	testTools(t)
	dir := t.TempDir()
	truncated := filepath.Join(dir, "truncated.ipynb")
	if err := os.WriteFile(truncated, []byte(`{"cells": [`), 0o644); err != nil {
		t.Fatal(err)
	}
	nb := saveNotebook(t, newNotebook("const n = 1"))
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"-h", "x"}, statusOK, ""},
		{[]string{"-x"}, statusUsage, "-h explains the command line"},
		{[]string{"no-such-notebook"}, statusFailed, "there is no notebook \"no-such-notebook\""},
		{[]string{"-o", t.TempDir(), truncated}, statusFailed, "truncated.ipynb is not a notebook: the file ends after 11 bytes"},
		{[]string{"-o", filepath.Join(truncated, "x"), nb}, statusFailed, "no folder for the results"},
		{[]string{"-o", dir, "-set", "m=1", nb}, statusFailed, "the notebook has no constant m to set; it has:\n  n = 1"},
	} {
		status, _, stderr := runCommand(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit status %d, stderr %q, want %d and %q", c.args, status, stderr, c.status, c.want)
		}
	}
}

// Ctrl-C, as the process gets it: the cell is interrupted, what was done is kept, and no
// process is left, although the program goes on after SIGINT.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	testTools(t)
	out := t.TempDir()
	name := saveNotebook(t, newNotebook("%%\nfmt.Println(\"first\")",
		printsPIDs("signal.Ignore(os.Interrupt)\nfmt.Println(\"started\")\ntime.Sleep(time.Hour)")))
	cmd := commandLine(t, "-o", out, name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Stdout = &whenWritten{"started", func() { _ = cmd.Process.Signal(os.Interrupt) }}
	err := cmd.Run()
	if cmd.ProcessState.ExitCode() != statusInterrupted || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("it ends with %v and says %q, want exit status %d", err, stderr.String(), statusInterrupted)
	}
	nb, _, err := readNotebook(filepath.Join(out, "some.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if got := nb.cells[0].text("stdout"); got != "first\n" {
		t.Errorf("the first cell's output is %q, want %q", got, "first\n")
	}
	wantGone(t, nb.cells[1].text("stdout"))
}

// Results never replace a notebook that is run, by whatever name; a run leaves no trace of it.
func TestResultsDoNotReplaceTheNotebook(t *testing.T) {
	t.Parallel()
	testTools(t)
	nb := saveNotebook(t, newNotebook("const n = 1", "%%\npanic(n)"))
	dir := filepath.Dir(nb)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	hard := t.TempDir()
	if err := os.Link(nb, filepath.Join(hard, "some.ipynb")); err != nil {
		t.Fatal(err)
	}
	other := saveNotebook(t, newNotebook("const n = 2"))
	if err := os.Rename(other, filepath.Join(dir, "other.ipynb")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(nb)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-o", dir, nb}, {"-o", link, "-set", "n=5", nb}, {"-o", hard, nb}, {"-o", dir + "/../" + filepath.Base(dir), nb},
		{"-o", dir, filepath.Join(dir, "other.ipynb")},
	} {
		status, _, stderr := runCommand(t, args...)
		if status != statusFailed || !strings.Contains(stderr, "the results would replace the notebook") {
			t.Errorf("%v: exit status %d, stderr %s", args, status, stderr)
		}
		if after, err := os.ReadFile(nb); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v: the notebook has changed (%v)", args, err)
		}
	}
}

// What is saved while a run in place goes on is kept, and the outputs are elsewhere.
func TestInPlaceKeepsEdits(t *testing.T) {
	t.Parallel()
	testTools(t)
	name := filepath.Join(t.TempDir(), "some.ipynb")
	edit := "%%\nb, _ := os.ReadFile(" + strconv.Quote(name) + ")\n" +
		"fmt.Println(os.WriteFile(" + strconv.Quote(name) + ", bytes.Replace(b, []byte(\"// a comment\"), []byte(\"// an edit\"), 1), 0o644))"
	if err := newNotebook("// a comment", edit).write(name); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	status, _, stderr := runCommand(t, "-inplace", "-o", out, name)
	executed := filepath.Join(out, "some.ipynb")
	if status != statusFailed || !strings.Contains(stderr, "it was changed while it ran, and is left as it is; the results are in "+executed) {
		t.Errorf("exit status %d, stderr %s", status, stderr)
	}
	edited, _, err := readNotebook(name)
	if err != nil || edited.cells[0].source() != "// an edit" || len(edited.cells[1].outputs()) != 0 {
		t.Errorf("the notebook is not as it was edited: %q, %v (%v)", edited.cells[0].source(), edited.cells[1].outputs(), err)
	}
	results, _, err := readNotebook(executed)
	if err != nil || results.cells[0].source() != "// a comment" || results.cells[1].text("stdout") != "<nil>\n" {
		t.Errorf("the results are not those of the run (%v)", err)
	}
}

// When the command is killed, its kernel ends too, and the kernel's folder goes.
func TestKilled(t *testing.T) {
	t.Parallel()
	testTools(t)
	temporary := t.TempDir()
	name := saveNotebook(t, newNotebook(printsPIDs("signal.Ignore(os.Interrupt)\nfmt.Println(\"started\")\ntime.Sleep(time.Hour)")))
	cmd := commandLine(t, "-o", t.TempDir(), name)
	cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
	var stdout bytes.Buffer
	cmd.Stdout = io.MultiWriter(&stdout, &whenWritten{"started", func() { _ = cmd.Process.Kill() }})
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("it ends with %v: %s", err, stdout.String())
	}
	wantGone(t, stdout.String())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left, _ := filepath.Glob(filepath.Join(temporary, "*"))
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("temporary files are left: %v", left)
		}
	}
}

// Constants may come from a file, a line each.
func TestSetFromFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seed 1.txt")
	if err := os.WriteFile(file, []byte("# of the first run\nseed = 5\r\n\nname=a=b\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := parseArgs([]string{"-set", "@" + file, "-set", "n=1"})
	if want := []override{{"seed", "5"}, {"name", "a=b"}, {"n", "1"}}; err != nil || !slices.Equal(s.set, want) {
		t.Errorf("-set @FILE gives %v (%v), want %v", s.set, err, want)
	}
	if err := os.WriteFile(file, []byte("seed 5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{"@" + file, "@" + file + ".missing"} {
		if _, err := parseArgs([]string{"-set", arg}); err == nil {
			t.Errorf("-set %s is taken, want an error", arg)
		}
	}
}

// A new notebook begins as all do, and runs.
func TestNew(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "my flow")
	status, stdout, stderr := runCommand(t, "new", name)
	if status != statusOK || !strings.Contains(stdout, name+".ipynb\n") {
		t.Fatalf("exit status %d, it says %s%s", status, stdout, stderr)
	}
	nb, text, err := readNotebook(name + ".ipynb")
	if err != nil {
		t.Fatal(err)
	}
	if got := nb.cells[0].source(); got != "# my flow" {
		t.Errorf("the title is %q", got)
	}
	if got := nb.code()[0].source(); got != preamble {
		t.Errorf("the first cell is %q, want %q", got, preamble)
	}
	if again, err := nb.encode(); err != nil || !bytes.Equal(text, again) {
		t.Errorf("it is not written as nbformat writes it (%v)", err)
	}
	nb.cells[3].setSource("%%\nfmt.Println(nf.NewDiagGaussian(3, nil).Dim(), targets.TwoMoons{}.Dim())")
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	if got := nb.cells[3].text("stdout"); got != "3 2\n" {
		t.Errorf("a cell of it prints %q, want %q", got, "3 2\n")
	}

	// It replaces none.
	if status, _, stderr := runCommand(t, "new", name+".ipynb"); status != statusFailed || !strings.Contains(stderr, "is there already") {
		t.Errorf("a second one of the name: exit status %d, stderr %s", status, stderr)
	}
	for _, args := range [][]string{{"new"}, {"new", "a", "b"}, {"new", "-x"}, {"new", ""}} {
		if status, _, _ := runCommand(t, args...); status != statusUsage {
			t.Errorf("%q: exit status %d, want %d", args, status, statusUsage)
		}
	}
	if status, stdout, _ := runCommand(t, "new", "-h"); status != statusOK || stdout != newUsage {
		t.Errorf("new -h: exit status %d, it says\n%s", status, stdout)
	}
}
