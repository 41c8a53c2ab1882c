package main

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"strings"

	"github.com/gohugoio/hugo-goldmark-extensions/passthrough"
	"github.com/nfkit/nfkit-go/nfkit/internal/notebook/temml"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown turns the texts of a notebook into HTML, their formulas into MathML, which
// browsers show without a script. Nothing in the HTML runs.
type markdown struct {
	goldmark  goldmark.Markdown
	sanitizer *sanitizer
	picture   func(address string) string // of the text that is being rendered
	ids       parser.IDs                  // of the headings of all texts
	sections  []section                   // of all texts
}

// section is what stands below a heading, up to the next one, as plain text.
type section struct{ id, heading, text string }

// addText adds a text to the last section.
func (m *markdown) addText(text string) {
	if len(m.sections) == 0 {
		m.sections = append(m.sections, section{})
	}
	last := &m.sections[len(m.sections)-1]
	last.text = strings.TrimSpace(last.text + " " + strings.Join(strings.Fields(text), " "))
}

// addSections adds the headings and texts of a document.
func (m *markdown) addSections(doc ast.Node, source []byte) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		text := plainText(n, source)
		if n.Kind() != ast.KindHeading {
			m.addText(text)
			continue
		}
		id, _ := n.AttributeString("id")
		name, _ := id.([]byte)
		m.sections = append(m.sections, section{id: string(name), heading: strings.TrimSpace(text)})
	}
}

func newMarkdown() *markdown {
	m := &markdown{sanitizer: newSanitizer(), ids: parser.NewContext().IDs()}
	formulas := passthrough.New(passthrough.Config{
		InlineDelimiters: []passthrough.Delimiters{{Open: "$", Close: "$"}, {Open: `\(`, Close: `\)`}},
		BlockDelimiters:  []passthrough.Delimiters{{Open: "$$", Close: "$$"}, {Open: `\[`, Close: `\]`}},
	})
	m.goldmark = goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, formulas),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(
			util.Prioritized(formulaRenderer{temml.New()}, 10),
			util.Prioritized(htmlRenderer{m}, 10),
		)),
	)
	return m
}

// render returns source as HTML. The addresses of pictures go through picture.
func (m *markdown) render(source string, picture func(string) string) (template.HTML, error) {
	m.picture = picture
	src := []byte(source)
	doc := m.goldmark.Parser().Parse(text.NewReader(src), parser.WithContext(parser.NewContext(parser.WithIDs(m.ids))))
	m.addSections(doc, src)
	var b bytes.Buffer
	err := m.goldmark.Renderer().Render(&b, src, doc)
	return template.HTML(b.String()), err
}

// htmlRenderer writes the HTML and the pictures of a text.
type htmlRenderer struct{ *markdown }

func (r htmlRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHTMLBlock, r.block)
	reg.Register(ast.KindRawHTML, r.inline)
	reg.Register(ast.KindImage, r.image)
}

func (r htmlRenderer) block(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		node := n.(*ast.HTMLBlock)
		block := string(node.Lines().Value(source))
		if node.HasClosure() {
			block += string(node.ClosureLine.Value(source))
		}
		w.WriteString(r.sanitizer.html(block, r.picture))
	}
	return ast.WalkContinue, nil
}

func (r htmlRenderer) inline(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		node := n.(*ast.RawHTML)
		w.WriteString(r.sanitizer.html(string(node.Segments.Value(source)), r.picture))
	}
	return ast.WalkSkipChildren, nil
}

func (r htmlRenderer) image(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		node := n.(*ast.Image)
		img := fmt.Sprintf(`<img src="%s" alt="%s"`, util.EscapeHTML(util.URLEscape(node.Destination, true)), html.EscapeString(plainText(n, source)))
		if len(node.Title) != 0 {
			img += fmt.Sprintf(` title="%s"`, util.EscapeHTML(node.Title))
		}
		w.WriteString(r.sanitizer.html(img+">", r.picture))
	}
	return ast.WalkSkipChildren, nil
}

// plainText returns the text in n without its looks.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // never an error
		if !entering && n.Type() == ast.TypeBlock {
			b.WriteByte(' ')
		}
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
				if n.SoftLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
