package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// buildProgram makes one program of notebooks, and returns its path. Its argument says which of them it runs, by the name of the file. For the
// kernel, each cell is a program that is to be linked, and linking takes longer than most cells do with small settings.
func buildProgram(t *testing.T, root string, notebooks map[string]*notebook) string {
	t.Helper()
	dir := t.TempDir()
	// The go command is told of files that are not in the checkout, so that they are compiled as a part of the module.
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	add := func(folder, source string) {
		file := filepath.Join(dir, fmt.Sprint(len(overlay.Replace), ".go"))
		if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, folder, "cells.go")] = file
	}
	const main = "notebooks/testdata/all" // no ./... leads there
	var imports, cases strings.Builder
	for name, nb := range notebooks {
		add(path.Join(main, name), nb.asPackage(name))
		fmt.Fprintf(&imports, "import nb%s %q\n", name, path.Join(modulePath, main, name))
		fmt.Fprintf(&cases, "\tcase %q:\n\t\tnb%s.Run()\n", name, name)
	}
	add(main, "package main\n\nimport \"os\"\n"+imports.String()+"\nfunc main() {\n\tswitch os.Args[1] {\n"+cases.String()+"\t}\n}\n")
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := goCommand(t.Context(), root, dir, "build", "-overlay", file, "-ldflags=-s", "-o", program, "./"+main); err != nil {
		t.Fatal(err)
	}
	return program
}

// asPackage returns the code cells as the source of a Go package: what they declare, and the function Run, which does what they do, one after
// the other. The compiler and the program name the cell and its line. The lines of the preamble, which are for the kernel, are left out.
func (nb *notebook) asPackage(name string) string {
	var declared, run strings.Builder
	for i, c := range nb.code() {
		declarations, body, found := strings.Cut("\n"+c.source(), "\n%%\n")
		place := fmt.Sprintf("//line %s cell %d:", name, i+1)
		fmt.Fprintf(&declared, "%s1%s\n", place, blankSpecialLines(declarations))
		if found {
			fmt.Fprintf(&run, "func() {\n%s%d\n%s\n}()\n", place, strings.Count(declarations, "\n")+2, body)
		}
	}
	return "package nb" + name + "\n\n" + declared.String() + "\nfunc Run() {\n" + run.String() + "}\n"
}
