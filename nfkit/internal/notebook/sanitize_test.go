package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/nfplot"
	"golang.org/x/net/html"
	"gonum.org/v1/plot"
)

// attack is what a hostile notebook wants to run.
const attack = "document.documentElement.dataset.ran=1"

// attacks are ways of HTML to run it.
var attacks = []string{
	"<script>" + attack + "</script>",
	"<ScRiPt src=data:text/javascript," + attack + "></sCrIpT>",
	"<img src=x onerror=" + attack + ">",
	"<img src=data:image/gif;base64,R0lGODlhAQABAAAAACw= onload='" + attack + "'>",
	"<iframe srcdoc='<script>parent." + attack + "</script>'></iframe>",
	"<iframe src='javascript:parent." + attack + "'></iframe>",
	"<object data='data:text/html,<script>parent." + attack + "</script>'></object>",
	"<embed src='javascript:" + attack + "'>",
	"<svg onload=" + attack + "><script>" + attack + "</script><animate onbegin=" + attack + " attributeName=x dur=1s /></svg>",
	"<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg onload=" + attack + "></svg>#x'/></svg>",
	"<svg><style><img src=x onerror=" + attack + "></style></svg>",
	"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=" + attack + "&gt;'>",
	"<a href=\"javascript:" + attack + "\" id=bait>x</a>",
	"<a href=\" java&#10;script:" + attack + "\" id=bait>x</a>",
	"<details open ontoggle=" + attack + ">x</details>",
	"<input autofocus onfocus=" + attack + ">",
	"<form action=javascript:" + attack + "><button>x</button></form>",
	"<meta http-equiv=refresh content='0;url=javascript:" + attack + "'>",
	"<base href=https://example.com/>",
	"<link rel=stylesheet href=data:text/css,*{color:red}>",
	"<style>main{display:none}</style>",
	"<div style='position:fixed;inset:0;background:url(https://example.com/x)'>x</div>",
	"<img src=data:image/png;base64,AAAA data-frames='javascript:" + attack + "' onload=" + attack + ">",
	"</section></main><script>" + attack + "</script>",
	"<noscript><p title=\"</noscript><img src=x onerror=" + attack + ">\">",
	"<xmp><p title=\"</xmp><img src=x onerror=" + attack + ">\"></xmp>",
}

