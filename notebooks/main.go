// Command notebooks executes the notebooks of this checkout, or opens them in JupyterLab:
//
//	go run ./notebooks -h
//
// The program that does so needs more than a user of the package does, so it is a module
// of its own, nfkit/internal/notebook. This command builds it, and becomes it.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Exit statuses, as the program has them.
const (
	statusFailed      = 1
	statusInterrupted = 130
)

var errInterrupted = errors.New("interrupted")

func main() {
	program, err := build()
	if err == nil { // from here on signals, terminal and exit status are the program's own
		err = syscall.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "notebooks:", err)
	if errors.Is(err, errInterrupted) {
		os.Exit(statusInterrupted)
	}
	os.Exit(statusFailed)
}

// build returns the path of the program, which is in the user's cache folder and is built
// anew if what it is made of has changed.
func build() (string, error) {
	if runtime.GOOS == "windows" {
		return "", errors.New("the Go kernel GoNB does not run on Windows itself; use the Windows Subsystem for Linux (WSL)")
	}
	source, err := source()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep the built program in: %w; set HOME or XDG_CACHE_HOME", err)
	}
	checkout := fmt.Sprintf("%x", sha256.Sum256([]byte(source)))[:16] // each has its own
	program := filepath.Join(cache, "nfkit", "runner", checkout, "notebook")
	if _, err := os.Stat(program); err != nil {
		fmt.Println("building what runs notebooks (once; may take a minute)")
	}
	// Neither the program nor its speed depends on the state of the checkout's commits.
	cmd := exec.Command("go", "build", "-C", source, "-buildvcs=false", "-o", program, ".")
	cmd.Stderr = os.Stderr
	if err := run(cmd); err != nil {
		return "", fmt.Errorf("building %s: %w", source, err)
	}
	return program, nil
}

// run runs a command to its end. A signal interrupts the command alone, which then removes
// its temporary files.
func run(cmd *exec.Cmd) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for interrupted := false; ; {
		select {
		case <-signals:
			interrupted = true
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		case err := <-ended:
			if interrupted {
				return errInterrupted
			}
			return err
		}
	}
}

// source returns the folder of the program's module, in the checkout where this command
// was started.
func source() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/nfkit/nfkit-go").Output()
	if err != nil {
		return "", fmt.Errorf("no checkout of nfkit here: %w; change to one", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "nfkit", "internal", "notebook")
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("this is no checkout of nfkit but a copy of the package: %w; clone the repository", err)
	}
	return dir, nil
}
