package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// progress shows a person which cell is running, for how long, and what it prints:
// on a terminal with a last line that is kept up to date, elsewhere as plain lines.
type progress struct {
	w     io.Writer
	width int // of the terminal; 0 if w is none

	mu      sync.Mutex
	title   string // of the running cell, "" if none is running
	started time.Time
	text    terminalText // what the cell prints, from its last complete line on
	status  string       // the latest line that will be overwritten
	drawn   bool         // the line at the cursor is not complete
	budget  float64      // of lines that may be passed on
	refill  time.Time    // when budget was last counted
	hidden  int          // lines that were not passed on
	passed  time.Time    // when status was passed on, where it cannot be redrawn
	figures int
	done    chan struct{}
}

// A cell's first lines are passed on as they come, and then a few a second; a line that
// a cell keeps overwriting, in a log, now and then.
const (
	lineBurst   = 20
	lineRate    = 4 // per second
	statusPause = 10 * time.Second
	redraw      = 200 * time.Millisecond
	maxColumn   = 64
	longStatus  = 1000 // more than any terminal shows
)

// newProgress returns a progress that writes to w.
func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			p.width = width
		}
	}
	return p
}

// say prints a line.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(line)
}

// startCell shows that cell number of count starts.
func (p *progress) startCell(number, count int, title string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	digits := len(fmt.Sprint(count))
	p.title = cut(fmt.Sprintf("[%*d/%d] %s", digits, number, count, title), p.column()-2)
	p.started, p.text, p.status, p.hidden, p.figures = time.Now(), terminalText{}, "", 0, 0
	p.budget, p.refill, p.passed = lineBurst, p.started, p.started
	p.done = make(chan struct{})
	if p.width == 0 {
		fmt.Fprint(p.w, p.title)
		p.drawn = true
		return
	}
	p.draw()
	go p.animate(p.done)
}

// animate redraws the last line of a terminal until the cell is done.
func (p *progress) animate(done chan struct{}) {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			p.mu.Lock()
			if p.done == done { // not of the next cell already
				p.draw()
			}
			p.mu.Unlock()
		}
	}
}

// show passes on what a cell put out.
func (p *progress) show(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.title == "" {
		return
	}
	switch m.kind {
	case "stream":
		p.text.write(stripANSI(m.text("text")))
		for _, line := range p.text.takeLines() {
			p.status = ""
			p.pass(line)
		}
		p.setStatus(p.text.startOfLine(longStatus))
	case "display_data", "update_display_data":
		data := m.object("data")
		if _, ok := data["image/png"]; ok && m.kind == "display_data" {
			p.figures++
		}
		if text, ok := data["text/plain"].(string); ok {
			p.setStatus(text)
		}
	}
}

// pass prints a line of the cell, unless there are too many.
func (p *progress) pass(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	now := time.Now()
	p.budget = min(lineBurst, p.budget+lineRate*now.Sub(p.refill).Seconds())
	p.refill = now
	if p.budget < 1 {
		p.hidden++
		return
	}
	p.budget--
	p.print("    " + p.fit(line))
}

// setStatus takes a line that the cell keeps up to date. Where the last line cannot be
// redrawn it is passed on now and then.
func (p *progress) setStatus(line string) {
	line = strings.TrimSpace(line)
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	changed := line != "" && line != p.status
	p.status = line
	if p.width == 0 && changed && time.Since(p.passed) >= statusPause {
		p.passed = time.Now()
		p.print("    " + p.fit(line))
	}
}

// interrupting shows that the running cell is asked to end.
func (p *progress) interrupting() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setStatus("interrupting …")
}

// endCell shows that the running cell has ended.
func (p *progress) endCell(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.done)
	p.done = nil
	if p.hidden > 0 {
		p.print(fmt.Sprintf("    … and %d more in the notebook", p.hidden))
	}
	result := seconds(time.Since(p.started))
	switch {
	case errors.Is(err, errInterrupted):
		result += "  interrupted"
	case err != nil:
		result += "  failed"
	case p.figures == 1:
		result += "  1 figure"
	case p.figures > 1:
		result += fmt.Sprintf("  %d figures", p.figures)
	}
	switch {
	case p.width > 0:
		fmt.Fprintf(p.w, "\r\x1b[K%s\n", p.header(result))
	case p.drawn:
		fmt.Fprintf(p.w, "%s%s\n", p.pad(), result)
	default:
		fmt.Fprintf(p.w, "    %s\n", result)
	}
	p.title, p.drawn = "", false
}

// print writes a complete line above the one that is being drawn.
func (p *progress) print(line string) {
	switch {
	case p.width > 0:
		fmt.Fprintf(p.w, "\r\x1b[K%s\n", line)
		if p.title != "" {
			p.draw()
		}
	case p.drawn:
		fmt.Fprintf(p.w, "\n%s\n", line)
		p.drawn = false
	default:
		fmt.Fprintln(p.w, line)
	}
}

// draw writes the last line of a terminal.
func (p *progress) draw() {
	line := p.header(seconds(time.Since(p.started)))
	if p.status != "" {
		line += "  " + p.status
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", cut(line, p.width-1))
}

// header returns the title and, in a column, what follows it.
func (p *progress) header(result string) string { return p.title + p.pad() + result }

func (p *progress) pad() string {
	return strings.Repeat(" ", p.column()-utf8.RuneCountInString(p.title))
}

// column returns where what follows a title starts.
func (p *progress) column() int {
	if p.width == 0 {
		return maxColumn
	}
	return min(maxColumn, max(20, p.width/2))
}

// fit shortens a line of a cell to the width of the terminal, or of a log.
func (p *progress) fit(line string) string {
	if p.width == 0 {
		return cut(line, 200)
	}
	return cut(line, p.width-5)
}

// seconds writes a duration as a person reads it.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%5.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n && n > 0 {
		return string(r[:n-1]) + "…"
	}
	return s
}
