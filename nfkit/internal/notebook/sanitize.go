package main

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// sanitizer reduces HTML of a notebook to what cannot run, load or cover the page: text
// with its looks, tables, pictures, drawings and bars of progress.
type sanitizer struct {
	policy  *bluemonday.Policy
	picture func(address string) string // see cell.pictures
}

// plainElements need no attributes of their own.
var plainElements = strings.Fields(`a abbr b bdi bdo blockquote br caption center cite code dd del details dfn div dl dt em
	figcaption figure h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub summary
	sup table tbody td tfoot th thead tr tt u ul var wbr`)

// drawing has the elements of SVG, in the small letters that the parser gives them, and
// their attributes: those that draw, and none that names something outside.
var (
	drawingElements   = strings.Fields(`svg g path circle ellipse rect line polyline polygon text tspan defs lineargradient radialgradient stop clippath marker`)
	drawingAttributes = strings.Fields(`clip-path clip-rule clippathunits cx cy d dominant-baseline dx dy fill fill-opacity fill-rule
		font-family font-size font-style font-weight fx fy gradienttransform gradientunits height letter-spacing marker-end
		marker-mid marker-start markerheight markerunits markerwidth offset opacity orient points preserveaspectratio r refx
		refy rx ry stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin
		stroke-miterlimit stroke-opacity stroke-width text-anchor textlength transform vector-effect version viewbox width x
		x1 x2 xmlns y y1 y2`)
)

// looks are the properties that a style may set. None takes its element out of its place.
var looks = strings.Fields(`align-items background-color border border-bottom border-collapse border-color border-left
	border-radius border-right border-spacing border-style border-top border-width color column-gap direction display
	fill flex flex-wrap font font-family font-size font-style font-variant font-weight gap height justify-content
	letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width
	min-height min-width opacity overflow overflow-x overflow-y padding padding-bottom padding-left padding-right padding-top
	row-gap stroke stroke-width text-align text-decoration text-indent text-transform vertical-align white-space width
	word-break word-spacing`)

var (
	anyText   = regexp.MustCompile(`^[^<>]*$`)
	number    = regexp.MustCompile(`^[\d.+-]+%?$`)
	lookValue = regexp.MustCompile(`^[\w\s.,%#()+'"/-]*$`)
	callable  = regexp.MustCompile(`(?i)(url|image|image-set|expression|src)\(`)
	frames    = regexp.MustCompile(`^(data:image/png;base64,[A-Za-z0-9+/=]+ ?)+$`)
)

func newSanitizer() *sanitizer {
	s := &sanitizer{policy: bluemonday.NewPolicy(), picture: func(address string) string { return address }}
	p := s.policy
	p.AllowStandardAttributes()
	p.AllowStyling()
	p.AllowElements(plainElements...)
	p.AllowNoAttrs().OnElements("a", "font", "span", "progress", "meter")
	p.AllowAttrs("title").Globally()
	p.AllowLists()
	p.AllowTables()
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("open").OnElements("details")
	p.AllowAttrs("align").Matching(anyText).OnElements("div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "table")
	p.AllowAttrs("bgcolor").Matching(anyText).OnElements("table", "tr", "td", "th")
	p.AllowAttrs("border", "cellpadding", "cellspacing").Matching(number).OnElements("table")
	p.AllowAttrs("color", "face", "size").Matching(anyText).OnElements("font")
	p.AllowAttrs("value", "max", "min", "low", "high", "optimum").Matching(number).OnElements("progress", "meter")

	p.AllowImages()
	p.AllowAttrs("alt").OnElements("img")
	p.AllowDataURIImages()
	p.AllowURLSchemes("attachment")
	p.RequireNoFollowOnLinks(false)
	p.AllowAttrs("data-frames").Matching(frames).OnElements("img")
	p.RewriteSrc(func(u *url.URL) {
		if embedded, ok := strings.CutPrefix(s.picture(u.String()), "data:"); ok {
			*u = url.URL{Scheme: "data", Opaque: embedded}
		}
	})

	p.AllowNoAttrs().OnElements(drawingElements...)
	p.AllowAttrs(drawingAttributes...).Matching(anyText).OnElements(drawingElements...)
	p.AllowStyles(looks...).MatchingHandler(func(value string) bool {
		return lookValue.MatchString(value) && !callable.MatchString(value)
	}).Globally()
	return s
}

// html returns the text of HTML, which need not be whole, without what is not allowed.
func (s *sanitizer) html(text string, picture func(string) string) string {
	s.picture = picture
	return s.policy.Sanitize(text)
}

// svgImage returns the address of a picture that holds an SVG, in which nothing runs and
// nothing is loaded.
func svgImage(svg string) string {
	if !strings.Contains(svg, `xmlns=`) { // which a page does not need, and a picture does
		svg = strings.Replace(svg, "<svg", `<svg xmlns="http://www.w3.org/2000/svg"`, 1)
	}
	return dataURL("image/svg+xml", base64.StdEncoding.EncodeToString([]byte(svg)))
}
