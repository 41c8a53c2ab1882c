package nfkit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// sourceType is an exported type of the package, as its source declares it.
type sourceType struct {
	methods map[string]*ast.FuncType
	asserts map[string]bool // interfaces I of var _ I = (*T)(nil)
}

// parsed returns the tests of a folder, or its other files.
func parsed(t *testing.T, dir string, tests bool) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") != tests {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// sourceTypes returns the exported types that the files of a folder declare, tests excluded.
func sourceTypes(t *testing.T, dir string) map[string]*sourceType {
	t.Helper()
	types := map[string]*sourceType{}
	named := func(name string) *sourceType {
		if types[name] == nil {
			types[name] = &sourceType{methods: map[string]*ast.FuncType{}, asserts: map[string]bool{}}
		}
		return types[name]
	}
	for _, f := range parsed(t, dir, false) {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					named(baseType(d.Recv.List[0].Type)).methods[d.Name.Name] = d.Type
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						named(s.Name.Name)
					case *ast.ValueSpec:
						if i, name := assertion(s); i != "" {
							named(name).asserts[i] = true
						}
					}
				}
			}
		}
	}
	for name := range types {
		if !ast.IsExported(name) {
			delete(types, name)
		}
	}
	return types
}

// baseType returns the name of T in T or *T.
func baseType(e ast.Expr) string {
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	if i, ok := e.(*ast.Ident); ok {
		return i.Name
	}
	return ""
}

// assertion returns I and T of var _ I = (*T)(nil), and nothing of another declaration.
func assertion(s *ast.ValueSpec) (i, t string) {
	if len(s.Values) != 1 || s.Names[0].Name != "_" || s.Type == nil {
		return "", ""
	}
	call, ok := s.Values[0].(*ast.CallExpr)
	if !ok {
		return "", ""
	}
	p, ok := call.Fun.(*ast.ParenExpr)
	if !ok {
		return "", ""
	}
	return baseType(s.Type), baseType(p.X)
}

// onTape reports whether the first argument of a method is an *ad.Value.
func onTape(f *ast.FuncType) bool {
	if f == nil || len(f.Params.List) == 0 {
		return false
	}
	star, ok := f.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	s, ok := star.X.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Value"
}

// isFlow reports whether the type is declared to be a Flow, or has the methods of one.
func (s *sourceType) isFlow() bool {
	return s.asserts["Flow"] || s.methods["Dim"] != nil && onTape(s.methods["Forward"]) && onTape(s.methods["Inverse"])
}

// isBase reports whether the type is declared to be a Base, or has the methods of one.
func (s *sourceType) isBase() bool {
	return s.asserts["Base"] || onTape(s.methods["LogProb"]) && onTape(s.methods["Sample"])
}
