package temml

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestMathML(t *testing.T) {
	c := New()
	for _, f := range []struct {
		tex  string
		want []string // in this order
	}{
		{`x^2`, []string{`<msup><mi>x</mi><mn`, `>2</mn></msup>`}},
		{`\frac12 + \tfrac12 \ln(2\pi)`, []string{`<mn>1</mn><mn>2</mn></mfrac>`, `displaystyle="false"`, `<mn>1</mn><mn>2</mn></mfrac>`, `ln`, `π`}},
		{`\log p \log(x) \log\left|\det J\right|`, []string{`<mi>log</mi>`, `<mspace`, `<mi>p</mi>`, `<mi>log</mi>`, `(`, `<mi>log</mi>`, `<mspace`, `stretchy="true">|`, `<mi>J</mi>`}},
		{`\sum_{k=1}^{K} z_k \int_1^2 p\,\mathrm{d}a`, []string{`∑`, `<msub>`, `<msubsup>`, `∫`, `d`}},
		{`\sqrt{2\pi a} \sqrt[3]{x}`, []string{`<msqrt>`, `<mroot>`}},
		{`\mathcal{L} \mathbb{R}^d \boldsymbol{\theta} \bm{x}`, []string{`ℒ`, `ℝ`, `𝜽`, `𝒙`}},
		{`\operatorname{KL}(p \,\|\, q) \stackrel{a}{=} b`, []string{`KL`, `‖`, `<mover>`}},
		{`\begin{cases} 1 & a \\ 0 & \text{else} \end{cases}`, []string{`{`, `<mtable`, `<mtr>`, `<mtr>`, `else`}},
		{"\\begin{aligned}\ny &= x \\\\\nz &= w\n\\end{aligned}", []string{`<mtable`, `<mtr>`, `<mtr>`}},
		{`\begin{pmatrix} a & b \\ c & d \end{pmatrix}`, []string{`(`, `<mtr>`, `<mtr>`, `)`}},
		{`a < b & c`, nil}, // as in TeX
		{`a < b > c`, []string{`&lt;`, `&gt;`}},
		{`\text{if a<b & c>d, train_loss, #1, x^2 and $x_1$}`, []string{`if a&lt;b &amp; c&gt;d, train_loss, #1, x^2 and`, `<msub>`}},
		{`\begin{cases} \text{a & b} & c \end{cases}`, []string{`a &amp; b`, `<mi>c</mi>`}},
		{`\text{é 中} α \text{a\_b \{c\}}`, []string{`é 中`, `α`, `a_b {c}`}},
		{`\color{red} x \textcolor{#00f}{y}`, []string{`color:#ff0000`, `color:#00f`}},
		{`\unknowncommand{x}`, nil},
		{`\frac{1}{`, nil},
	} {
		for _, block := range []bool{false, true} {
			got, err := c.MathML(f.tex, block)
			if (err != nil) != (f.want == nil) {
				t.Errorf("MathML(%s) = %s, %v", f.tex, got, err)
			}
			rest := strings.ReplaceAll(got, "\u00a0", " ")
			for _, want := range f.want {
				i := strings.Index(rest, want)
				if i < 0 {
					t.Errorf("MathML(%s) = %s, want it to have %q", f.tex, got, f.want)
					break
				}
				rest = rest[i+len(want):]
			}
		}
	}
	if got, err := c.MathML(`x = y \tag{7}`, true); err != nil || !strings.Contains(got, "(7)") {
		t.Errorf("a tagged formula is %s, %v", got, err)
	}
}

func TestMacrosStay(t *testing.T) {
	c := New()
	for _, tex := range []string{`\newcommand{\E}{\mathbb{E}} \def\half{\tfrac12} \E`, `\E[\half x]`, `\renewcommand{\E}[1]{\mathbb{E}[#1]} \E{x}`, `\E{x}`,
		`\newcommand{\E}{\mathbb{E}} \E`, `\renewcommand{\vec}[1]{\E #1} \vec{x}`, `\vec x`} {
		if got, err := c.MathML(tex, false); err != nil || !strings.Contains(got, "𝔼") {
			t.Errorf("MathML(%s) = %s, %v", tex, got, err)
		}
	}
	if _, err := New().MathML(`\E`, false); err == nil {
		t.Error("a new converter has the macros of another")
	}
}

