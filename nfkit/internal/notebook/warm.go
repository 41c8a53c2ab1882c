package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// whatCellsImport is a program that imports what most notebooks do.
const whatCellsImport = `package main

import (
	_ "gonum.org/v1/gonum/mat"
	_ "gonum.org/v1/gonum/stat"

	_ "` + modulePath + `/nfkit"
	_ "` + modulePath + `/nfkit/nfplot"
	_ "` + modulePath + `/nfkit/targets"
)

func main() {}
`

// warmGopls makes gopls read what cells import, and all that those packages import. It keeps
// what it finds in its cache, so that the first completion in a notebook need not wait for it;
// where the cache has it, this takes a second. What fails here is only slower later.
func warmGopls(ctx context.Context, t tools) {
	dir, err := scratchDir()
	if err != nil {
		return
	}
	defer os.RemoveAll(dir)
	for _, argv := range [][]string{
		{"go", "run", "-C", t.checkout, modulePath + "/notebooks/setup"},
		{t.gopls, "check", "main.go"},
	} {
		if os.WriteFile(filepath.Join(dir, "main.go"), []byte(whatCellsImport), 0o644) != nil {
			return
		}
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GONB_TMP_DIR="+dir, "PATH="+t.path(), "TMPDIR="+dir)
		leadGroup(cmd)
		cmd.Cancel = func() error { killGroup(cmd.Process.Pid); return nil }
		if cmd.Run() != nil {
			return
		}
	}
}
