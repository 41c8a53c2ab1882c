package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asJupyter makes the test program behave as a Jupyter that starts one kernel. Its value
// says how that goes on.
const asJupyter = "NFKIT_TEST_AS_JUPYTER"

// fakeJupyter is what the test program then does.
func fakeJupyter(how string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(4)
		}
	}
	switch how {
	case "exits":
		fmt.Fprintln(os.Stderr, "port 8888 is not available")
		os.Exit(3)
	case "is a kernel":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		time.Sleep(time.Hour)
	}
	_, err := os.Stat(filepath.Join(os.Getenv("JUPYTER_PATH"), "kernels", "gonb", "kernel.json"))
	fail(err)
	if how == "tells its settings" {
		if !slices.Contains(os.Args, "--MultiKernelManager.default_kernel_name="+kernelName) {
			fail(fmt.Errorf("the arguments are %q", os.Args))
		}
		var settings map[string]map[string]any
		b, err := os.ReadFile(filepath.Join(os.Getenv("JUPYTER_CONFIG_PATH"), "labconfig", "default_setting_overrides.json"))
		fail(errors.Join(err, json.Unmarshal(b, &settings)))
		if limit, ok := settings["@jupyterlab/completer-extension:manager"]["providerTimeout"].(float64); !ok || limit < 10_000 {
			fail(fmt.Errorf("the settings are %s", b))
		}
	}
	runtime := os.Getenv("JUPYTER_RUNTIME_DIR")
	fail(os.Mkdir(runtime, 0o700))
	program, err := os.Executable()
	fail(err)
	kernel := exec.Command(program, "--kernel", filepath.Join(runtime, "kernel-1.json"))
	kernel.Env = append(os.Environ(), asJupyter+"=is a kernel")
	kernel.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as Jupyter starts them
	fail(kernel.Start())
	fail(os.WriteFile("pids", fmt.Appendf(nil, "PIDs %d %d\n", os.Getpid(), kernel.Process.Pid), 0o644))
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM)
	fail(os.WriteFile(filepath.Join(runtime, "jpserver-1.json"), []byte(`{"url": "http://localhost:8889/base/", "token": "a b"}`), 0o644))
	switch how {
	case "dies":
		awaitAddress()
		fmt.Fprintln(os.Stderr, "out of memory")
		os.Exit(5)
	case "is shut down":
		awaitAddress()
		os.Exit(0)
	}
	<-stopped
	os.Exit(0)
}

// addressSaid is a file in the folder of the fake Jupyter: its address was said.
const addressSaid = "said"

func awaitAddress() {
	for {
		if _, err := os.Stat(addressSaid); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// serveFake opens a notebook in the fake Jupyter and returns what was said and the end.
// When the address is said, then is called.
func serveFake(t *testing.T, how string, then func(cancel context.CancelCauseFunc)) (said string, err error) {
	t.Helper()
	t.Setenv(asJupyter, how)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	dir := t.TempDir()
	s := &labSettings{noBrowser: true}
	j := jupyter{argv: []string{program}, name: "Fake 1.0", page: "lab/tree/"}
	err = s.serve(ctx, j, tools{gonb: "gonb"}, mustGetwd(t), filepath.Join(dir, "my own.ipynb"), func(line string) {
		said += line + "\n"
		if strings.Contains(line, "Ctrl-C") {
			if err := os.WriteFile(filepath.Join(dir, addressSaid), nil, 0o644); err != nil {
				t.Error(err)
			}
			then(cancel)
		}
	})
	if pids, readErr := os.ReadFile(filepath.Join(dir, "pids")); readErr == nil {
		wantGone(t, string(pids))
	} else if how != "exits" {
		t.Error(readErr)
	}
	return said, err
}

func TestLab(t *testing.T) {
	said, err := serveFake(t, "serves", func(cancel context.CancelCauseFunc) { cancel(errInterrupted) })
	if err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	for _, want := range []string{"starting Fake 1.0\n", "my own.ipynb is at\n  http://localhost:8889/base/lab/tree/my%20own.ipynb?token=a+b\n", "ending Jupyter\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("it says no %q:\n%s", want, said)
		}
	}
}

// A Jupyter that ends is reported, with its own words if it has failed, and its kernels
// do not stay.
func TestLabEnds(t *testing.T) {
	for how, want := range map[string]string{
		"exits":        "Fake 1.0 does not start: the server ended: exit status 3; the last lines of its log:\n\tport 8888 is not available",
		"dies":         "the server ended: exit status 5; the last lines of its log:\n\tout of memory",
		"is shut down": "",
	} {
		t.Run(how, func(t *testing.T) {
			said, err := serveFake(t, how, func(context.CancelCauseFunc) {})
			if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
				t.Errorf("the error is %q, want %q", got, want)
			}
			if err == nil && !strings.Contains(said, "Jupyter has ended.") {
				t.Errorf("it says\n%s", said)
			}
		})
	}
}

