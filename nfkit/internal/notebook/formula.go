package main

import (
	"fmt"
	"html"
	"strings"

	"github.com/gohugoio/hugo-goldmark-extensions/passthrough"
	"github.com/nfkit/nfkit-go/nfkit/internal/notebook/temml"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// formulaRenderer writes the formulas that passthrough has found as MathML.
type formulaRenderer struct{ temml *temml.Converter }

func (r formulaRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(passthrough.KindPassthroughInline, r.inline)
	reg.Register(passthrough.KindPassthroughBlock, r.block)
}

func (r formulaRenderer) inline(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		node := n.(*passthrough.PassthroughInline)
		w.WriteString(r.formula(string(node.Segment.Value(source)), *node.Delimiters, false))
	}
	return ast.WalkSkipChildren, nil
}

func (r formulaRenderer) block(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
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
		w.WriteString(r.formula(tex.String(), delimiters, true))
	}
	return ast.WalkSkipChildren, nil
}

// formula returns MathML for a formula in LaTeX. Where that cannot be understood it is the
// LaTeX itself, marked, with the reason.
func (r formulaRenderer) formula(source string, d passthrough.Delimiters, block bool) string {
	tex := strings.TrimPrefix(strings.TrimSpace(source), d.Open)
	tex = strings.TrimSpace(strings.TrimSuffix(tex, d.Close))
	shown, err := r.temml.MathML(tex, block)
	if err != nil {
		shown = fmt.Sprintf(`<code class="unknown" title="%s">%s</code>`, html.EscapeString(err.Error()), html.EscapeString(tex))
	}
	if block {
		return `<div class="formula">` + shown + "</div>\n"
	}
	return shown
}
