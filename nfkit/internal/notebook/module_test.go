package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/zip"
)

// A user's module gets what it uses, and no tool of this project: with nfkit gonum, and
// with nfplot what gonum's plots need.
func TestModulesOfAnImporter(t *testing.T) {
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	published := t.TempDir()
	publish(t, root, published)
	t.Parallel() // from here on: notebooks that run write to the checkout
	cache := strings.TrimSpace(goOutput(t, root, nil, "env", "GOMODCACHE"))
	env := []string{"GOPROXY=file://" + filepath.Join(cache, "cache", "download"), // what the checkout needs is there
		"GOFLAGS=-mod=mod", "GONOSUMDB=*", "GOPRIVATE=", "GOWORK=off", "GOTOOLCHAIN=local"}
	base := []string{modulePath, "golang.org/x/sys", "golang.org/x/tools", "gonum.org/v1/gonum"} // gonum/graph has sets of x/tools
	plot := append(base, "codeberg.org/go-fonts/liberation", "codeberg.org/go-latex/latex", "codeberg.org/go-pdf/fpdf",
		"git.sr.ht/~sbinet/gg", "github.com/ajstarks/svgo", "github.com/golang/freetype",
		"golang.org/x/image", "golang.org/x/term", "golang.org/x/text", "gonum.org/v1/plot")
	for _, c := range []struct {
		imports []string
		want    []string
	}{
		{[]string{"nfkit", "nfkit/ad", "nfkit/targets", "nfkit/sweep", "nfkit/nftest"}, base},
		{[]string{"nfkit", "nfkit/nfplot"}, plot},
	} {
		t.Run(filepath.Base(c.imports[len(c.imports)-1]), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			source := "package main\n\nimport (\n"
			for _, path := range c.imports {
				source += fmt.Sprintf("\t_ %q\n", modulePath+"/"+path)
			}
			source += ")\n\nfunc main() {}\n"
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			goOutput(t, dir, env, "mod", "init", "example.com/user")
			goOutput(t, dir, env, "mod", "edit", "-require="+modulePath+"@"+publishedVersion, "-replace="+modulePath+"="+published)
			compiled := goOutput(t, dir, env, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".")
			wantModules(t, "a program is compiled from", compiled, c.want)
			if version := goOutput(t, dir, env, "list", "-m", "-f", "{{.GoVersion}}"); !strings.HasPrefix(version, "1.26") {
				t.Errorf("the module needs Go %s", version)
			}
			all := goOutput(t, dir, env, "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all")
			for _, tool := range []string{"gonb", "gopls", "zmq4", "chromedp"} {
				if strings.Contains(all, tool) {
					t.Errorf("the graph of modules has %s:\n%s", tool, all)
				}
			}
			t.Logf("the graph has %d modules", len(strings.Fields(all)))
		})
	}
}

const publishedVersion = "v0.0.1"

// publish copies to the folder dir what a version of the module has of the checkout: other modules in it are no part of it.
func publish(t *testing.T, root, dir string) {
	t.Helper()
	files, err := zip.CheckDir(root)
	if err = errors.Join(err, files.Err()); err != nil {
		t.Fatal(err)
	}
	for _, name := range files.Valid {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, root))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// goOutput returns what the go command prints, run in dir with more in its environment.
func goOutput(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

func wantModules(t *testing.T, what, got string, want []string) {
	t.Helper()
	list := strings.Fields(got)
	slices.Sort(list)
	list = slices.Compact(list)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(list, want) {
		t.Errorf("%s\n%s\nwant\n%s", what, strings.Join(list, "\n"), strings.Join(want, "\n"))
	}
}
