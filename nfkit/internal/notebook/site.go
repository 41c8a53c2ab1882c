package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const bookUsage = `usage: go run ./notebooks book [flags]

Writes the notebooks, as they are committed, as one static site: a page each, which
links to the one before and the one after, and index.html with the contents and a
search. It needs no network, and no server: its pages can be opened as files. The page
live/index.html alone, in which a flow learns in the browser, has to be served.

flags:
  -o DIR            put the site into DIR (notebooks/out/book)
`

//go:embed contents.html
var contentsText string

//go:embed search.js
var searchScript string

var contentsTemplate = template.Must(template.New("contents").Parse(contentsText))

// sitePolicy allows what is in the site's own folder, on a server or as files, and pictures that the pages hold.
const sitePolicy = "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; font-src data:; " +
	"img-src 'self' file: data: https:; base-uri 'none'; form-action 'none'"

// bookSettings is what the command line of book says.
type bookSettings struct{ out string }

// parseBookArgs reads the command line that follows the word book.
func parseBookArgs(args []string) (*bookSettings, error) {
	s := &bookSettings{}
	f := flag.NewFlagSet("book", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&s.out, "o", "", "")
	names, err := parseMixed(f, args)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("got %q, want flags only: the book has all notebooks", names)
	}
	return s, err
}

// do writes the site.
func (s *bookSettings) do(ctx context.Context, stdout io.Writer) error {
	root, book, err := thisBook()
	if err != nil {
		return err
	}
	if len(book) == 0 {
		return errors.New("the folder notebooks has no notebook of the book")
	}
	out := s.out
	if out == "" {
		out = filepath.Join(root, "notebooks", "out", "book")
	}
	if err := errors.Join(writeSite(out, book), writeLive(ctx, root, out)); err != nil {
		return err
	}
	fmt.Fprintln(stdout, filepath.Join(out, "index.html"))
	return nil
}

// entry is a section that the search finds. Its fields are as search.js has them.
type entry struct {
	Page    string `json:"page"`
	Title   string `json:"title"`
	Heading string `json:"heading"`
	Text    string `json:"text"`
}

// writeSite writes the book to the folder out.
func writeSite(out string, book []chapter) error {
	if err := os.MkdirAll(filepath.Join(out, "pictures"), 0o755); err != nil {
		return err
	}
	var found []entry
	files := map[string][]byte{}
	for i, c := range book {
		text, sections, err := sitePage(book, i)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		files[c.Page()] = text
		for _, s := range sections {
			to := c.Page()
			if s.heading != c.Title && s.id != "" {
				to += "#" + s.id
			}
			found = append(found, entry{to, c.Title, s.heading, s.text})
		}
		if files[c.SmallPicture()], err = c.nb.thumbnail(c.Picture); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	var contents bytes.Buffer
	if err := contentsTemplate.Execute(&contents, map[string]any{"Policy": sitePolicy, "Chapters": book, "Live": livePage}); err != nil {
		return err
	}
	style, err := styleSheet()
	if err != nil {
		return err
	}
	index, err := json.Marshal(found)
	if err != nil {
		return err
	}
	files["index.html"] = contents.Bytes()
	files["book.css"] = []byte(style)
	files["book.js"] = []byte(pageScript)
	files["search.js"] = []byte(searchScript)
	files["sections.js"] = fmt.Appendf(nil, "const sections = %s;\n", index)
	for name, text := range files {
		if err := writeFile(filepath.Join(out, filepath.FromSlash(name)), text); err != nil {
			return err
		}
	}
	return nil
}

// livePage is the file of the site in which a flow learns.
const livePage = "live/index.html"

// writeLive puts the page of notebooks/browser into the site in the folder out.
func writeLive(ctx context.Context, root, out string) error {
	folder, err := filepath.Abs(filepath.Join(out, filepath.Dir(filepath.FromSlash(livePage))))
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "nfkit-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	return goCommand(ctx, root, scratch, "run", "./notebooks/browser", "-o", folder)
}

// sitePage returns the page of chapter i, and its sections.
func sitePage(book []chapter, i int) ([]byte, []section, error) {
	c := book[i]
	cells, sections, err := c.nb.render(filepath.Dir(c.file))
	if err != nil {
		return nil, nil, err
	}
	for k := range cells {
		cells[k].Text = toPages(book, cells[k].Text)
	}
	p := page{Title: c.Title, Policy: sitePolicy, Cells: cells, Nav: &pageNav{}}
	if i > 0 {
		p.Nav.Previous = &pageLink{book[i-1].Page(), book[i-1].Title}
	}
	if i+1 < len(book) {
		p.Nav.Next = &pageLink{book[i+1].Page(), book[i+1].Title}
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, p)
	return b.Bytes(), sections, err
}

var notebookLink = regexp.MustCompile(`(<a href=")([^"#/]+)\.ipynb([#"])`)

// toPages makes links to notebooks of the book links to their pages, and those to the folder browser links to the page that it is for.
func toPages(book []chapter, text template.HTML) template.HTML {
	live := strings.ReplaceAll(string(text), `<a href="browser"`, `<a href="`+livePage+`"`)
	return template.HTML(notebookLink.ReplaceAllStringFunc(live, func(link string) string {
		m := notebookLink.FindStringSubmatch(link)
		for _, c := range book {
			if c.name == m[2] {
				return m[1] + c.Page() + m[3]
			}
		}
		return link
	}))
}

// Page returns the file of the chapter's page in the site.
func (c chapter) Page() string { return c.name + ".html" }

// SmallPicture returns the file of its small picture in the site.
func (c chapter) SmallPicture() string { return "pictures/" + c.name + ".png" }