func TestParseLabArgs(t *testing.T) {
	s, err := parseLabArgs([]string{"flows", "-no-browser"})
	if err != nil || *s != (labSettings{"flows", true}) {
		t.Errorf("parseLabArgs gives %+v, %v", s, err)
	}
	if s, err := parseLabArgs(nil); err != nil || s.name != defaultNotebook {
		t.Errorf("parseLabArgs without arguments gives %+v, %v", s, err)
	}
	for line, want := range map[string]string{"a b": "got 2 notebooks, want one", "-o x": "not defined"} {
		if _, err := parseLabArgs(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseLabArgs(%s): %v, want an error with %q", line, err, want)
		}
	}
	if status, stdout, _ := runCommand(t, "lab", "-h"); status != statusOK || stdout != labUsage {
		t.Errorf("lab -h: exit status %d, it says\n%s", status, stdout)
	}
	if status, _, stderr := runCommand(t, "lab", "-x"); status != statusUsage || !strings.Contains(stderr, "-h explains") {
		t.Errorf("lab -x: exit status %d, it says\n%s", status, stderr)
	}
	if status, _, stderr := runCommand(t, "lab", "no-such-notebook"); status != statusFailed || !strings.Contains(stderr, "there is no notebook") {
		t.Errorf("lab no-such-notebook: exit status %d, it says\n%s", status, stderr)
	}
}

// Nobody but the user sees the token: the browser is given a page that leads to it.
func TestRedirectKeepsTheToken(t *testing.T) {
	s := &server{scratch: t.TempDir()}
	const address = "http://localhost:8889/lab/tree/a%20b.ipynb?token=a+b&x=\"y\""
	page, err := s.redirect(address)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page, "token") || !strings.HasPrefix(page, s.scratch) {
		t.Errorf("the page is %s, want a file in %s", page, s.scratch)
	}
	info, err := os.Stat(page)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the page has the mode %v (%v), want 0600", info.Mode(), err)
	}
	b, err := os.ReadFile(page)
	if want := `content="0; url=http://localhost:8889/lab/tree/a%20b.ipynb?token=a+b&amp;x=&#34;y&#34;"`; err != nil || !strings.Contains(string(b), want) {
		t.Errorf("the page is\n%s\nwant one with %s (%v)", b, want, err)
	}
}

// A new notebook is one of Go, and a completion may take longer than a second.
func TestLabSettings(t *testing.T) {
	said, err := serveFake(t, "tells its settings", func(cancel context.CancelCauseFunc) { cancel(errInterrupted) })
	if err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// scripts makes PATH a folder with shell scripts of these names, and the shell's own.
func scripts(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"mkdir", "cp", "chmod"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "cache"))
}

