package nfkit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The table of names in doc.go has each flow, base and network of the package, and names nothing that does not exist.
func TestNamesElsewhere(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(file.Doc.Text(), "# Names elsewhere")
	types := sourceTypes(t, ".")
	functions := sourceFunctions(t, ".")
	listed := map[string]bool{}
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "\t") {
			continue
		}
		line = strings.TrimSpace(line)
		ours := line[strings.LastIndex(line, "  ")+2:]
		if ours == "nfkit" || ours == "package targets" {
			continue
		}
		for _, name := range strings.Split(ours, ", ") {
			typ, method, _ := strings.Cut(name, ".")
			if types[typ] == nil && !functions[name] || method != "" && types[typ].methods[method] == nil {
				t.Errorf("the table names %s, which does not exist", name)
			}
			listed[strings.TrimPrefix(name, "New")] = true
		}
	}
	for name, s := range types {
		if (s.asserts["Flow"] || s.asserts["Base"] || s.asserts["Net"]) && !listed[name] {
			t.Errorf("the table of names in doc.go has no %s", name)
		}
	}
	if len(listed) < 40 {
		t.Errorf("the table has %d names", len(listed))
	}
}

// sourceFunctions returns the names of the functions, and of the methods of models and flows, that a folder declares.
func sourceFunctions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && (d.Recv == nil || slices.Contains([]string{"NormalizingFlow", "Chain"}, baseType(d.Recv.List[0].Type))) {
				names[d.Name.Name] = true
			}
		}
	}
	return names
}
