package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const indexUsage = `usage: go run ./notebooks index

Brings up to date what is derived from the notebooks of the book: the links between
them, their small pictures in notebooks/pictures, the gallery in README.md, and the
table of their numbers, notebooks/results.csv. What is said there of a notebook is its
first heading, and what its metadata have under nfkit.book: a line, the minutes that it
takes, the figure that stands for it, and the numbers that it prints. No cell is run.
`

// indexSettings is what the command line of index says: nothing.
type indexSettings struct{}

// parseIndexArgs reads the command line that follows the word index.
func parseIndexArgs(args []string) (*indexSettings, error) {
	f := flag.NewFlagSet("index", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	names, err := parseMixed(f, args)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("got %q, want nothing: it is done for all notebooks", names)
	}
	return &indexSettings{}, err
}

// do writes the files that are not as they should be, and names them.
func (*indexSettings) do(_ context.Context, stdout io.Writer) error {
	root, book, err := thisBook()
	if err != nil {
		return err
	}
	derived, err := deriveIndex(root, book)
	if err != nil {
		return err
	}
	for _, file := range derived {
		if old, err := os.ReadFile(file.name); err == nil && bytes.Equal(old, file.text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file.name), 0o755); err != nil {
			return err
		}
		if err := writeFile(file.name, file.text); err != nil {
			return err
		}
		fmt.Fprintln(stdout, file.name)
	}
	return nil
}

// derivedFile is a file and the text that it should have.
type derivedFile struct {
	name string
	text []byte
}

// deriveIndex returns the files that are derived from the notebooks, which are among them. The notebooks in memory get their links.
func deriveIndex(root string, book []chapter) (files []derivedFile, err error) {
	for i, c := range book {
		c.nb.setLinks(linksText(book, i))
		text, err := c.nb.encode()
		if err != nil {
			return nil, err
		}
		small, err := c.nb.thumbnail(c.Picture)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		files = append(files, derivedFile{c.file, text}, derivedFile{filepath.Join(root, filepath.FromSlash(c.pictureFile())), small})
	}
	results, err := writeResults(book)
	if err != nil {
		return nil, err
	}
	readme := filepath.Join(root, "README.md")
	old, err := os.ReadFile(readme)
	if err != nil {
		return nil, err
	}
	text, err := putGallery(string(old), galleryText(book))
	if err != nil {
		return nil, fmt.Errorf("README.md: %w", err)
	}
	return append(files, derivedFile{filepath.Join(root, filepath.FromSlash(resultsTable)), results}, derivedFile{readme, []byte(text)}), nil
}

// pictureFile returns the path of the chapter's small picture in the checkout.
func (c chapter) pictureFile() string { return "notebooks/" + c.SmallPicture() }

// linksID is the id of the last cell of each chapter, which links to its neighbours.
const linksID = "book-links"

// linksText returns that cell's text for chapter i.
func linksText(book []chapter, i int) string {
	var links []string
	if i > 0 {
		links = append(links, fmt.Sprintf("← [%s](%s)", book[i-1].Title, book[i-1].name+suffix))
	}
	if i+1 < len(book) {
		links = append(links, fmt.Sprintf("[%s](%s) →", book[i+1].Title, book[i+1].name+suffix))
	}
	return strings.Join(links, " | ")
}

// setLinks puts a cell with the links at the end of the notebook, in place of the one that has them.
func (nb *notebook) setLinks(text string) {
	nb.cells = slices.DeleteFunc(nb.cells, func(c *cell) bool { return c.raw["id"] == linksID })
	nb.cells = append(nb.cells, &cell{map[string]any{"cell_type": "markdown", "id": linksID, "metadata": map[string]any{}, "source": splitLines(text)}})
	list := make([]any, len(nb.cells))
	for i, c := range nb.cells {
		list[i] = c.raw
	}
	nb.root["cells"] = list
}

const (
	galleryStart = "<!-- go run ./notebooks index writes this: -->\n"
	galleryEnd   = "<!-- as far as here -->\n"
	galleryWidth = 3 // notebooks in a row
)

// galleryText returns the notebooks as a table for the README.
func galleryText(book []chapter) string {
	var b strings.Builder
	b.WriteString("<table>\n")
	for row := range slices.Chunk(book, galleryWidth) {
		b.WriteString("<tr>\n")
		for _, c := range row {
			file := "notebooks/" + c.name + suffix
			fmt.Fprintf(&b, "<td valign=\"top\"><a href=%q><img src=%q width=\"%d\" alt=\"\"><br><b>%s. %s</b></a><br>%s<br><sub>%s</sub></td>\n",
				file, c.pictureFile(), pictureWidth, c.Number(), html.EscapeString(c.Title), html.EscapeString(c.Line), c.Time())
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table>\n")
	return b.String()
}

// putGallery returns the README with the table in its place.
func putGallery(readme, gallery string) (string, error) {
	before, rest, ok := strings.Cut(readme, galleryStart)
	_, after, ended := strings.Cut(rest, galleryEnd)
	if !ok || !ended {
		return "", fmt.Errorf("the gallery has no place between the lines %q and %q", galleryStart, galleryEnd)
	}
	return before + galleryStart + gallery + galleryEnd + after, nil
}
