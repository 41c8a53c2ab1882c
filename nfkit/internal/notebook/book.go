package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// chapter is a notebook of the book: one in the folder notebooks whose name begins with two digits, which give the order of
// reading, and whose metadata tell a reader about it under nfkit.book.
type chapter struct {
	file  string // its path
	name  string // as 01_tutorial
	Title string
	about
	nb *notebook
}

// about is what a notebook's metadata have under nfkit.book. All that is said of the notebook elsewhere comes from here.
type about struct {
	Line    string      `json:"line"`    // what is in it
	Minutes int         `json:"minutes"` // that it runs for, on two idle cores, rounded up
	Picture picture     `json:"picture"` // the figure that stands for it
	Numbers []keyNumber `json:"numbers"` // what it comes to
}

// longForBinder is from how many minutes on a notebook is said to be long for a session of Binder, which may have one core and ends when
// nobody seems to use it.
const longForBinder = 5

// Time returns how long the notebook runs.
func (a about) Time() string {
	text := fmt.Sprintf("%d min", a.Minutes)
	if a.Minutes >= longForBinder {
		text += ", long for Binder"
	}
	return text
}

// Number of the chapter, as 1.
func (c chapter) Number() string {
	digits, _, _ := strings.Cut(c.name, "_")
	return strings.TrimLeft(digits, "0")
}

var chapterName = regexp.MustCompile(`^\d\d_[a-z0-9]+$`)

// readBook returns the chapters of the checkout, in order.
func readBook(root string) ([]chapter, error) {
	files, err := filepath.Glob(filepath.Join(root, "notebooks", "*"+suffix)) // sorted
	if err != nil {
		return nil, err
	}
	var book []chapter
	for _, file := range files {
		c := chapter{file: file, name: strings.TrimSuffix(filepath.Base(file), suffix)}
		if !chapterName.MatchString(c.name) {
			continue
		}
		if c.nb, _, err = readNotebook(file); err != nil {
			return nil, err
		}
		raw, ok := object(c.nb.metadata(), "nfkit")["book"]
		if !ok {
			continue // somebody's own
		}
		if c.about, err = decodeAbout(raw); err != nil {
			return nil, fmt.Errorf("nfkit.book in the metadata of %s: %w", filepath.Base(file), err)
		}
		if c.Title = c.nb.title(); c.Title == "" {
			return nil, fmt.Errorf("%s does not begin with a heading", filepath.Base(file))
		}
		book = append(book, c)
	}
	return book, nil
}

// thisBook returns the checkout where this program was started, and its book.
func thisBook() (root string, book []chapter, err error) {
	if root, _, err = thisCheckout(); err != nil {
		return "", nil, err
	}
	book, err = readBook(root)
	return root, book, err
}

func decodeAbout(raw any) (a about, err error) {
	text, err := json.Marshal(raw)
	if err != nil {
		return a, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, err
	}
	switch {
	case a.Line == "":
		err = fmt.Errorf("it has no line that says what is in the notebook")
	case a.Minutes < 1:
		err = fmt.Errorf("got %d minutes, want at least 1", a.Minutes)
	case a.Picture.Figure < 1:
		err = fmt.Errorf("got picture.figure %d, want the number of a figure, from 1", a.Picture.Figure)
	}
	for _, n := range a.Numbers {
		if err == nil {
			err = n.check()
		}
	}
	return a, err
}

// title returns the text of the first heading, if the notebook begins with one, or "".
func (nb *notebook) title() string {
	if len(nb.cells) == 0 || nb.cells[0].kind() != "markdown" {
		return ""
	}
	heading, ok := strings.CutPrefix(strings.TrimSpace(nb.cells[0].source()), "# ")
	if !ok {
		return ""
	}
	heading, _, _ = strings.Cut(heading, "\n")
	return strings.TrimSpace(heading)
}

// printList prints the chapters of the book, and the paths of the other notebooks in the list.
func printList(w io.Writer, root, here string, list []string) error {
	book, err := readBook(root)
	if err != nil {
		return err
	}
	width := 0
	for _, c := range book {
		width = max(width, len(c.name)+len(c.Time()))
	}
	for _, c := range book {
		fmt.Fprintf(w, "%s  %*s  %s\n%*s%s\n", c.name, width-len(c.name), c.Time(), c.Title, width+4, "", c.Line)
	}
	for _, name := range list {
		if slices.ContainsFunc(book, func(c chapter) bool { return c.file == name }) {
			continue
		}
		if rel, err := filepath.Rel(here, name); err == nil {
			name = rel
		}
		fmt.Fprintln(w, name)
	}
	return nil
}
