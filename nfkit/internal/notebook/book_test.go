package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// committedBook returns the checkout and its book, of which every numbered notebook is a chapter.
func committedBook(t *testing.T) (root string, book []chapter) {
	t.Helper()
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	if book, err = readBook(root); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "notebooks", "[0-9][0-9]_*"+suffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no notebooks (%v)", err)
	}
	for _, file := range files {
		if !slices.ContainsFunc(book, func(c chapter) bool { return c.file == file }) {
			t.Fatalf("%s is no chapter of the book: its metadata need nfkit.book, as those of the others have it", file)
		}
	}
	return root, book
}

// What is derived from the notebooks is committed as go run ./notebooks index writes it.
func TestIndexIsUpToDate(t *testing.T) {
	root, book := committedBook(t)
	files, err := deriveIndex(root, book)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		got, err := os.ReadFile(file.name)
		same := bytes.Equal(got, file.text)
		if filepath.Ext(file.name) == ".png" && err == nil {
			same = samePicture(t, got, file.text)
		}
		if err != nil || !same {
			t.Errorf("%s is not as it is derived from the notebooks; run go run ./notebooks index (%v)", file.name, err)
		}
	}
	pictures, err := filepath.Glob(filepath.Join(root, "notebooks", "pictures", "*"))
	if err != nil || len(pictures) != len(book) {
		t.Errorf("there are %d pictures of %d notebooks (%v)", len(pictures), len(book), err)
	}
}

// samePicture says whether two PNG files show the same. Processors that round differently make steps of coarsen, of 8, at some points.
func samePicture(t *testing.T, a, b []byte) bool {
	t.Helper()
	p, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		return false
	}
	q, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return farthest(p, q) <= 9
}

// most is what a notebook may have at most: cells that run something, and lines of a cell.
type most struct{ cells, lines int }

// mirrors has a notebook that follows one in Python, step by step.
var mirrors = map[string]most{"01_tutorial": {15, 36}}

var exercise = regexp.MustCompile(`(?m)^\d\. .*\*Hint: .+\*`)

// Every chapter is short, and ends with two exercises that have hints.
func TestChaptersAreShort(t *testing.T) {
	_, book := committedBook(t)
	for _, c := range book {
		limit, ok := mirrors[c.name]
		if !ok {
			limit = most{12, 30}
		}
		runs := 0
		for i, cell := range c.nb.code() {
			if n := strings.Count(cell.source(), "\n") + 1; n > limit.lines {
				t.Errorf("%s: code cell %d has %d lines, want at most %d:\n%s", c.name, i+1, n, limit.lines, indent(cell.title()))
			}
			if !isDeclarations(cell.source()) {
				runs++
			}
		}
		if runs > limit.cells {
			t.Errorf("%s: %d cells run something, want at most %d", c.name, runs, limit.cells)
		}
		found := 0
		for _, cell := range c.nb.cells {
			if _, text, ok := strings.Cut("\n"+cell.source(), "\n## Exercises\n"); ok && cell.kind() == "markdown" {
				found = len(exercise.FindAllString(text, -1))
			}
		}
		if found != 2 {
			t.Errorf("%s: got %d exercises with a hint in the last section, want 2", c.name, found)
		}
	}
}

// isDeclarations says whether a cell declares only, or is the preamble: GoNB runs what stands below %%.
func isDeclarations(source string) bool {
	for line := range strings.Lines(source) {
		if strings.HasPrefix(line, "%%") || strings.HasPrefix(line, "func main()") {
			return false
		}
	}
	return true
}

