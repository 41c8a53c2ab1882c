// Package temml turns formulas in LaTeX into MathML, which browsers show without a script. It runs Temml 0.13.5, a
// library in JavaScript, in an interpreter. Its files here are those of the npm package temml@0.13.5, folder dist, as they
// are; temml.css is its Temml-Local.css. Letters are those of the reader's own font for mathematics, which Windows, macOS and
// the desktops of Linux have: a page carries no more than the signs that such fonts draw badly.
package temml

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

//go:embed temml.min.js
var library string

//go:embed temml.css
var style string

//go:embed Temml.woff2
var font []byte

// render calls the library. Macros that a formula defines hold for the formulas after it, and may be defined again, as in
// Jupyter. No command is trusted that puts an address, a class or a style of its own into the page, and no size is beyond
// that of a page.
const render = `(() => {
	const macros = Object.create(null);
	const definition = /\\(def|let|newcommand|renewcommand|providecommand)(?![a-zA-Z])/;
	const define = tex => {
		// Here the library does not know the macros of earlier formulas.
		for (const text of [tex, tex.replace(/\\renewcommand(?![a-zA-Z])/g, '\\newcommand')]) {
			try {
				Object.assign(macros, temml.definePreamble(text, {}));
				return;
			} catch {}
		}
	};
	return (tex, displayMode) => {
		for (const [, name] of tex.matchAll(/\\newcommand\*?\s*\{?\s*(\\[a-zA-Z]+)/g)) delete macros[name];
		const html = temml.renderToString(tex, {displayMode, macros, throwOnError: true, trust: false, maxSize: [40, 500], wrap: 'tex'});
		if (definition.test(tex)) define(tex);
		// TeX has a thin space between the name of a function and a bar, the library none.
		return html.replace(/(<mo>\u2061<\/mo>)(<\/mrow>(?:<mrow>)*<mo fence="true" form="prefix" stretchy="true">[|∥‖])/g, '$1<mspace width="0.1667em"></mspace>$2');
	};
})()`

// deepest is the depth of calls in the interpreter. A formula of a person has groups in groups to a depth of ten, each of
// about ten calls.
const deepest = 2000

// Converter turns formulas into MathML. It must be made by [New], and is for one goroutine at a time.
type Converter struct {
	render func(tex string, display bool) (string, error)
}

// New returns a converter without macros. It takes about 0.1 s.
func New() *Converter {
	vm := goja.New()
	vm.SetMaxCallStackSize(deepest)
	if _, err := vm.RunScript("temml.min.js", library); err != nil {
		panic(fmt.Sprintf("temml: the library: %v", err))
	}
	f, err := vm.RunString(render)
	if err != nil {
		panic(fmt.Sprintf("temml: the call of the library: %v", err))
	}
	var c Converter
	if err := vm.ExportTo(f, &c.render); err != nil {
		panic(fmt.Sprintf("temml: the call of the library: %v", err))
	}
	return &c
}

// MathML returns the formula as MathML, as a block or in a line of text. An error says what is wrong with the formula.
func (c *Converter) MathML(tex string, block bool) (string, error) {
	return c.render(literalText(tex), block)
}

// Style returns the style sheet of pages with formulas. It holds its font.
func Style() string {
	return strings.Replace(style, "url('Temml.woff2')", "url(data:font/woff2;base64,"+base64.StdEncoding.EncodeToString(font)+")", 1)
}

// literalText escapes the characters &, _, ^ and # in the arguments of \text, where Jupyter shows them as they are and TeX
// wants a backslash.
func literalText(tex string) string {
	var b strings.Builder
	for {
		const command = `\text{`
		i := strings.Index(tex, command)
		if i < 0 {
			return b.String() + tex
		}
		i += len(command)
		b.WriteString(tex[:i])
		tex = tex[i:]
		n := textEnd(tex)
		b.WriteString(textEscapes(tex[:n]))
		tex = tex[n:]
	}
}

// textEnd returns the index of the brace that ends the argument.
func textEnd(tex string) int {
	depth := 0
	for i := 0; i < len(tex); i++ {
		switch tex[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return len(tex)
}

// textEscapes escapes the characters of a text, but not in the formulas in it.
func textEscapes(text string) string {
	var b strings.Builder
	formula := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
		case c == '$':
			formula = !formula
		case formula:
		case c == '&', c == '_', c == '#':
			b.WriteByte('\\')
		case c == '^':
			b.WriteString(`\textasciicircum{}`)
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