// hostileNotebook has the attacks in every place of a notebook.
func hostileNotebook(t *testing.T) *notebook {
	t.Helper()
	inAttribute := `x" onmouseover="` + attack + `" onload="` + attack
	texts := append([]string{
		"# <script>" + attack + "</script>",
		"[link](javascript:" + attack + ") <javascript:" + attack + "> [r]\n\n[r]: JaVaScRiPt:" + attack,
		"[data](data:text/html,<script>" + attack + "</script>)",
		"![" + inAttribute + "](x.png \"" + `" onerror=` + attack + "\")",
		"![x](attachment:a.png) ![y](attachment:b.png)",
		"$\\text{<img src=x onerror=" + attack + ">}$ $\\color{red\" onclick=\"" + attack + "}x$ $\\href{javascript:" + attack + "}{x}$ $<script>" + attack + "</script>$",
		"```go\" onclick=\"" + attack + "\n<script>" + attack + "</script>\n```",
		"| <script>" + attack + "</script> |\n|---|\n| <img src=x onerror=" + attack + "> |",
		"text[^1]\n\n[^1]: <script>" + attack + "</script>",
	}, attacks...)
	var cells []map[string]any
	for i, source := range texts {
		cells = append(cells, map[string]any{"cell_type": "markdown", "id": fmt.Sprint("m", i), "metadata": map[string]any{}, "source": source,
			"attachments": map[string]any{
				"a.png": map[string]any{`image/png" onerror="` + attack: "AAAA"},
				"b.png": map[string]any{"image/png": `AAAA" onerror="` + attack},
			}})
	}
	cells = append(cells, map[string]any{"cell_type": "raw", "id": "raw", "metadata": map[string]any{}, "source": strings.Join(attacks, "\n")})
	var outputs []map[string]any
	display := func(mimeType, text string) {
		outputs = append(outputs, map[string]any{"output_type": "display_data", "data": map[string]any{mimeType: text},
			"metadata": map[string]any{mimeType: map[string]any{"width": inAttribute}}})
	}
	for _, a := range attacks {
		for _, mimeType := range []string{"text/html", "text/markdown", "text/latex", "text/plain", "image/svg+xml"} {
			display(mimeType, a)
		}
	}
	for _, mimeType := range []string{"image/png", "image/jpeg", "image/gif", "image/svg+xml", "application/javascript"} {
		display(mimeType, inAttribute)
	}
	display("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" onload="parent.`+attack+`"><script>parent.`+attack+`</script></svg>`)
	outputs = append(outputs,
		map[string]any{"output_type": "stream", "name": inAttribute, "text": "<script>" + attack + "</script>"},
		map[string]any{"output_type": "error", "ename": "E", "evalue": "v", "traceback": []any{"<script>" + attack + "</script>"}})
	cells = append(cells, map[string]any{"cell_type": "code", "id": "code", "metadata": map[string]any{}, "source": "// </pre><script>" + attack + "</script>\n!</script>",
		"execution_count": 1, "outputs": outputs})
	b, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}, "cells": cells})
	if err != nil {
		t.Fatal(err)
	}
	nb, err := parseNotebook(b)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

// pageOf returns the notebook's page and its file.
func pageOf(t *testing.T, nb *notebook) (page, name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "page.html")
	if err := nb.writeHTML(name, filepath.Dir(name)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), name
}

// Without the policy of the page too, nothing of a notebook could run.
func TestHostileNotebook(t *testing.T) {
	page, _ := pageOf(t, hostileNotebook(t))
	scripts := 0
	policy := false
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		switch token.Data {
		case "script":
			if z.Next(); z.Token().Data == pageScript {
				scripts++
				continue
			}
			t.Errorf("the page has the script %s", token)
		case "meta":
			policy = policy || len(token.Attr) == 2 && token.Attr[0].Val == "Content-Security-Policy" && token.Attr[1].Val == pagePolicy()
		case "iframe", "object", "embed", "form", "base", "link", "style", "frame", "animate", "noscript", "xmp", "textarea":
			if token.Data != "style" || scripts+strings.Count(page[:strings.Index(page, "</head>")], "<style") != 1 {
				t.Errorf("the page has the element %s", token)
			}
		}
		for _, a := range token.Attr {
			value := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "srcdoc",
				a.Key != "alt" && a.Key != "title" && strings.HasPrefix(value, "javascript:"),
				a.Key == "href" && strings.HasPrefix(value, "data:"),
				a.Key == "style" && regexp.MustCompile(`position|url\(`).MatchString(value):
				t.Errorf("the page has %.300s", token)
			}
		}
	}
	if scripts != 1 || !policy {
		t.Errorf("the page has %d scripts of its own, want 1; its policy is there: %v", scripts, policy)
	}
}

// What is shown stays.
func TestSanitizerKeeps(t *testing.T) {
	s := newSanitizer()
	picture := func(address string) string {
		if address == "own%20file.svg" {
			return "data:image/svg+xml;base64,AAAA"
		}
		return address
	}
	animation := nfplot.Animate(plot.New(), plot.New()).HTML()
	for _, c := range []struct{ html, want string }{
		{`<progress value="15" max="20.5" style="width:20em;vertical-align:middle"></progress> 15/20`, `<progress value="15" max="20.5" style="width: 20em; vertical-align: middle"></progress> 15/20`},
		{`<table border="1"><tr><th colspan="2">a</th><td style="text-align:right;color:rgb(1, 2, 3)">1</td></tr></table>`,
			`<table border="1"><tr><th colspan="2">a</th><td style="text-align: right; color: rgb(1, 2, 3)">1</td></tr></table>`},
		{`<svg width="10" viewBox="0 0 1 1"><linearGradient id="g"><stop offset="0%" stop-color="red"/></linearGradient><path d="M0 0L1,1z" fill="url(#g)" transform="rotate(3)"/></svg>`,
			`<svg width="10" viewbox="0 0 1 1"><lineargradient id="g"><stop offset="0%" stop-color="red"/></lineargradient><path d="M0 0L1,1z" fill="url(#g)" transform="rotate(3)"/></svg>`},
		{`<details open><summary>s</summary>H<sub>2</sub>O <kbd>Ctrl</kbd> <span>x</span></details>`, `<details open=""><summary>s</summary>H<sub>2</sub>O <kbd>Ctrl</kbd> <span>x</span></details>`},
		{`<a href="https://example.com/a?b=c&amp;d=e#f">x</a> <a href="#part">y</a> <a href="other.ipynb">z</a>`, ``},
		{`<img src="https://example.com/x.png" alt="it's: 1 < 2" width="50%">`, `<img src="https://example.com/x.png" alt="it&#39;s: 1 &lt; 2" width="50%">`},
		{`<img src="own%20file.svg" width="100">`, `<img src="data:image/svg+xml;base64,AAAA" width="100">`},
		{`text &lt;b&gt; &amp; "quotes"`, `text &lt;b&gt; &amp; &#34;quotes&#34;`},
	} {
		want := c.want
		if want == "" {
			want = c.html
		}
		if got := s.html(c.html, picture); got != want {
			t.Errorf("html(%s) =\n%s, want\n%s", c.html, got, want)
		}
	}
	if got := s.html(animation, picture); !strings.Contains(got, ` data-frames="data:image/png;base64,`) || !strings.Contains(got, ` src="data:image/png;base64,`) || strings.Contains(got, "onload") {
		t.Errorf("an animation becomes %.300s", got)
	}
}

func TestSVGOutput(t *testing.T) {
	for _, svg := range []string{`<svg width="1"><text>é</text></svg>`, `<svg xmlns="http://www.w3.org/2000/svg" width="1"><text>é</text></svg>`} {
		got, err := renderOutput(map[string]any{"output_type": "display_data", "data": map[string]any{"image/svg+xml": svg}}, newMarkdown())
		const want = `<img alt="figure" src="data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxIj48dGV4dD7DqTwvdGV4dD48L3N2Zz4=">`
		if err != nil || string(got) != want {
			t.Errorf("renderOutput(%s) = %s, %v, want %s", svg, got, err, want)
		}
	}
}

// A program that fails says why on its standard error.
func TestFailedCell(t *testing.T) {
	stderr := func(text string) map[string]any {
		return map[string]any{"output_type": "stream", "name": "stderr", "text": text}
	}
	failed := func(text string) map[string]any {
		return map[string]any{"output_type": "error", "traceback": []any{text}}
	}
	stdout := map[string]any{"output_type": "stream", "name": "stdout", "text": "out"}
	for _, c := range []struct {
		outputs []map[string]any
		want    []string
	}{
		{[]map[string]any{stderr("note\npanic: \x1b[1mno\x1b[0m\n\ngoroutine 1\nexit status 2\n"), failed("exit status 2")},
			[]string{`<pre class="stream stderr">note` + "\n</pre>", `<pre class="error">panic: no` + "\n\ngoroutine 1\nexit status 2</pre>"}},
		{[]map[string]any{stderr("first"), stdout, stderr("it failed\nexit status 1\n"), failed("exit status 1")},
			[]string{`<pre class="stream stderr">first</pre>`, `<pre class="stream stdout">out</pre>`, `<pre class="error">it failed` + "\nexit status 1</pre>"}},
		{[]map[string]any{stderr("a warning"), failed("./main.go:1: undefined: x")},
			[]string{`<pre class="stream stderr">a warning</pre>`, `<pre class="error">./main.go:1: undefined: x</pre>`}},
		{[]map[string]any{failed("exit status 3")}, []string{`<pre class="error">exit status 3</pre>`}},
		{[]map[string]any{stderr("a warning\n"), stdout}, []string{`<pre class="stream stderr">a warning` + "\n</pre>", `<pre class="stream stdout">out</pre>`}},
		{nil, nil},
	} {
		got, err := renderOutputs(c.outputs, newMarkdown())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("renderOutputs(%v) =\n%v, %v, want\n%v", c.outputs, got, err, c.want)
		}
	}
}

func TestWideFigures(t *testing.T) {
	var text bytes.Buffer
	for _, width := range []string{"1200", "640", "639", "100%", "99999999999999999999"} {
		fmt.Fprintf(&text, `<img alt="width" width="%s">`, width)
	}
	const want = `<img class="wide" alt="width" width="1200"><img class="wide" alt="width" width="640"><img alt="width" width="639">` +
		`<img alt="width" width="100%"><img alt="width" width="99999999999999999999">`
	if got := markWide(text.String()); got != want {
		t.Errorf("markWide(%s) =\n%s, want\n%s", &text, got, want)
	}
}
