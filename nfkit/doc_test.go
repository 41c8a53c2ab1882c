package nfkit_test

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table of names has each flow, base, network and transformer of the package, and names nothing that does not exist.
func TestNamesElsewhere(t *testing.T) {
	page, err := os.ReadFile("NAMES.md")
	if err != nil {
		t.Fatal(err)
	}
	types, functions := sourceTypes(t, "."), sourceFunctions(t, ".")
	inRooms := map[string]bool{} // as package.name
	for _, room := range []string{"grids", "montecarlo", "vae"} {
		for name := range sourceTypes(t, room) {
			inRooms[room+"."+name] = true
		}
		for name := range sourceFunctions(t, room) {
			inRooms[room+"."+name] = true
		}
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 4 || !strings.Contains(cells[3], "`") {
			continue
		}
		for _, name := range strings.Split(strings.TrimSuffix(cells[3], " |"), ", ") {
			name = strings.Trim(name, "`")
			if inRooms[name] {
				continue
			}
			typ, method, _ := strings.Cut(name, ".")
			if types[typ] == nil && !functions[name] || method != "" && types[typ].methods[method] == nil {
				t.Errorf("the table names %s, which does not exist", name)
			}
			listed[strings.TrimPrefix(name, "New")] = true
		}
	}
	for name, s := range types {
		if (s.asserts["Flow"] || s.asserts["Base"] || s.asserts["Net"] || s.asserts["Transformer"]) && !listed[name] {
			t.Errorf("the table of names has no %s", name)
		}
	}
	if len(listed) < 40 {
		t.Errorf("the table has %d names", len(listed))
	}
}

// Every file that the page for contributors names is there, and every name in it that is declared in one.
func TestContributingNamesWhatIsThere(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", ".github", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	paths, inside := 0, regexp.MustCompile("`([a-zA-Z]+)` in (?:its )?`([^`]+)`")
	for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		path := name[1]
		if !strings.Contains(path, "/") || strings.ContainsAny(path, " ") || strings.Contains(path, "NAME") || strings.Contains(path, "NN_") {
			continue
		}
		paths++
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(path))); err != nil {
			t.Errorf("the page names %s: %v", path, err)
		}
	}
	for _, m := range inside.FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(m[1], "NAME") {
			continue
		}
		path := m[2]
		if !strings.Contains(path, "/") {
			path = "nfkit/internal/learn/" + path
		}
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
		if err != nil || !strings.Contains(string(text), "var "+m[1]+" = ") {
			t.Errorf("the page says that %s declares %s (%v)", path, m[1], err)
		}
	}
	for _, start := range []string{"flow_planar.go", "transformer_spline.go", "base_pca.go", "net_made.go", "loss_alpha.go"} {
		if _, err := os.Stat(start); err != nil || !strings.Contains(string(page), start) {
			t.Errorf("the page should name %s as an example of how files are named (%v)", start, err)
		}
	}
	if paths < 10 {
		t.Errorf("the page names %d files", paths)
	}
}

// sourceFunctions returns the names of the functions, and of the methods of models and flows, that a folder declares.
func sourceFunctions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, d := range functionsOf(t, dir, false) {
		if d.Recv == nil || slices.Contains([]string{"NormalizingFlow", "Chain"}, baseType(d.Recv.List[0].Type)) {
			names[d.Name.Name] = true
		}
	}
	return names
}

// Each constructor of a public package is called in an example of that package.
func TestConstructorsHaveExamples(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); name == "internal" || name == "testdata" {
			return filepath.SkipDir
		}
		called := map[string]bool{}
		for _, d := range functionsOf(t, dir, true) {
			if strings.HasPrefix(d.Name.Name, "Example") {
				ast.Inspect(d.Body, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok {
						called[s.Sel.Name] = true
					}
					return true
				})
			}
		}
		for _, d := range functionsOf(t, dir, false) {
			if name := d.Name.Name; d.Recv == nil && strings.HasPrefix(name, "New") {
				found++
				if !called[name] {
					t.Errorf("%s: no example calls %s", dir, name)
				}
			}
		}
		return nil
	})
	if err != nil || found < 60 {
		t.Errorf("found %d constructors (error %v), want all of them", found, err)
	}
}

// functionsOf returns the functions and methods that a folder declares in its tests, or elsewhere.
func functionsOf(t *testing.T, dir string, tests bool) []*ast.FuncDecl {
	t.Helper()
	var functions []*ast.FuncDecl
	for _, file := range parsed(t, dir, tests) {
		for _, d := range file.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				functions = append(functions, d)
			}
		}
	}
	return functions
}
