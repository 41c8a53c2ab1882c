package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeCheckout returns the root of a checkout that has the named empty files.
func fakeCheckout(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range append(names, "go.mod") {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("module "+modulePath+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCheckoutRoot(t *testing.T) {
	root := fakeCheckout(t, "notebooks/deep/er/x.ipynb")
	for _, dir := range []string{root, filepath.Join(root, "notebooks", "deep", "er")} {
		if got, err := checkoutRoot(dir); err != nil || got != root {
			t.Errorf("checkoutRoot(%s) = %q, %v, want %q", dir, got, err, root)
		}
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("module example.com/other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := checkoutRoot(other); err == nil || !strings.Contains(err.Error(), "not inside a checkout") {
		t.Errorf("checkoutRoot of another module: %v, want an error that says so", err)
	}
}

func TestFindNotebook(t *testing.T) {
	root := fakeCheckout(t, "notebooks/01_tutorial.ipynb", "notebooks/02_image_flow.ipynb", "notebooks/more/03_image_prior.ipynb",
		"work/my_own.ipynb", "notebooks/out/01_tutorial.ipynb", "notebooks/testdata/x.ipynb", "notebooks/.ipynb_checkpoints/01_tutorial-checkpoint.ipynb", "notebooks/main.go")
	list, err := listNotebooks(root)
	if err != nil {
		t.Fatal(err)
	}
	base := func(files []string) (names []string) {
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
		return names
	}
	if got, want := base(list), []string{"01_tutorial.ipynb", "02_image_flow.ipynb", "03_image_prior.ipynb", "my_own.ipynb"}; !slices.Equal(got, want) {
		t.Fatalf("listNotebooks finds %v, want %v", got, want)
	}
	t.Chdir(filepath.Join(root, "notebooks", "more"))
	for name, want := range map[string]string{
		"01_tutorial.ipynb": "01_tutorial.ipynb", "01_tutorial": "01_tutorial.ipynb", "tutorial": "01_tutorial.ipynb",
		"01": "01_tutorial.ipynb", "flow": "02_image_flow.ipynb", "pri": "03_image_prior.ipynb",
		"own": "my_own.ipynb", "03_image_prior.ipynb": "03_image_prior.ipynb", "../01_tutorial.ipynb": "01_tutorial.ipynb",
	} {
		got, err := findNotebook(list, name)
		if err != nil || filepath.Base(got) != want || !filepath.IsAbs(got) {
			t.Errorf("findNotebook(%q) = %q, %v, want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"image":         "may be any of these; write more of the name:\n  02_image_flow.ipynb\n  03_image_prior.ipynb",
		"nothing":       "there is no notebook \"nothing\"; there is:\n  01_tutorial.ipynb\n",
		"no/such.ipynb": "is not a notebook file",
		root:            "is not a notebook file",
	} {
		if _, err := findNotebook(list, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("findNotebook(%q): %v, want an error with %q", name, err, want)
		}
	}
}

// Only where the checkout cannot be found from a notebook's folder is it named.
func TestCheckoutVariable(t *testing.T) {
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	module := t.TempDir()
	mod := "module example.com/own\n\ngo 1.26.0\n\nrequire " + modulePath + " v0.0.0\n\nreplace " + modulePath + " => " + root + "\n"
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(mod), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NFKIT", "")
	for dir, want := range map[string][]string{
		filepath.Join(root, "notebooks"): nil, module: nil, t.TempDir(): {"NFKIT=" + root},
	} {
		if got := checkoutVariable(root, dir); !slices.Equal(got, want) {
			t.Errorf("in %s: %q, want %q", dir, got, want)
		}
	}
	t.Setenv("NFKIT", "/of/the/user")
	if got := checkoutVariable(root, t.TempDir()); got != nil {
		t.Errorf("where the user has set it: %q, want nothing", got)
	}
}
