package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// override replaces the value of a notebook's constant, as papermill replaces a
// parameter: the source of the notebook changes, and the change is visible in it.
type override struct {
	name, value string
}

// constantValue is the place in a cell's source where a constant gets its value.
type constantValue struct {
	name       string
	start, end int // of the value's expression
	text       string
	kind       constant.Kind // constant.Unknown if it depends on other names
	typeName   string        // that the value's expression gives it, "" if none
	declared   bool          // the type stands before the value
}

// apply overrides constants in all code cells. If one cannot be, the error says why
// and the notebook is unchanged.
func (nb *notebook) apply(set []override) error {
	known := map[string]string{} // name to value, for the message
	for _, c := range nb.code() {
		for _, v := range constants(c.source()) {
			known[v.name] = v.text
		}
	}
	sources := map[*cell]string{}
	for _, o := range set {
		if _, ok := known[o.name]; !ok {
			return fmt.Errorf("the notebook has no constant %s to set; %s", o.name, describe(known))
		}
		for _, c := range nb.code() {
			source, ok := sources[c]
			if !ok {
				source = c.source()
			}
			changed, err := o.in(source)
			if err != nil {
				return err
			}
			sources[c] = changed
		}
	}
	for c, source := range sources {
		c.setSource(source)
	}
	return nil
}

// describe lists the constants that a notebook has.
func describe(known map[string]string) string {
	if len(known) == 0 {
		return "it declares none"
	}
	var b strings.Builder
	b.WriteString("it has:")
	for _, name := range slices.Sorted(maps.Keys(known)) {
		fmt.Fprintf(&b, "\n  %s = %s", name, known[name])
	}
	return b.String()
}

// in returns source with the constant's value replaced wherever it is declared.
func (o override) in(source string) (string, error) {
	list := constants(source)
	for _, v := range slices.Backward(list) { // from the end, so that places stay valid
		if v.name != o.name {
			continue
		}
		text, err := o.literal(v)
		if err != nil {
			return "", err
		}
		source = source[:v.start] + text + source[v.end:]
	}
	return source, nil
}

// literal returns the Go expression of the new value, of the kind and type of the old one:
// an integer stays one, a number with a point keeps it, uint64(3) becomes uint64(5), a
// string may come without quotes.
func (o override) literal(old constantValue) (string, error) {
	if old.kind == constant.String {
		text, err := strconv.Unquote(o.value)
		if err != nil {
			text = o.value
		}
		return old.typed(strconv.Quote(text)), nil
	}
	kind := kindOf(o.value)
	_, err := parser.ParseExpr(o.value)
	switch {
	case err != nil || strings.ContainsRune(o.value, '\n'):
		return "", fmt.Errorf("cannot set %s: %q is not a Go expression", o.name, o.value)
	case kind == constant.Unknown, old.kind == constant.Unknown && old.declared: // it has the type of its names
		return o.value, nil
	case old.kind == constant.Unknown:
		if kind != constant.Int && kind != constant.Float || old.typeName != "" {
			return old.typed(o.value), nil
		}
		return "0*(" + old.text + ") + " + o.value, nil // whatever type the old value has
	case old.kind == constant.Float && kind == constant.Int && old.typeName == "":
		if _, err := strconv.Atoi(o.value); err != nil {
			return "1.0*(" + o.value + ")", nil
		}
		return o.value + ".0", nil
	case kind != old.kind && (old.kind != constant.Float || kind != constant.Int):
		return "", fmt.Errorf("cannot set %s = %s to %s: got %s, want %s",
			o.name, old.text, o.value, kindName(kind), kindName(old.kind))
	}
	text := old.typed(o.value)
	if _, err := types.Eval(token.NewFileSet(), nil, token.NoPos, text); err != nil {
		return "", fmt.Errorf("cannot set %s = %s to %s: no such %s", o.name, old.text, o.value, old.typeName)
	}
	return text, nil
}

// typed returns the expression text with the type of the old value.
func (v constantValue) typed(text string) string {
	if v.typeName == "" || typeNameOf(text) == v.typeName {
		return text
	}
	return v.typeName + "(" + text + ")"
}

