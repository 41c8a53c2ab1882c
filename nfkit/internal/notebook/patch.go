package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// patch is a change to a file of GoNB: new in place of old, which the file has once.
type patch struct {
	file, old, new string
}

// helpPatches make the kernel of people say more than GoNB does. They are small, and a build
// fails that finds the place changed.
var helpPatches = []patch{
	// Help without links: those of gopls lead to pages that a checkout does not have.
	{"internal/goexec/goplsclient/conn.go", "\t\tProcessID: 0,\n",
		"\t\tProcessID: 0,\n\t\tInitializationOptions: map[string]any{\"linksInHover\": false},\n"},
	// The classic Notebook shows help as plain text only.
	{"internal/goexec/inspect.go", "\tmimeMap = kernel.MIMEMap{string(protocol.MIMETextMarkdown): desc}\n",
		"\tplain := strings.NewReplacer(\"```go\\n\", \"\", \"```\\n\", \"\", \"---\\n\\n\", \"\").Replace(desc)\n" +
			"\tmimeMap = kernel.MIMEMap{string(protocol.MIMETextMarkdown): desc, string(protocol.MIMETextPlain): plain}\n"},
	// Where the first cell was not run, as after a restart, what the go command says of nfkit
	// leads nobody back to it.
	{"internal/goexec/errorpublish.go", "\tnbErr := newGonbErrors(s, fileToCellIdAndLine, errorMsg, err)\n",
		"\tif mod, err := os.ReadFile(s.TempDir + \"/go.mod\"); err == nil && strings.Contains(errorMsg, \"" + modulePath + "\") &&\n" +
			"\t\t!strings.Contains(string(mod), \"" + modulePath + "\") {\n\t\terrorMsg += \"\\n" + runFirstCell + "\\n\"\n\t}\n" +
			"\tnbErr := newGonbErrors(s, fileToCellIdAndLine, errorMsg, err)\n"},
	{"internal/goexec/errorpublish.go", "\t\"text/template\"\n", "\t\"os\"\n\t\"strings\"\n\t\"text/template\"\n"},
}

// runFirstCell is what a user is told who has not run the first cell.
const runFirstCell = "Cells do not know nfkit: run the first cell of the notebook, which has notebooks/setup in it."

// patchesName tells lists of patches apart.
func patchesName(patches []patch) string {
	sum := sha256.Sum256(fmt.Append(nil, patches))
	return hex.EncodeToString(sum[:4])
}

// patchedGonb makes the folder scratch have GoNB with the patches applied, and a go.mod that is
// that of the module at dir but for GoNB's place, for the flag -modfile of go build.
func patchedGonb(ctx context.Context, dir, scratch string, patches []patch) (modfile string, err error) {
	const path = "github.com/janpfeifer/gonb"
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", path) // it may be there already
	cmd.Dir = dir
	var module struct{ Dir string }
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &module)
	}
	if err != nil {
		return "", fmt.Errorf("no source of GoNB: %w\n%s", err, out)
	}
	source := filepath.Join(scratch, "gonb")
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	for _, p := range patches {
		name := filepath.Join(source, filepath.FromSlash(p.file))
		b, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(b), p.old); n != 1 {
			return "", fmt.Errorf("%s of GoNB has %d times, want once:\n%s", p.file, n, p.old)
		}
		if err := os.WriteFile(name, []byte(strings.Replace(string(b), p.old, p.new, 1)), 0o644); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		if name == "go.mod" {
			b = fmt.Appendf(b, "\nreplace %s => %q\n", path, source)
		}
		if err := os.WriteFile(filepath.Join(scratch, name), b, 0o644); err != nil {
			return "", err
		}
	}
	return filepath.Join(scratch, "go.mod"), nil
}
