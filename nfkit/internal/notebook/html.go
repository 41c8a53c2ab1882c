package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Title       string
	Light, Dark template.CSS // colours of code
	Cells       []pageCell
}

// pageCell is a cell as HTML.
type pageCell struct {
	Text    template.HTML // of a markdown cell
	Number  string        // execution count of a code cell
	Code    template.HTML
	Outputs []template.HTML
}

// writeHTML writes the notebook as one HTML page that needs nothing else: no network,
// no script, no other file. Pictures that its texts name are looked for in the
// folder dir.
func (nb *notebook) writeHTML(name, dir string) error {
	title := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	p := page{Title: title}
	var err error
	if p.Light, err = codeColours("github"); err != nil {
		return err
	}
	if p.Dark, err = codeColours("github-dark"); err != nil {
		return err
	}
	md := newMarkdown()
	for _, c := range nb.cells {
		shown, err := c.render(md, dir)
		if err != nil {
			return err
		}
		if heading, ok := strings.CutPrefix(strings.TrimSpace(c.source()), "# "); ok && p.Title == title && c.kind() == "markdown" {
			p.Title, _, _ = strings.Cut(heading, "\n")
		}
		p.Cells = append(p.Cells, shown)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return err
	}
	return writeFile(name, b.Bytes())
}

// render returns the cell as HTML.
func (c *cell) render(md *markdown, dir string) (pageCell, error) {
	switch c.kind() {
	case "markdown":
		text, err := md.render(c.source(), c.pictures(dir))
		return pageCell{Text: text}, err
	case "code":
		code, err := highlight(c.source())
		if err != nil {
			return pageCell{}, err
		}
		shown := pageCell{Code: code, Number: " "}
		if n := c.raw["execution_count"]; n != nil {
			shown.Number = fmt.Sprint(n)
		}
		for _, o := range c.outputs() {
			out, err := renderOutput(o, md)
			if err != nil {
				return pageCell{}, err
			}
			shown.Outputs = append(shown.Outputs, out)
		}
		return shown, nil
	}
	return pageCell{Text: element("pre", "raw", c.source())}, nil
}

// pictures returns a function that turns the address of a picture in the cell's text
// into one that holds the picture itself: an attachment of the cell or a file in dir.
// Other addresses are left.
func (c *cell) pictures(dir string) func(string) string {
	return func(address string) string {
		if name, ok := strings.CutPrefix(address, "attachment:"); ok {
			attachments, _ := c.raw["attachments"].(map[string]any)
			bundle, _ := attachments[name].(map[string]any)
			for mimeType, v := range bundle {
				if data, err := joinText(v); err == nil {
					return dataURL(mimeType, data)
				}
			}
			return address
		}
		path, err := url.PathUnescape(address)
		mimeType := mime.TypeByExtension(filepath.Ext(path))
		if err != nil || !filepath.IsLocal(path) || !strings.HasPrefix(mimeType, "image/") {
			return address
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return address
		}
		return dataURL(mimeType, base64.StdEncoding.EncodeToString(b))
	}
}

func dataURL(mimeType, base64Text string) string {
	return "data:" + mimeType + ";base64," + strings.Join(strings.Fields(base64Text), "")
}

// renderOutput returns an output of a code cell as HTML, in the richest form that it
// has, in JupyterLab's order.
func renderOutput(o map[string]any, md *markdown) (template.HTML, error) {
	switch o["output_type"] {
	case "stream":
		text, err := joinText(o["text"])
		return element("pre", fmt.Sprint("stream ", o["name"]), stripANSI(text)), err
	case "error":
		return element("pre", "error", tracebackText(o["traceback"])), nil
	}
	data, _ := o["data"].(map[string]any)
	for _, mimeType := range []string{
		"text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "image/gif", "text/plain",
	} {
		if data[mimeType] == nil {
			continue
		}
		text, err := joinText(data[mimeType])
		if err != nil {
			return "", fmt.Errorf("an output of type %s: %w", mimeType, err)
		}
		switch mimeType {
		case "text/html", "image/svg+xml": // the notebook's own, kept as it is
			return template.HTML(text), nil
		case "text/markdown", "text/latex":
			return md.render(text, func(address string) string { return address })
		case "text/plain":
			return element("pre", "stream", stripANSI(text)), nil
		}
		return template.HTML(fmt.Sprintf(`<img alt="figure" src="%s"%s>`, dataURL(mimeType, text), sizeOf(o, mimeType))), nil
	}
	return "", nil
}

// sizeOf returns the attributes for the size that the output's metadata ask for.
func sizeOf(o map[string]any, mimeType string) string {
	metadata, _ := o["metadata"].(map[string]any)
	size, _ := metadata[mimeType].(map[string]any)
	var b strings.Builder
	for _, key := range []string{"width", "height"} {
		if v, ok := size[key]; ok {
			fmt.Fprintf(&b, ` %s="%s"`, key, html.EscapeString(fmt.Sprint(v)))
		}
	}
	return b.String()
}

// tracebackText returns the lines of an error without colours.
func tracebackText(traceback any) string {
	list, _ := traceback.([]any)
	var b strings.Builder
	for _, line := range list {
		fmt.Fprintln(&b, stripANSI(fmt.Sprint(line)))
	}
	return strings.TrimSpace(b.String())
}

func element(tag, class, text string) template.HTML {
	return template.HTML(fmt.Sprintf("<%s class=%q>%s</%[1]s>", tag, class, html.EscapeString(text)))
}

// highlight returns a cell's source with colours. GoNB's own lines are no Go.
func highlight(source string) (template.HTML, error) {
	lexer := chroma.Coalesce(lexers.Get("go"))
	var parts []chroma.Iterator
	var code strings.Builder
	flush := func() error {
		if code.Len() == 0 {
			return nil
		}
		tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, code.String())
		code.Reset()
		parts = append(parts, tokens)
		return err
	}
	for line, special := range cellLines(source) {
		if !special {
			code.WriteString(line)
			continue
		}
		if err := flush(); err != nil {
			return "", err
		}
		parts = append(parts, chroma.Literator(chroma.Token{Type: chroma.CommentPreproc, Value: line}))
	}
	if err := flush(); err != nil {
		return "", err
	}
	var b strings.Builder
	err := codeFormatter().Format(&b, styles.Get("github"), chroma.Concaterator(parts...))
	return template.HTML(b.String()), err
}

func codeFormatter() *chromahtml.Formatter {
	return chromahtml.New(chromahtml.WithClasses(true), chromahtml.TabWidth(4))
}

// codeColours returns the style sheet of a chroma style.
func codeColours(style string) (template.CSS, error) {
	var b strings.Builder
	err := codeFormatter().WriteCSS(&b, styles.Get(style))
	return template.CSS(b.String()), err
}
