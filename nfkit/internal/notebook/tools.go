package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
)

// tools are the programs that run a cell, as absolute paths. Only a person who writes
// cells needs gopls, which completes and explains names; it is "" where nobody does.
type tools struct {
	gonb, goimports, gopls string
	checkout               string // whose package cells use
}

// path returns the PATH on which a kernel finds the tools and the go command.
func (t tools) path() string {
	var dirs []string
	for _, program := range []string{t.goimports, t.gopls} {
		if program != "" {
			dirs = append(dirs, filepath.Dir(program))
		}
	}
	if program, err := exec.LookPath("go"); err == nil {
		dirs = append(dirs, filepath.Dir(program))
	}
	return strings.Join(append(dirs, os.Getenv("PATH")), string(os.PathListSeparator))
}

// buildTools returns the tools in the versions that this program's go.mod pins. What
// is not in the user's cache folder yet is built, after say has been told.
func buildTools(ctx context.Context, root string, say func(string), gonbPatches ...patch) (t tools, err error) {
	if _, err := exec.LookPath("go"); err != nil { // cells need it too
		return tools{}, errors.New("the go command is not on PATH; install Go from https://go.dev/dl and add its bin folder to PATH")
	}
	t.checkout = root
	if t.gonb, err = buildTool(ctx, root, "gonb", say, gonbPatches...); err != nil {
		return tools{}, err
	}
	if t.goimports, err = buildTool(ctx, root, "goimports", say); err != nil {
		return tools{}, err
	}
	return t, nil
}

// buildTool returns the path of one program, which a tool line of go.mod names: one on
// PATH that is just what would be built, as in the image, or else one in the cache. Each
// version has a folder of its own there, so two checkouts do not disturb each other. Patches
// are for GoNB; a program with patches is never one on PATH.
func buildTool(ctx context.Context, root, name string, say func(string), patches ...patch) (string, error) {
	pkg, version, err := pinned(root, name)
	if err != nil {
		return "", err
	}
	if program, err := exec.LookPath(name); err == nil && len(patches) == 0 && isBuilt(program, pkg, version) {
		return filepath.Abs(program)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep the built %s in: %w; set HOME or XDG_CACHE_HOME", name, err)
	}
	parent := filepath.Join(cache, "nfkit", "tools")
	dir := filepath.Join(parent, fmt.Sprintf("%s@%s-%s-%s-%s", name, version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
	if len(patches) > 0 {
		dir += "-" + patchesName(patches)
	}
	program := filepath.Join(dir, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}

	say(fmt.Sprintf("building %s %s (once; may take a minute)", name, version))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("cannot keep the built %s: %w; make the folder writable", name, err)
	}
	// Build elsewhere and rename, so that what is found is complete.
	fresh, err := os.MkdirTemp(parent, ".build-*")
	if err != nil {
		return "", fmt.Errorf("cannot keep the built %s: %w; make the folder writable", name, err)
	}
	defer os.RemoveAll(fresh)
	own := filepath.Join(root, ownFolder)
	args := []string{"build", "-o", filepath.Join(fresh, name), pkg}
	if len(patches) > 0 {
		scratch, err := os.MkdirTemp(fresh, "patched-*")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(scratch)
		modfile, err := patchedGonb(ctx, own, scratch, patches)
		if err != nil {
			return "", err
		}
		args = slices.Insert(args, 1, "-modfile="+modfile)
	}
	if err := goCommand(ctx, own, fresh, args...); err != nil {
		return "", fmt.Errorf("building %s: %w", pkg, err)
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, found := os.Stat(program); found != nil {
			return "", fmt.Errorf("cannot keep the built %s: %w", name, err)
		} // another run was faster
	}
	return program, nil
}

// buildGrace is how long an interrupted build may take to end by itself.
const buildGrace = 5 * time.Second

// goCommand runs the go command in the module at dir. Whatever ends it, its temporary files, which are
// in the folder scratch, are removed, and none of its processes is left.
func goCommand(ctx context.Context, dir, scratch string, args ...string) error {
	temporary, err := os.MkdirTemp(scratch, "go-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTMPDIR="+temporary, "TMPDIR="+temporary)
	leadGroup(cmd)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = buildGrace
	out, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		killGroup(cmd.Process.Pid) // compilers of an interrupted build
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// isBuilt says whether program was built from the package, in that version, by the Go that
// has built this program.
func isBuilt(program, pkg, version string) bool {
	info, err := buildinfo.ReadFile(program)
	if err != nil || info.Path != pkg || info.GoVersion != runtime.Version() {
		return false
	}
	main := &info.Main
	if main.Replace != nil {
		main = main.Replace
	}
	return main.Version == version
}

// pinned returns the package of the tool name and the version of its module, as
// go.mod has them.
func pinned(root, name string) (pkg, version string, err error) {
	file := filepath.Join(root, ownFolder, "go.mod")
	b, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	mod, err := modfile.Parse(file, b, nil)
	if err != nil {
		return "", "", err
	}
	for _, t := range mod.Tool {
		if path.Base(t.Path) == name {
			pkg = t.Path
		}
	}
	if pkg == "" {
		return "", "", fmt.Errorf("%s has no tool line for %s", file, name)
	}
	longest := ""
	for _, r := range mod.Require {
		m := r.Mod.Path
		if len(m) > len(longest) && (pkg == m || strings.HasPrefix(pkg, m+"/")) {
			longest, version = m, r.Mod.Version
		}
	}
	if version == "" {
		return "", "", fmt.Errorf("%s requires no module that holds the tool %s", file, pkg)
	}
	for _, r := range mod.Replace {
		if r.Old.Path == longest && r.New.Version != "" {
			version = r.New.Version
		}
	}
	return pkg, version, nil
}
