package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPinned(t *testing.T) {
	root := t.TempDir()
	mod := "module " + modulePath + "\n\ntool (\n\texample.com/a/b/cmd/good\n\texample.com/none/lost\n)\n\n" +
		"require (\n\texample.com/a v1.0.0\n\texample.com/a/b v1.2.3\n\texample.com/a/b/cmd/go v1.9.9\n)\n"
	writeOwnMod(t, root, mod)
	pkg, version, err := pinned(root, "good")
	if err != nil || pkg != "example.com/a/b/cmd/good" || version != "v1.2.3" {
		t.Errorf("pinned gives %q, %q, %v, want example.com/a/b/cmd/good at v1.2.3", pkg, version, err)
	}
	for name, want := range map[string]string{"other": "no tool line for other", "lost": "requires no module"} {
		if _, _, err := pinned(root, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("pinned(%s): %v, want an error with %q", name, err, want)
		}
	}
}

func TestBuildToolErrors(t *testing.T) {
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	say := func(s string) { said += s }
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, variable, value, want string }{
		{"no go", "PATH", t.TempDir(), "the go command is not on PATH; install Go"},
		{"cache is a file", "XDG_CACHE_HOME", blocked, "make the folder writable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said = ""
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv(c.variable, c.value)
			t.Setenv("HOME", os.Getenv("XDG_CACHE_HOME")) // where macOS keeps caches
			if _, err := buildTools(t.Context(), root, say); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("buildTools: %v, want an error with %q", err, c.want)
			}
		})
	}
	t.Run("it does not compile", func(t *testing.T) {
		cache := t.TempDir()
		t.Setenv("XDG_CACHE_HOME", cache)
		broken := t.TempDir()
		mod := "module " + modulePath + "\n\ngo 1.26\n\ntool example.com/lost/goimports\n\nrequire example.com/lost v1.0.0\n\n" +
			"replace example.com/lost => ./lost\n"
		writeOwnMod(t, broken, mod)
		if _, err := buildTool(t.Context(), broken, "goimports", say); err == nil || !strings.Contains(err.Error(), "building example.com/lost/goimports") {
			t.Errorf("buildTool: %v, want the build's error", err)
		}
		if !strings.Contains(said, "building goimports v1.0.0") {
			t.Errorf("it said %q before it built", said)
		}
		if left, _ := filepath.Glob(filepath.Join(cache, "nfkit", "tools", "*")); len(left) != 0 {
			t.Errorf("a failed build leaves %v", left)
		}
	})
}

// An interrupted build leaves neither files nor processes, even if the compiler goes on.
func TestInterruptedBuild(t *testing.T) {
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	cache, pids := t.TempDir(), filepath.Join(t.TempDir(), "pids")
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	scripts(t, map[string]string{"go": `trap "" INT
mkdir -p "$GOTMPDIR/go-build1/b001" "$TMPDIR/other"
` + sleep + ` 98765 &
echo PIDs $$ $! > ` + pids + `.new
` + "exec 3>&1; while ! [ -s " + pids + ".new ]; do :; done; cp " + pids + ".new " + pids + "\nwait"})
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for ; ; time.Sleep(10 * time.Millisecond) {
			if b, err := os.ReadFile(pids); err == nil && len(b) > 0 || ctx.Err() != nil {
				cancel(errInterrupted)
				return
			}
		}
	}()
	if _, err := buildTool(ctx, root, "goimports", func(string) {}); !errors.Is(err, errInterrupted) {
		t.Errorf("buildTool: %v, want %v", err, errInterrupted)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "nfkit", "tools", "*")); len(left) != 0 {
		t.Errorf("an interrupted build leaves %v", left)
	}
	b, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	wantGone(t, string(b))
}

// A tool on PATH is used if it is just what would be built.
func TestToolOnPath(t *testing.T) {
	built := testTools(t)
	root := built.checkout
	say := func(s string) { t.Errorf("it says %q", s) }
	t.Setenv("PATH", filepath.Dir(built.goimports)+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	got, err := buildTool(t.Context(), root, "goimports", say)
	if err != nil || got != built.goimports {
		t.Errorf("buildTool gives %s (%v), want %s", got, err, built.goimports)
	}
	pkg, version, err := pinned(root, "goimports")
	if err != nil {
		t.Fatal(err)
	}
	if !isBuilt(got, pkg, version) || isBuilt(got, pkg, "v0.0.1") || isBuilt(got, "example.com/other", version) || isBuilt("tools.go", pkg, version) {
		t.Error("isBuilt does not tell what a program was built from")
	}
}

// writeOwnMod writes the go.mod of this program into a checkout at root.
func writeOwnMod(t *testing.T, root, mod string) {
	t.Helper()
	dir := filepath.Join(root, filepath.FromSlash(ownFolder))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
