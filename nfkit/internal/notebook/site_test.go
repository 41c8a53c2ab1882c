package main

import (
	"errors"
	"html/template"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	address = regexp.MustCompile(`<(?:a|img|script|link)\b[^>]*?\b(?:href|src)="([^"]*)"`)
	anchor  = regexp.MustCompile(`\bid="([^"]*)"`)
	inline  = regexp.MustCompile(`<script>|<script [^>]*>[^<]|<style|\bon\w+="`)
)

// The site needs nothing but its own folder: every address in it leads to a file of it, to a heading of one, or to the web.
func TestSite(t *testing.T) {
	t.Parallel()
	_, book := committedBook(t)
	dir := t.TempDir()
	if err := writeSite(dir, book); err != nil {
		t.Fatal(err)
	}
	live := filepath.Join(dir, filepath.FromSlash(livePage)) // what another test builds
	if err := errors.Join(os.MkdirAll(filepath.Dir(live), 0o755), os.WriteFile(live, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	pages := []string{"index.html"}
	for _, c := range book {
		pages = append(pages, c.Page())
	}
	for _, name := range pages {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = withoutPictures(string(b))
	}
	for name, text := range texts {
		if !strings.Contains(text, "Content-Security-Policy") || strings.Contains(sitePolicy, "'unsafe-eval'") {
			t.Errorf("%s has no policy", name)
		}
		if found := inline.FindString(text); found != "" {
			t.Errorf("%s has %s, which belongs in a file", name, found)
		}
		ids := anchor.FindAllStringSubmatch(text, -1)
		for i, id := range ids {
			if slices.ContainsFunc(ids[:i], func(other []string) bool { return other[1] == id[1] }) {
				t.Errorf("%s has the id %s twice", name, id[1])
			}
		}
		for _, m := range address.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.Scheme != "" {
				if u.Scheme != "https" && u.Scheme != "data" {
					t.Errorf("%s has the address %.80s", name, m[1])
				}
				continue
			}
			file := u.Path
			if file == "" {
				file = name
			}
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				t.Errorf("%s leads to %s, which is no file of the site", name, m[1])
			}
			if u.Fragment != "" && !strings.Contains(texts[file], `id="`+u.Fragment+`"`) {
				t.Errorf("%s leads to %s, which is no heading there", name, m[1])
			}
		}
	}
	sections, err := os.ReadFile(filepath.Join(dir, "sections.js"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"page":"([^"#]+)#([^"]+)"`).FindAllStringSubmatch(string(sections), -1) {
		if !strings.Contains(texts[m[1]], `id="`+m[2]+`"`) {
			t.Errorf("the search leads to %s in %s, which is no heading there", m[2], m[1])
		}
	}
	for i, c := range book {
		if n := strings.Count(string(sections), `"page":"`+c.Page()); n < 3 {
			t.Errorf("the search knows %d sections of %s", n, c.name)
		}
		if i > 0 && !strings.Contains(texts[c.Page()], `rel="prev" href="`+book[i-1].Page()) ||
			i+1 < len(book) && !strings.Contains(texts[c.Page()], `rel="next" href="`+book[i+1].Page()) {
			t.Errorf("%s does not lead to its neighbours", c.Page())
		}
		if !strings.Contains(texts["index.html"], `href="`+c.Page()) {
			t.Errorf("the contents do not lead to %s", c.Page())
		}
	}
}

// withoutPictures takes the letters of pictures out of a page: there are megabytes, in which nothing can begin or end that
// a test looks for.
func withoutPictures(text string) string {
	const mark = ";base64,"
	before, rest, ok := strings.Cut(text, mark)
	var b strings.Builder
	for ; ok; before, rest, ok = strings.Cut(rest, mark) {
		b.WriteString(before + mark)
		rest = strings.TrimLeft(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
	}
	return b.String() + before
}

func TestToPages(t *testing.T) {
	book := []chapter{{name: "01_a"}}
	for text, want := range map[string]string{
		`<a href="01_a.ipynb">x</a>`:               `<a href="01_a.html">x</a>`,
		`<a href="01_a.ipynb#there">x</a>`:         `<a href="01_a.html#there">x</a>`,
		`<a href="browser">x</a>`:                  `<a href="live/index.html">x</a>`,
		`<a href="02_b.ipynb">x</a>`:               `<a href="02_b.ipynb">x</a>`,
		`<a href="https://x.org/01_a.ipynb">x</a>`: `<a href="https://x.org/01_a.ipynb">x</a>`,
	} {
		if got := string(toPages(book, template.HTML(text))); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}
