package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

const (
	modulePath = "github.com/nfkit/nfkit-go"
	suffix     = ".ipynb"
	ownFolder  = "nfkit/internal/notebook" // of this program, in the checkout
)

// checkoutRoot returns the folder of the nfkit checkout that dir is in.
func checkoutRoot(dir string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		b, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil && modfile.ModulePath(b) == modulePath {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is not inside a checkout of %s; change to one", dir, modulePath)
		}
	}
}

// thisCheckout returns the checkout where this program was started, and the folder in it.
func thisCheckout() (root, here string, err error) {
	if here, err = os.Getwd(); err != nil {
		return "", "", err
	}
	root, err = checkoutRoot(here)
	return root, here, err
}

// checkoutVariable returns the environment variable NFKIT, which tells the first cell of
// notebooks in dir where the package is; none if dir is in a module that knows it, or if the
// user has said it.
func checkoutVariable(root, dir string) []string {
	if os.Getenv("NFKIT") != "" {
		return nil
	}
	cmd := exec.Command("go", "list", "-m", modulePath)
	cmd.Dir = dir
	if cmd.Run() == nil {
		return nil
	}
	return []string{"NFKIT=" + root}
}

// listNotebooks returns the paths of the notebooks in the folder top, sorted. Results of
// runs, files for tests and hidden folders are left out.
func listNotebooks(top string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name != top && d.IsDir():
			return fs.SkipDir // not for this user to read
		case err != nil:
			return err
		case d.IsDir() && name != top && (d.Name() == "out" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.IsDir() && filepath.Ext(name) == suffix:
			list = append(list, name)
		}
		return nil
	})
	return list, err
}

// findNotebook returns the path of the notebook that a user means by name: a file, or
// a part of the name of one of the list, such as "tutorial" or "01".
func findNotebook(list []string, name string) (string, error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return filepath.Abs(name)
	} else if err == nil || !errors.Is(err, fs.ErrNotExist) || strings.ContainsRune(name, filepath.Separator) {
		return "", fmt.Errorf("%s is not a notebook file", name)
	}
	short := strings.TrimSuffix(name, suffix)
	base := func(file string) string { return strings.TrimSuffix(filepath.Base(file), suffix) }
	matches := func(fits func(string) bool) (found []string) {
		for _, file := range list {
			if fits(base(file)) {
				found = append(found, file)
			}
		}
		return found
	}
	found := matches(func(b string) bool { return b == short })
	if len(found) == 0 {
		found = matches(func(b string) bool { return slices.Contains(strings.Split(b, "_"), short) })
	}
	if len(found) == 0 {
		found = matches(func(b string) bool { return strings.Contains(b, short) })
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("there is no notebook %q; there is:\n%s", name, nameList(list))
	}
	return "", fmt.Errorf("%q may be any of these; write more of the name:\n%s", name, nameList(found))
}

// nameList returns the base names of files, one a line.
func nameList(files []string) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "  %s\n", filepath.Base(f))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
