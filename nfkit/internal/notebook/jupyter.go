package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// jupyter is a program that serves notebooks to a browser.
type jupyter struct {
	argv []string
	name string // with its version, for people
	page string // what the address of a notebook has before its path
}

// jupyters lists what may be installed, the best first. The command jupyter also knows
// programs that are not on PATH.
var jupyters = []jupyter{
	{argv: []string{"jupyter-lab"}, name: "JupyterLab", page: "lab/tree/"},
	{argv: []string{"jupyter", "lab"}, name: "JupyterLab", page: "lab/tree/"},
	{argv: []string{"jupyter-notebook"}, name: "Jupyter Notebook", page: "notebooks/"},
	{argv: []string{"jupyter", "notebook"}, name: "Jupyter Notebook", page: "notebooks/"},
}

// wantedLab is what pip installs where there is no Jupyter.
const wantedLab = "jupyterlab>=4.5.7,<5" // the first without CVE-2026-40171; the image has the same major version

// findJupyter returns the Jupyter that is installed, or else one in a private
// environment, which is made if need be.
func findJupyter(ctx context.Context, say func(string)) (jupyter, error) {
	var broken []error
	for _, j := range jupyters {
		found, err := j.check(ctx)
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil:
			return jupyter{}, context.Cause(ctx)
		case !errors.Is(err, exec.ErrNotFound):
			broken = append(broken, err)
		}
	}
	j, err := privateJupyter(ctx, say)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("no Jupyter was found, and it could not be installed privately:\n%w\n%s", errors.Join(append(broken, err)...), howToInstall(runtime.GOOS))
	}
	return j, err
}

// check returns j with its version, or why it does not run.
func (j jupyter) check(ctx context.Context) (jupyter, error) {
	program, err := exec.LookPath(j.argv[0])
	if err != nil {
		return jupyter{}, err
	}
	j.argv = append([]string{program}, j.argv[1:]...)
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, append(j.argv[1:], "--version")...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return jupyter{}, fmt.Errorf("%s: %w: %s", strings.Join(j.argv, " "), err, lastLine(stderr.String()))
	}
	j.name += " " + lastLine(string(out))
	return j, nil
}

// privateJupyter returns the JupyterLab of a Python environment in the cache folder.
// Where it is missing or does not run any more, as after an upgrade of Python, it is made.
func privateJupyter(ctx context.Context, say func(string)) (jupyter, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return jupyter{}, err
	}
	dir := filepath.Join(cache, "nfkit", "jupyterlab")
	private := jupyters[0]
	private.argv = []string{filepath.Join(dir, "bin", "jupyter-lab")}
	if j, err := private.check(ctx); err == nil {
		return j, nil
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return jupyter{}, err
	}
	say("installing JupyterLab into " + dir + " (once; may take minutes)")
	for _, argv := range [][]string{
		{python, "-m", "venv", "--clear", dir},
		{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
			"--timeout", "15", "--retries", "1", wantedLab},
	} {
		out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
		if ctx.Err() != nil {
			return jupyter{}, context.Cause(ctx)
		}
		if err != nil {
			return jupyter{}, fmt.Errorf("%s: %w: %s", strings.Join(argv[:4], " "), err, lastLine(string(out)))
		}
	}
	return private.check(ctx)
}

// howToInstall says in one sentence how a person gets Jupyter on the system goos.
func howToInstall(goos string) string {
	switch goos {
	case "darwin":
		return "Install JupyterLab with Homebrew: brew install jupyterlab."
	case "linux":
		return "Install JupyterLab from your distribution: apt install jupyterlab (Debian 13), apt install jupyter-notebook (Debian 12, Ubuntu), " +
			"dnf install jupyterlab (Fedora), pacman -S jupyterlab (Arch)."
	}
	return "Install JupyterLab as https://jupyter.org/install says."
}

// lastLine returns the last line of a text that is not empty.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