// What a formula brings must not become an element, an attribute or an address.
func TestHostileFormulas(t *testing.T) {
	c := New()
	shown := 0
	for _, attack := range []string{
		`<img src=x onerror=alert(1)>`, `" onclick="alert(1)`, `' onclick='alert(1)`, `"><script>alert(1)</script>`, `javascript:alert(1)`,
		`red;background:url(https://example.com/x)`, `</math><script>alert(1)</script>`, `&lt;script&gt;`, `</mtext><img src=x onerror=alert(1)>`,
	} {
		for _, form := range []string{
			`ATTACK`, `\text{ATTACK}`, `\mathrm{ATTACK}`, `\operatorname{ATTACK}`, `\color{ATTACK}x`, `\textcolor{ATTACK}{x}`, `\colorbox{ATTACK}{x}`,
			`\href{ATTACK}{x}`, `\url{ATTACK}`, `\class{ATTACK}{x}`, `\id{ATTACK}{x}`, `\style{ATTACK}{x}`, `\data{ATTACK}{x}`, `\includegraphics{ATTACK}`,
			`x\tag{ATTACK}`, `\begin{equation}x\label{ATTACK}\end{equation}`, `\ref{ATTACK}`, `\eqref{ATTACK}`, `\begin{ATTACK}x\end{ATTACK}`, `\ATTACK`,
			`\hspace{ATTACK}`, `\rule{ATTACK}{1em}`, `\char"ATTACK`, `\unicode{ATTACK}`, `\ce{ATTACK}`, `\newcommand{\q}{ATTACK}\q`, `\toggle{ATTACK}{x}\endtoggle`,
			`\begin{array}{ATTACK}x\end{array}`, `\definecolor{c}{HTML}{ATTACK}\color{c}x`, `\mathchoice{ATTACK}{ATTACK}{ATTACK}{ATTACK}`, `\verb|ATTACK|`,
		} {
			tex := strings.ReplaceAll(form, "ATTACK", attack)
			got, err := c.MathML(tex, true)
			if err != nil {
				continue
			}
			shown++
			checkTokens(t, tex, got)
		}
	}
	if shown < 40 {
		t.Errorf("only %d formulas were shown", shown)
	}
}

func checkTokens(t *testing.T, tex, mathML string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(mathML)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		if !strings.HasPrefix(token.Data, "m") && token.Data != "span" && token.Data != "a" {
			t.Errorf("MathML(%s) = %s has the element %s", tex, mathML, token.Data)
		}
		for _, a := range token.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") || strings.Contains(a.Val, "url(") {
				t.Errorf("MathML(%s) = %s has the attribute %s=%q", tex, mathML, a.Key, a.Val)
			}
		}
	}
}

// Formulas that would take for ever, or the stack of the program, are refused.
func TestEndlessFormulas(t *testing.T) {
	c := New()
	for _, tex := range []string{
		`\def\x{\x\x}\x`, `\newcommand{\a}{\a}\a`, strings.Repeat("{", 20_000), strings.Repeat(`\frac{`, 5_000),
	} {
		if got, err := c.MathML(tex, false); err == nil {
			t.Errorf("MathML(%.20s…) = %.100s, want an error", tex, got)
		}
	}
	if got, err := c.MathML("x", false); err != nil {
		t.Errorf("after that MathML(x) = %s, %v", got, err)
	}
	deep := strings.Repeat(`\sqrt{1 + `, 30) + "x" + strings.Repeat("}", 30)
	if _, err := c.MathML(deep, true); err != nil {
		t.Errorf("30 roots: %v", err)
	}
}

func TestStyleHoldsItsFont(t *testing.T) {
	style := Style()
	if !strings.Contains(style, "src: url(data:font/woff2;base64,d09GMg") || strings.Contains(style, "url('Temml") {
		t.Errorf("the style sheet has no font in it: %.600s", style)
	}
}
