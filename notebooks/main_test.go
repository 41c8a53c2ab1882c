package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The tests of what runs notebooks, which run all notebooks as well, are in its own
// module; this test runs them, so that go test ./... checks everything.
func TestNotebooks(t *testing.T) {
	dir, err := source()
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, filepath.Join(dir, "..", "..", ".."))
	var limit time.Duration // none
	if end, ok := t.Deadline(); ok {
		limit = time.Until(end)
	}
	// Only this test knows on which files their results depend. Some of them wait for a limit
	// of time to pass, while others compile cells.
	cmd := exec.Command("go", "test", "-C", dir, "-count=1", "-parallel=4", "-timeout", limit.String(), "./...")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := run(cmd); err != nil {
		t.Fatalf("go test -C %s ./...: %v", dir, err)
	}
}

// readAll looks at all files of the checkout. The go command remembers on which files a
// test depends by what it has looked at, and runs the test again when one has changed.
func readAll(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "out") {
			return fs.SkipDir
		}
		if errors.Is(err, fs.ErrNotExist) { // it was a temporary file
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
