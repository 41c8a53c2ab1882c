package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/nfkit/nfkit-go/nfkit/internal/notebook/temml"
	"github.com/nfkit/nfkit-go/nfkit/internal/player"
)

//go:embed page.html
var pageText string

//go:embed page.css
var styleText string

var (
	pageTemplate  = template.Must(template.New("page").Parse(pageText))
	styleTemplate = texttemplate.Must(texttemplate.New("style").Parse(styleText))
)

// page is what the template shows: a page of its own, or one of a site, which has its style and its script in files.
type page struct {
	Title  string
	Policy string // what the browser may run and load
	Nav    *pageNav
	Cells  []pageCell
	Style  template.CSS // these two of a page of its own
	Script template.JS
}

// pageNav is what a page of a site links to.
type pageNav struct{ Previous, Next *pageLink }

type pageLink struct{ Page, Title string }

// pageScript gives each animation its player, and is all that runs in a page.
var pageScript = "for (const img of document.querySelectorAll('img[data-frames]')) (function () {\n" + player.Script + "}).call(img);"

// pagePolicy allows that script, by its hash, and pictures of the page's own or of the web.
func pagePolicy() string {
	hash := sha256.Sum256([]byte(pageScript))
	return fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'unsafe-inline'; font-src data:; img-src data: https:; "+
		"base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(hash[:]))
}

// pageCell is a cell as HTML.
type pageCell struct {
	Text    template.HTML // of a markdown cell
	Number  string        // execution count of a code cell
	Code    template.HTML
	Outputs []template.HTML
}

// writeHTML writes the notebook as one HTML page that needs no network and no other file.
// Nothing that the notebook brings runs in it. Pictures that its texts name are looked for
// in the folder dir; others than those are shown if they have an https address.
func (nb *notebook) writeHTML(name, dir string) error {
	cells, _, err := nb.render(dir)
	if err != nil {
		return err
	}
	p := page{Title: nb.title(), Policy: pagePolicy(), Cells: cells, Script: template.JS(pageScript)}
	if p.Title == "" {
		p.Title = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	}
	style, err := styleSheet()
	if err != nil {
		return err
	}
	p.Style = template.CSS(style)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return err
	}
	return writeFile(name, b.Bytes())
}

// styleSheet returns the style sheet of pages.
func styleSheet() (string, error) {
	var style struct{ Light, Dark, Formulas string } // Light and Dark are colours of code
	var err error
	if style.Light, err = codeColours("github"); err != nil {
		return "", err
	}
	if style.Dark, err = codeColours("github-dark"); err != nil {
		return "", err
	}
	style.Formulas = temml.Style()
	var b strings.Builder
	err = styleTemplate.Execute(&b, style)
	return b.String(), err
}

// render returns the cells as HTML, but for the links to other notebooks, which are elsewhere; and the text of its sections. Pictures are looked
// for in the folder dir.
func (nb *notebook) render(dir string) (cells []pageCell, sections []section, err error) {
	md := newMarkdown()
	for _, c := range nb.cells {
		if c.raw["id"] == linksID {
			continue
		}
		shown, err := c.render(md, dir)
		if err != nil {
			return nil, nil, err
		}
		cells = append(cells, shown)
	}
	return cells, md.sections, nil
}

// render returns the cell as HTML.
func (c *cell) render(md *markdown, dir string) (pageCell, error) {
	switch c.kind() {
	case "markdown":
		text, err := md.render(c.source(), c.pictures(dir))
		return pageCell{Text: text}, err
	case "code":
		md.addText(c.source())
		code, err := highlight(c.source())
		if err != nil {
			return pageCell{}, err
		}
		shown := pageCell{Code: code, Number: " "}
		if n := c.raw["execution_count"]; n != nil {
			shown.Number = fmt.Sprint(n)
		}
		shown.Outputs, err = renderOutputs(c.outputs(), md)
		return shown, err
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
				if data, err := joinText(v); err == nil && strings.HasPrefix(mimeType, "image/") {
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

// renderOutputs returns the outputs of a code cell as HTML. If a program has failed, the
// kernel's error says no more than its exit status, which its standard error has at the end:
// what it wrote there stands in the place of the error.
func renderOutputs(outputs []map[string]any, md *markdown) ([]template.HTML, error) {
	last := -1 // standard error of a program that has failed
	for i, o := range outputs {
		if o["output_type"] == "stream" && o["name"] == "stderr" {
			last = i
		}
	}
	ended := func(o map[string]any) bool {
		return last >= 0 && o["output_type"] == "error" && exitStatus.FindString(tracebackText(o["traceback"])) == tracebackText(o["traceback"])
	}
	failed := slices.ContainsFunc(outputs, ended)
	var list []template.HTML
	for i, o := range outputs {
		switch {
		case failed && i == last:
			text, err := joinText(o["text"])
			if err != nil {
				return nil, err
			}
			before, reason := failureReason(stripANSI(text))
			if before != "" {
				list = append(list, element("pre", "stream stderr", before))
			}
			list = append(list, element("pre", "error", reason))
		case failed && ended(o):
		default:
			out, err := renderOutput(o, md)
			if err != nil {
				return nil, err
			}
			list = append(list, out)
		}
	}
	return list, nil
}

var panicLine = regexp.MustCompile(`(?m)^(panic|fatal error): `)

// failureReason parts the standard error of a program that has failed before its first
// panic, if it has one.
func failureReason(stderr string) (before, reason string) {
	if at := panicLine.FindStringIndex(stderr); at != nil {
		return stderr[:at[0]], strings.TrimSpace(stderr[at[0]:])
	}
	return "", strings.TrimSpace(stderr)
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
		asTheyAre := func(address string) string { return address }
		switch mimeType {
		case "text/html":
			return template.HTML(markWide(md.sanitizer.html(text, asTheyAre))), nil
		case "text/markdown", "text/latex":
			return md.render(text, asTheyAre)
		case "text/plain":
			return element("pre", "stream", stripANSI(text)), nil
		}
		address := dataURL(mimeType, text)
		if mimeType == "image/svg+xml" {
			address = svgImage(text)
		}
		img := fmt.Sprintf(`<img alt="figure" src="%s"%s>`, html.EscapeString(address), sizeOf(o, mimeType))
		return template.HTML(markWide(img)), nil
	}
	return "", nil
}

var widthOfImage = regexp.MustCompile(`<img(?: [^>]*)?? width="\d+"`)

// wide is the width, in pixels, from which on a figure is more than one panel.
const wide = 640

// markWide gives the images of HTML that are wide a class: on a small screen they are
// scrolled, where others shrink.
func markWide(text string) string {
	return widthOfImage.ReplaceAllStringFunc(text, func(img string) string {
		width := img[strings.LastIndexByte(img[:len(img)-1], '"')+1 : len(img)-1]
		if n, err := strconv.Atoi(width); err != nil || n < wide {
			return img
		}
		return `<img class="wide"` + strings.TrimPrefix(img, "<img")
	})
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
	return template.HTML(fmt.Sprintf(`<%s class="%s">%s</%[1]s>`, tag, html.EscapeString(class), html.EscapeString(text)))
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
func codeColours(style string) (string, error) {
	var b strings.Builder
	err := codeFormatter().WriteCSS(&b, styles.Get(style))
	return b.String(), err
}
