package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestHTMLPage(t *testing.T) {
	dir := t.TempDir()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "my file.png"), picture.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	nb, err := parseNotebook([]byte(`{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
		{"cell_type": "markdown", "id": "a", "metadata": {}, "attachments": {"att.png": {"image/png": "QUJD"}},
		 "source": ["# A <title>\n", "With $x_1$, $\\lost{x}$, <b>HTML</b> and\n\n$$\n\\frac{1}{2}\n$$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n",
		            "![file](my%20file.png) ![attached](attachment:att.png) ![outside](../secret.png) ![net](https://example.com/x.png)"]},
		{"cell_type": "code", "id": "b", "metadata": {}, "execution_count": 3,
		 "source": ["%noautoget\n", "// A comment.\n", "func f() string { return \"<b>\" }"],
		 "outputs": [
			{"output_type": "stream", "name": "stdout", "text": ["\u001b[31mred\u001b[0m <i>\n"]},
			{"output_type": "stream", "name": "stderr", "text": "warned"},
			{"output_type": "display_data", "metadata": {"image/png": {"width": 100}}, "data": {"image/png": "QUJD\nRA==\n", "text/plain": "plain"}},
			{"output_type": "display_data", "metadata": {}, "data": {"text/html": ["<em>kept</em>"], "text/plain": "plain"}},
			{"output_type": "display_data", "metadata": {}, "data": {"text/markdown": "**strong**"}},
			{"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["first", "\u001b[31msecond <x>"]}
		 ]},
		{"cell_type": "raw", "id": "c", "metadata": {}, "source": "raw <text>"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "page.html")
	if err := nb.writeHTML(name, dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	for _, want := range []string{
		"<title>A &lt;title&gt;</title>",
		`<code class="unknown" title="ParseError:`, `\lost{x}</code>`, "<b>HTML</b>",
		"<msub>", "<mfrac>", "<td>1</td>",
		`src="data:image/png;base64,iVBOR`, // the file
		`src="data:image/png;base64,QUJD" alt="attached"`,
		`src="../secret.png"`, // nothing from outside the folder
		`<div class="number">3</div>`,
		`<span class="cp">%noautoget`,
		`<span class="c1">// A comment.`,
		`&lt;b&gt;`,
		`<pre class="stream stdout">red &lt;i&gt;`,
		`<pre class="stream stderr">warned</pre>`,
		`<img alt="figure" src="data:image/png;base64,QUJDRA==" width="100">`,
		"<em>kept</em>", "<strong>strong</strong>",
		"<pre class=\"error\">first\nsecond &lt;x&gt;</pre>",
		"raw &lt;text&gt;",
		"prefers-color-scheme: dark",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(got, "plain") {
		t.Error("the page shows an output twice, as text too")
	}
	if loads := regexp.MustCompile(`<script [^>]*src|<link|@import|url\(['"]?(https?:|/|\w+\.)`).FindString(got); loads != "" {
		t.Errorf("the page has %q, so it is not complete in itself", loads)
	}
}
