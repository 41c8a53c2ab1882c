package main

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/gohugoio/hugo-goldmark-extensions/passthrough"
	"github.com/wyatt915/treeblood"
)

// formula returns MathML for a formula in LaTeX, or the LaTeX itself where that cannot
// be understood.
func formula(source string, d passthrough.Delimiters, block bool) string {
	tex := strings.TrimPrefix(strings.TrimSpace(source), d.Open)
	tex = strings.TrimSpace(strings.TrimSuffix(tex, d.Close))
	mathML, err := treeblood.TexToMML(plainTeX(tex), texMacros, block, block)
	if err != nil || strings.Contains(mathML, "<merror") {
		mathML = fmt.Sprintf("<code>%s</code>", html.EscapeString(tex))
	}
	if block {
		return `<div class="formula">` + mathML + "</div>\n"
	}
	return mathML
}

// texMacros are commands that treeblood does not know, in terms of ones that it does.
var texMacros = map[string]string{
	"operatorname": `\mathrm{#1}`,
	"bm":           `\boldsymbol{#1}`,
	"stackrel":     `\overset{#1}{#2}`,
}

// texFixes are ways of writing that treeblood takes otherwise than TeX does, and ones
// that mean the same to both.
var texFixes = []struct {
	pattern *regexp.Regexp
	plain   string
}{
	// An argument without braces is one digit, not a whole number.
	{regexp.MustCompile(`\\([dt]?frac)\s*(\d)`), `\$1{$2}`},
	{regexp.MustCompile(`\\([dt]?frac)(\{[^{}]*\})\s*(\d)`), `\$1$2{$3}`},
	// A double bar, which would come out single.
	{regexp.MustCompile(`\\\|`), `\Vert `},
	// Space around the name of a function.
	{regexp.MustCompile(`([\w)}])\s*\\(` + texFunctions + `)\b`), `$1\,\$2`},
	{regexp.MustCompile(`\\(` + texFunctions + `)\s*(\\left[|\\]|\\lambda|\\rho|\\[a-km-qs-zA-Z]|[a-zA-Z0-9|])`), `\$1\,$2`},
}

const texFunctions = `log|ln|exp|det|tanh|sinh|cosh|sin|cos|tan|max|min`

// plainTeX returns tex in a form that treeblood understands.
func plainTeX(tex string) string {
	for _, f := range texFixes {
		tex = f.pattern.ReplaceAllString(tex, f.plain)
	}
	return tex
}