func TestFindJupyter(t *testing.T) {
	for _, c := range []struct {
		name     string
		programs map[string]string
		found    string // name and page
		said     string
		errs     []string
	}{
		{name: "JupyterLab is the best", found: "JupyterLab 4.0.11 lab/tree/",
			programs: map[string]string{"jupyter-lab": "echo 4.0.11", "jupyter-notebook": "echo 6.4.12"}},
		{name: "the classic Notebook will do", found: "Jupyter Notebook 6.4.12 notebooks/",
			programs: map[string]string{"jupyter": "exit 1", "jupyter-notebook": "echo 6.4.12"}},
		{name: "jupyter knows of it", found: "JupyterLab 4.5.0 lab/tree/",
			programs: map[string]string{"jupyter": "echo 4.5.0"}},
		{name: "a broken one is passed over", found: "Jupyter Notebook 6.4.12 notebooks/",
			programs: map[string]string{"jupyter-lab": "echo no module >&2; exit 1", "jupyter-notebook": "echo 6.4.12"}},
		{name: "a private one is made", found: "JupyterLab 4.2.0 lab/tree/", said: "installing JupyterLab",
			programs: map[string]string{"python3": // as: python3 -m venv --clear DIR
			`mkdir -p "$4/bin"
				echo '#!/bin/sh' > "$4/bin/jupyter-lab"; chmod +x "$4/bin/jupyter-lab"
				echo '#!/bin/sh
				echo echo 4.2.0 >> "${0%python}jupyter-lab"' > "$4/bin/python"; chmod +x "$4/bin/python"`}},
		{name: "no Python", programs: map[string]string{"jupyter-lab": "echo no module jupyterlab >&2; exit 1"},
			errs: []string{"no Jupyter was found", "no module jupyterlab", "python3", "Install JupyterLab"}},
		{name: "no venv", said: "installing JupyterLab", programs: map[string]string{"python3": "echo ensurepip is not available; exit 1"},
			errs: []string{"-m venv --clear: exit status 1: ensurepip is not available", "Install JupyterLab"}},
		{name: "no network", said: "installing JupyterLab", programs: map[string]string{"python3": // as: python3 -m venv --clear DIR
		`mkdir -p "$4/bin"
				echo '#!/bin/sh
				echo WARNING: Retrying
				echo ERROR: No matching distribution
				exit 1' > "$4/bin/python"; chmod +x "$4/bin/python"`},
			errs: []string{"-m pip install: exit status 1: ERROR: No matching distribution", "Install JupyterLab"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			scripts(t, c.programs)
			said := ""
			j, err := findJupyter(t.Context(), func(s string) { said += s })
			if c.found != "" && (err != nil || j.name+" "+j.page != c.found) {
				t.Errorf("it finds %s %s (%v), want %s", j.name, j.page, err, c.found)
			}
			for _, want := range c.errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want one with %q", err, want)
				}
			}
			if !strings.HasPrefix(said, c.said) || c.said == "" && said != "" {
				t.Errorf("it says %q, want %q", said, c.said)
			}
			if err != nil {
				return
			}
			// The next start installs nothing.
			again, err := findJupyter(t.Context(), func(s string) { t.Errorf("at the next start it says %q", s) })
			if err != nil || again.name != j.name {
				t.Errorf("at the next start it finds %s (%v), want %s", again.name, err, j.name)
			}
		})
	}
}

// The kernelspec has all that a kernel needs, whatever the PATH where it is started.
func TestKernelspec(t *testing.T) {
	goProgram, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeKernelspec(dir, tools{gonb: "/a/gonb", goimports: "/b/goimports", gopls: "/c/gopls"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "kernels", kernelName, "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Argv []string
		Env  map[string]string
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(spec.Argv), "[/a/gonb --kernel {connection_file}]"; got != want {
		t.Errorf("the kernel's command is %s, want %s", got, want)
	}
	if want := "/b:/c:" + filepath.Dir(goProgram) + ":"; !strings.HasPrefix(spec.Env["PATH"], want) {
		t.Errorf("the kernel's PATH is %s, want %s and the rest", spec.Env["PATH"], want)
	}
}

func TestOpenBrowser(t *testing.T) {
	t.Setenv("DISPLAY", ":0")
	given := filepath.Join(t.TempDir(), "given")
	works := `echo "$1" > ` + given
	scripts(t, map[string]string{"xdg-open": works, "open": works})
	if err := openBrowser("/tmp/a page.html"); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(given); string(b) != "/tmp/a page.html\n" {
		t.Errorf("the browser gets %q (%v)", b, err)
	}
	scripts(t, map[string]string{"xdg-open": "exit 3", "open": "exit 3"})
	if err := openBrowser("x"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("the error is %v, want exit status 3", err)
	}
	scripts(t, nil)
	if err := openBrowser("x"); err == nil {
		t.Error("there is no error without a program that opens browsers")
	}
}
