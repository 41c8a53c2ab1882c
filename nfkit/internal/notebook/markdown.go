package main

import (
	"bytes"
	"html/template"
	"strings"

	"github.com/gohugoio/hugo-goldmark-extensions/passthrough"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	goldmarkhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown turns the texts of a notebook into HTML, their formulas into MathML, which
// browsers show without a script.
type markdown struct {
	goldmark goldmark.Markdown
}

func newMarkdown() *markdown {
	formulas := passthrough.New(passthrough.Config{
		InlineDelimiters: []passthrough.Delimiters{{Open: "$", Close: "$"}, {Open: `\(`, Close: `\)`}},
		BlockDelimiters:  []passthrough.Delimiters{{Open: "$$", Close: "$$"}, {Open: `\[`, Close: `\]`}},
	})
	return &markdown{goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, formulas),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(
			goldmarkhtml.WithUnsafe(), // HTML in a text is the notebook's own
			renderer.WithNodeRenderers(util.Prioritized(formulaRenderer{}, 10)),
		),
	)}
}

// render returns source as HTML. The addresses of pictures go through picture.
func (m *markdown) render(source string, picture func(string) string) (template.HTML, error) {
	src := []byte(source)
	doc := m.goldmark.Parser().Parse(text.NewReader(src))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if img, ok := n.(*ast.Image); ok && entering {
			img.Destination = []byte(picture(string(img.Destination)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = m.goldmark.Renderer().Render(&b, src, doc)
	return template.HTML(b.String()), err
}

// formulaRenderer writes the formulas that passthrough has found as MathML.
type formulaRenderer struct{}

func (r formulaRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(passthrough.KindPassthroughInline, r.inline)
	reg.Register(passthrough.KindPassthroughBlock, r.block)
}

func (formulaRenderer) inline(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		node := n.(*passthrough.PassthroughInline)
		w.WriteString(formula(string(node.Segment.Value(source)), *node.Delimiters, false))
	}
	return ast.WalkSkipChildren, nil
}

func (formulaRenderer) block(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		node := n.(*passthrough.PassthroughBlock)
		var tex strings.Builder
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			tex.Write(line.Value(source))
		}
		delimiters := passthrough.Delimiters{Open: "$$", Close: "$$"}
		if node.Delimiters != nil {
			delimiters = *node.Delimiters
		}
		w.WriteString(formula(tex.String(), delimiters, true))
	}
	return ast.WalkSkipChildren, nil
}
