package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// After the set-up, what is compiled in the folder has nfkit, as it is here, and its modules
// in the versions of go.mod, without a network.
func TestSetUp(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module gonb_1234\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first cell may run again
		if err := setUp(dir); err != nil {
			t.Fatal(err)
		}
	}
	source := "package main\n\nimport (\n\t_ \"" + module + "/nfkit/nfplot\"\n\t_ \"gonum.org/v1/gonum/stat\"\n)\n\nfunc main() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if want := module + " " + filepath.Join(here, "..", "..") + "\n"; !strings.Contains(string(out), want) {
		t.Errorf("the modules are\n%s\nwant also %s", out, want)
	}
}

func TestSetUpErrors(t *testing.T) {
	if err := setUp(""); err == nil || !strings.Contains(err.Error(), "GONB_TMP_DIR is not set") {
		t.Errorf("outside a kernel: %v", err)
	}
	if err := setUp(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a folder that is not there is set up")
	}
	t.Chdir(t.TempDir())
	if err := setUp(t.TempDir()); err == nil {
		t.Error("a folder that knows no nfkit sets cells up")
	}
}
