// Command setup makes nfkit known to the cells of a notebook. It is the first line of every
// one, for the kernel GoNB:
//
//	!go run -C "${NFKIT-.}" github.com/nfkit/nfkit-go/notebooks/setup
//
// Cells are then compiled with nfkit as it is in the checkout that the notebook is in, or in
// the module, if that requires nfkit. For a notebook elsewhere the environment variable NFKIT
// names the checkout. All modules that nfkit needs are there for cells too, in the versions of
// its go.mod, without a network.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/nfkit/nfkit-go"

func main() {
	if err := setUp(os.Getenv("GONB_TMP_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

// setUp makes the folder cells, where the kernel compiles them, a module that has nfkit.
func setUp(cells string) error {
	if cells == "" {
		return fmt.Errorf("GONB_TMP_DIR is not set; this command is for the first cell of a notebook, with the kernel GoNB")
	}
	// go run -C has changed to a folder that knows nfkit.
	out, err := goCommand("list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	dir := strings.TrimSpace(out)
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(cells, name), b, 0o644); err != nil {
			return err
		}
	}
	_, err = goCommand("mod", "edit", "-module=cells", "-require="+module+"@v0.0.0", "-replace="+module+"="+dir,
		filepath.Join(cells, "go.mod"))
	return err
}

// goCommand returns what the go command prints.
func goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}