func TestList(t *testing.T) {
	_, book := committedBook(t)
	status, stdout, stderr := runCommand(t, "-list")
	if status != statusOK {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	for _, c := range book {
		first := regexp.MustCompile(`(?m)^` + c.name + ` +` + regexp.QuoteMeta(c.Time()+"  "+c.Title) + `\n +` + regexp.QuoteMeta(c.Line) + `$`)
		if !first.MatchString(stdout) {
			t.Errorf("-list does not show %s as it should:\n%s", c.name, stdout)
		}
	}
	if strings.Contains(stdout, suffix) && !strings.Contains(stdout, "work") {
		t.Errorf("-list shows a chapter twice:\n%s", stdout)
	}
}

// -all is the book in order of reading; without it and without names, the tutorial is run.
func TestWanted(t *testing.T) {
	root := fakeCheckout(t, "notebooks/02_b.ipynb", "notebooks/10_c.ipynb", "notebooks/01_a.ipynb", "notebooks/03_own.ipynb", "notebooks/d.ipynb", "work/04_e.ipynb")
	for _, name := range []string{"02_b", "10_c", "01_a", "03_own", "d"} {
		nb := saying("")
		if strings.HasSuffix(name, "own") {
			delete(object(nb.metadata(), "nfkit"), "book")
		}
		nb.cells = append([]*cell{{map[string]any{"cell_type": "markdown", "source": "# " + name}}}, nb.cells...)
		nb.root["cells"] = []any{nb.cells[0].raw, nb.cells[1].raw}
		if err := nb.write(filepath.Join(root, "notebooks", name+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{"": "01_tutorial", "-all": "01_a.ipynb 02_b.ipynb 10_c.ipynb", "x y": "x y"} {
		s, err := parseArgs(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		names, err := s.wanted(root)
		for i := range names {
			names[i] = filepath.Base(names[i])
		}
		if got := strings.Join(names, " "); got != want || err != nil {
			t.Errorf("with %q, these are run: %s (%v), want %s", line, got, err, want)
		}
	}
}

func TestLinks(t *testing.T) {
	var book []chapter
	for _, name := range []string{"01_a", "02_b", "03_c"} {
		book = append(book, chapter{name: name, Title: strings.ToUpper(name), nb: newNotebook("const n = 1")})
	}
	for i, want := range []string{"[02_B](02_b.ipynb) →", "← [01_A](01_a.ipynb) | [03_C](03_c.ipynb) →", "← [02_B](02_b.ipynb)"} {
		if got := linksText(book, i); got != want {
			t.Errorf("links of chapter %d: %q, want %q", i, got, want)
		}
	}
	nb := book[0].nb
	before := nb.sourceHash()
	for _, text := range []string{"old", "new"} { // the second replaces the first
		nb.setLinks(text)
	}
	list := nb.root["cells"].([]any)
	if len(nb.cells) != 2 || len(list) != 2 || nb.cells[1].source() != "new" || nb.sourceHash() != before {
		t.Errorf("with links the notebook has the cells %v", list)
	}
	if _, err := nb.encode(); err != nil {
		t.Error(err)
	}
}

func TestAboutErrors(t *testing.T) {
	good := func() map[string]any {
		return map[string]any{"line": "a line", "minutes": 2, "picture": map[string]any{"figure": 1},
			"numbers": []any{map[string]any{"name": "x", "printed": `x = (\S+)`, "tolerance": 0.1}}}
	}
	if _, err := decodeAbout(good()); err != nil {
		t.Fatal(err)
	}
	number := func(key string, value any) func(map[string]any) {
		return func(m map[string]any) { m["numbers"].([]any)[0].(map[string]any)[key] = value }
	}
	for want, spoil := range map[string]func(map[string]any){
		"no line":           func(m map[string]any) { delete(m, "line") },
		"got 0 minutes":     func(m map[string]any) { m["minutes"] = 0 },
		"picture.figure 0":  func(m map[string]any) { delete(m, "picture") },
		"unknown field":     func(m map[string]any) { m["minuets"] = 1 },
		"has no name":       number("name", ""),
		"missing closing":   number("printed", "("),
		"got 0 groups":      number("printed", "x"),
		"the tolerance -1,": number("tolerance", -1),
	} {
		m := good()
		spoil(m)
		if _, err := decodeAbout(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error with %q", m, err, want)
		}
	}
}