// typeNameOf returns the type that a constant expression gives itself: as a basic type has
// it, by a conversion, or from the units of time. It is "" if there is none that shows.
func typeNameOf(expr string) string {
	if tv, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr); err == nil && tv.Value != nil {
		if basic, ok := tv.Type.(*types.Basic); ok && basic.Info()&types.IsUntyped == 0 {
			return basic.Name()
		}
		return ""
	}
	tree, err := parser.ParseExpr(expr)
	if err != nil {
		return ""
	}
	if call, ok := tree.(*ast.CallExpr); ok && len(call.Args) == 1 {
		return types.ExprString(call.Fun)
	}
	name := ""
	ast.Inspect(tree, func(n ast.Node) bool {
		if unit, ok := n.(*ast.SelectorExpr); ok && types.ExprString(unit.X) == "time" &&
			slices.Contains([]string{"Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}, unit.Sel.Name) {
			name = "time.Duration"
		}
		_, call := n.(*ast.CallExpr) // has a type of its own
		return !call
	})
	return name
}

func kindName(k constant.Kind) string {
	switch k {
	case constant.Int:
		return "an integer"
	case constant.Float:
		return "a number with a point"
	case constant.Bool:
		return "true or false"
	}
	return "a " + strings.ToLower(k.String())
}

// kindOf returns the kind of a constant expression that uses no names.
func kindOf(expr string) constant.Kind {
	tv, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr)
	if err != nil || tv.Value == nil {
		return constant.Unknown
	}
	if basic, ok := tv.Type.(*types.Basic); ok && basic.Info()&types.IsFloat != 0 {
		return constant.Float // the value of 2.0 is kept as an integer
	}
	return tv.Value.Kind()
}

// constants returns the constants of a cell that have a value of their own, in the
// order of the source. What is no Go (GoNB's lines, a syntax error) is passed over.
func constants(source string) []constantValue {
	code := blankSpecialLines(source)
	var list []constantValue
	for _, d := range constDeclarations(code) {
		const prefix = "package p;"
		file, err := parser.ParseFile(token.NewFileSet(), "", prefix+code[d.start:d.end], parser.SkipObjectResolution)
		if err != nil || len(file.Decls) == 0 {
			continue
		}
		base := d.start - len(prefix) - int(file.FileStart)
		for _, spec := range file.Decls[0].(*ast.GenDecl).Specs {
			v := spec.(*ast.ValueSpec)
			for i, value := range v.Values {
				if i >= len(v.Names) || v.Names[i].Name == "_" {
					continue
				}
				start, end := base+int(value.Pos()), base+int(value.End())
				text := code[start:end]
				kind, typeName := kindOf(text), typeNameOf(text)
				if v.Type != nil { // float64 = 1 is no integer
					kind, typeName = kindOf(code[base+int(v.Type.Pos()):base+int(v.Type.End())]+"("+text+")"), ""
				}
				list = append(list, constantValue{v.Names[i].Name, start, end, text, kind, typeName, v.Type != nil})
			}
		}
	}
	return list
}

// span is a part of a source.
type span struct{ start, end int }

// constDeclarations returns where the constant declarations of code are, also those
// within a function or after a %% line.
func constDeclarations(code string) []span {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(code))
	var s scanner.Scanner
	s.Init(file, []byte(code), nil, 0)
	var list []span
	depth, start := 0, -1 // parentheses since the const at start, if there is one
	for {
		pos, tok, _ := s.Scan()
		at := file.Offset(pos)
		switch {
		case tok == token.EOF:
			return list
		case start < 0 && tok == token.CONST:
			start, depth = at, 0
		case start < 0:
		case depth == 0 && (tok == token.SEMICOLON || tok == token.RBRACE):
			list = append(list, span{start, at})
			start = -1
		case tok == token.LPAREN || tok == token.LBRACE || tok == token.LBRACK:
			depth++
		case tok == token.RPAREN || tok == token.RBRACE || tok == token.RBRACK:
			depth--
		}
	}
}

// blankSpecialLines replaces what is not Go by spaces, so that offsets stay the same.
func blankSpecialLines(source string) string {
	var b strings.Builder
	for line, special := range cellLines(source) {
		if text := strings.TrimRight(line, "\r\n"); special {
			b.WriteString(strings.Repeat(" ", len(text)))
			line = line[len(text):]
		}
		b.WriteString(line)
	}
	return b.String()
}

// cellLines yields the lines of a cell, with their line ends, and whether GoNB takes
// the line for itself: it starts with % or !, or continues such a line behind a
// backslash, or is in a cell for another program, such as %%bash.
func cellLines(source string) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		word, _, _ := strings.Cut(source, "\n")
		word, _, _ = strings.Cut(strings.TrimRight(word, "\r"), " ")
		foreign := strings.HasPrefix(word, "%%") && word != "%%"
		special := false
		for line := range strings.Lines(source) {
			special = special || strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!")
			if !yield(line, special || foreign) {
				return
			}
			special = special && strings.HasSuffix(strings.TrimRight(line, "\r\n"), `\`)
		}
	}
}
