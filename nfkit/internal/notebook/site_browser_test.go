//go:build browser

package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The book works as files and from a server, under its own policy: style, pictures, players and the search. It is readable on a
// screen of 400 pixels, and no code is cut in print. From a server, contents and the first chapter lead to a page that learns.
func TestPagesOfTheBook(t *testing.T) {
	root, book := committedBook(t)
	dir := t.TempDir()
	if err := errors.Join(writeSite(dir, book), writeLive(t.Context(), root, dir)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	b := newBrowser(t, dir)
	pages := []string{"index.html"}
	for _, c := range book {
		pages = append(pages, c.Page())
	}
	for _, base := range []string{"file://" + dir, server.URL} {
		b.do(chromedp.EmulateViewport(400, 800))
		for _, page := range pages {
			b.do(chromedp.Navigate(base + "/" + page))
			if width := value[int](b, "document.documentElement.scrollWidth"); width != 400 {
				t.Errorf("%s/%s is %d wide on a screen of 400 pixels", base, page, width)
			}
			if margin := value[string](b, "getComputedStyle(document.body).margin"); margin != "0px" {
				t.Errorf("%s/%s has no style", base, page)
			}
			b.wait("pictures", time.Minute, "[...document.images].every(img => img.complete)")
			if n := value[int](b, "[...document.images].filter(img => img.naturalWidth === 0).length"); n != 0 {
				t.Errorf("%s/%s does not show %d pictures", base, page, n)
			}
			if n := value[int](b, "document.querySelectorAll('img[data-frames]').length - document.querySelectorAll('button').length"); n != 0 {
				t.Errorf("%s/%s: %d animations have no player", base, page, n)
			}
		}
		b.do(chromedp.Navigate(base + "/index.html"))
		find := func(words string) {
			b.run("{ const input = document.querySelector('.search input'); input.value = '" + words + "'; input.dispatchEvent(new Event('input')); }")
		}
		find("RUBIN  coaching")
		if got := value[string](b, "document.querySelector('.search li a').getAttribute('href')"); got != "10_posterior.html" {
			t.Errorf("%s: the search leads to %s", base, got)
		}
		find("no such words at all")
		if got := value[string](b, "document.querySelector('.search ol').innerText"); got != "Nothing has these words." {
			t.Errorf("%s: the search finds %s", base, got)
		}
		find("")
		if n := value[int](b, "document.querySelectorAll('.search li').length"); n != 0 {
			t.Errorf("%s: the search finds %d sections without a word", base, n)
		}
	}
	const limit = 5 * time.Minute // for a loaded machine
	for _, page := range []string{"index.html", book[0].Page()} {
		b.do(chromedp.Navigate(server.URL + "/" + page))
		b.run("document.querySelector('a[href=\"" + livePage + "\"]').click()")
		b.wait("the page that learns, from "+page, limit, "document.querySelector('#train')?.disabled === false")
		b.run("document.querySelector('#train').click()")
		b.wait("steps", limit, "shown.steps > 0")
	}
}
