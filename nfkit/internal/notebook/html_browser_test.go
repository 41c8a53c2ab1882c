//go:build browser

// Pages that the runner writes, in Chromium:
//
//	go test -C nfkit/internal/notebook -tags browser -run Page .

package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/nfkit/nfkit-go/nfkit/nfplot"
	"gonum.org/v1/plot"
)

// A hostile notebook runs nothing, although every part of its page is touched, and with
// the sanitizer out of the way the policy of the page holds alone.
func TestPageRunsNothing(t *testing.T) {
	page, name := pageOf(t, hostileNotebook(t))
	bare := strings.Replace(page, "</main>", strings.Join(attacks, "\n")+"</main>", 1)
	bareName := strings.TrimSuffix(name, ".html") + "-bare.html"
	open := strings.NewReplacer(policyElement(page), "").Replace(bare)
	openName := strings.TrimSuffix(name, ".html") + "-open.html"
	for file, text := range map[string]string{bareName: bare, openName: open} {
		if err := writeFile(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	b := newBrowser(t, t.TempDir())
	for _, c := range []struct {
		name string
		runs bool
	}{
		{name, false},
		{bareName, false},
		{openName, true}, // the test would see it
	} {
		b.do(chromedp.Navigate("file://" + c.name))
		b.run(`for (const e of document.querySelectorAll('body *')) {
			for (const type of ['mouseover', 'click', 'focus', 'toggle', 'load', 'error']) {
				const goes = e.closest('form') || e.closest('a') && !e.closest('a').href.startsWith('javascript:');
				if (!(type === 'click' && goes)) e.dispatchEvent(new MouseEvent(type, {bubbles: true, cancelable: true}));
			}
		}`)
		time.Sleep(time.Second) // for what runs later
		if ran := value[bool](b, "document.documentElement.dataset.ran === '1'"); ran != c.runs {
			t.Errorf("%s: something of the notebook ran: %v, want %v", c.name, ran, c.runs)
		}
		if left := value[string](b, "location.protocol"); left != "file:" {
			t.Errorf("%s: the page went to %s", c.name, left)
		}
	}
}

// policyElement returns the element of the page that has its policy.
func policyElement(page string) string {
	_, rest, _ := strings.Cut(page, `<meta http-equiv="Content-Security-Policy"`)
	element, _, _ := strings.Cut(rest, ">")
	return `<meta http-equiv="Content-Security-Policy"` + element + ">"
}

// The page's own player plays, its font is there, and it fits a telephone.
func TestPageShows(t *testing.T) {
	output := func(mimeType, text string) map[string]any {
		return map[string]any{"output_type": "display_data", "metadata": map[string]any{}, "data": map[string]any{mimeType: text}}
	}
	long := strings.Repeat("word ", 60)
	source, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}, "cells": []map[string]any{
		{"cell_type": "markdown", "id": "a", "metadata": map[string]any{}, "source": "# T\n\n$f'(x)$ $" + strings.Repeat("x + ", 40) + "x$\n\n$$\n" + strings.Repeat("x + ", 90) + "x\n$$\n\n`" + long + "`"},
		{"cell_type": "code", "id": "b", "metadata": map[string]any{}, "execution_count": 1, "source": "// " + long, "outputs": []map[string]any{
			output("text/html", nfplot.Animate(plot.New(), plot.New(), plot.New()).HTML()),
			output("text/html", "<table><tr>"+strings.Repeat("<td>column</td>", 20)+"</tr></table>"),
			output("image/svg+xml", `<svg width="900" height="30"><rect width="900" height="30"/></svg>`),
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	nb, err := parseNotebook(source)
	if err != nil {
		t.Fatal(err)
	}
	_, name := pageOf(t, nb)
	b := newBrowser(t, t.TempDir())
	b.do(chromedp.EmulateViewport(400, 800), chromedp.Navigate("file://"+name))
	if width := value[int](b, "document.documentElement.scrollWidth"); width != 400 {
		t.Errorf("on a screen of 400 pixels the page is %d wide", width)
	}
	b.wait("the font of formulas", 2*time.Minute, "[...document.fonts].some(f => f.family === 'Temml' && f.status === 'loaded')")
	if n := value[int](b, "[...document.images].filter(img => img.complete && img.naturalWidth > 0).length"); n != 2 {
		t.Errorf("the page shows %d pictures, want 2", n)
	}
	b.run("document.querySelector('button').click()")
	b.wait("the player to reach its end", 2*time.Minute, "document.querySelector('input[type=range]').value === '2' && document.querySelector('button').innerText === 'Play'")

	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	if cut := value[[]string](b, `[...document.querySelectorAll('pre')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)`); len(cut) != 0 {
		t.Errorf("in print the code %q is cut", cut)
	}
}
