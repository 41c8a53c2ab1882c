package nfplot

import (
	"bytes"
	"fmt"
	"html"
	"image/png"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/term"
)

// Progress shows how far a loop is, the numbers that it reports, and the time left; and, with [Progress.Live], a figure:
//
//	progress := nfplot.NewProgress(1000)
//	progress.Live(func() nfplot.Drawing { return nfplot.Loss(losses) })
//	for step := range progress.Steps {
//		…
//		progress.Set("loss", loss)
//	}
//
// In a notebook it is a bar under the cell, in a terminal a line on the standard error, elsewhere nothing. It is redrawn a
// few times a second at most. The last state stays, without times: the same run leaves the same output.
// A Progress belongs to one goroutine.
type Progress struct {
	total, step int
	names       []string
	values      map[string]float64
	live        func() Drawing
	done        bool
	end         string // why the loop ended before the last step

	screen     screen
	now        func() time.Time
	start      time.Time
	lineDrawn  time.Time // when the line was last redrawn
	liveDrawn  time.Time // when the figure was
	livePeriod time.Duration
}

// screen is where a Progress is seen.
type screen interface {
	line(text string, step, total int, last bool)
	figure(draw func() Drawing, last bool)
	sync()
}

const redrawPeriod = 200 * time.Millisecond

// NewProgress returns the progress of a loop of total steps. It panics when total is less than 1.
func NewProgress(total int) *Progress {
	if total < 1 {
		panic(fmt.Sprintf("nfplot: NewProgress: got %d steps, want 1 or more", total))
	}
	p := newProgress(total, nowhere{}, time.Now)
	switch {
	case inNotebook():
		p.screen = &notebook{bar: "progress" + newDisplayID(), live: "live" + newDisplayID()}
	case term.IsTerminal(int(os.Stderr.Fd())):
		p.screen = terminal{}
	}
	return p
}

func newProgress(total int, s screen, now func() time.Time) *Progress {
	return &Progress{total: total, values: map[string]float64{}, screen: s, now: now, start: now()}
}

// Live shows what draw returns below the bar: redrawn while the loop runs, for at most a quarter of the time, and once more
// at the end. Where there is no notebook draw is never called.
func (p *Progress) Live(draw func() Drawing) { p.live = draw }

// Steps counts 1, 2, … up to the total. It is made for range, and calls [Progress.Done] when the
// loop ends or is left. An interrupt (Ctrl-C in a terminal, the square button in a notebook) ends the loop after the step in hand, and the bar says
// so: what comes after the loop can keep what was learned. A second one ends the program, as usual.
func (p *Progress) Steps(yield func(step int) bool) {
	defer p.Done()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	for step := 1; step <= p.total; step++ {
		if !yield(step) {
			return
		}
		p.To(step)
		select {
		case <-interrupts:
			p.end = ", interrupted"
			return
		default:
		}
	}
}

// Set reports a number, which the bar shows with its name from the next redrawing on.
func (p *Progress) Set(name string, value float64) {
	if _, known := p.values[name]; !known {
		p.names = append(p.names, name)
	}
	p.values[name] = value
}

// To says that the given number of steps is done, for loops that do not range over [Progress.Steps].
// It panics when that is negative or more than the total.
func (p *Progress) To(step int) {
	if step < 0 || step > p.total {
		panic(fmt.Sprintf("nfplot: Progress.To: got step %d, want 0 to %d", step, p.total))
	}
	p.step = step
	now := p.now()
	if now.Sub(p.lineDrawn) >= redrawPeriod {
		p.screen.line(p.text()+p.timeLeft(now), p.step, p.total, false)
		p.lineDrawn = now
	}
	if p.live != nil && now.Sub(p.liveDrawn) >= max(redrawPeriod, p.livePeriod) {
		p.screen.figure(p.live, false)
		p.liveDrawn = p.now()
		p.livePeriod = 3 * p.liveDrawn.Sub(now)
	}
}

// Done draws the last state. Whatever comes after it is not shown.
func (p *Progress) Done() {
	if p.done {
		return
	}
	p.done = true
	p.screen.line(p.text()+p.end, p.step, p.total, true)
	if p.live != nil {
		p.screen.figure(p.live, true)
	}
	p.screen.sync()
}

// text is the state, without times: "500/1000, loss 1.642".
func (p *Progress) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d", p.step, p.total)
	for _, name := range p.names {
		fmt.Fprintf(&b, ", %s %.4g", name, p.values[name])
	}
	return b.String()
}

// timeLeft supposes that the steps to come take as long as those done: ", 12 s left".
func (p *Progress) timeLeft(now time.Time) string {
	if p.step == 0 || p.step == p.total {
		return ""
	}
	left := time.Duration(float64(now.Sub(p.start)) * float64(p.total-p.step) / float64(p.step))
	switch {
	case left < 2*time.Minute:
		return fmt.Sprintf(", %.0f s left", left.Seconds())
	case left < 2*time.Hour:
		return fmt.Sprintf(", %.0f min left", left.Minutes())
	}
	return fmt.Sprintf(", %.1f h left", left.Hours())
}

// notebook is the output of a cell.
type notebook struct{ bar, live string } // display ids

// line sends a bar for browsers and the text for all others.
func (n *notebook) line(text string, step, total int, last bool) {
	bar := fmt.Sprintf(`<progress value="%d" max="%d" style="width:20em;vertical-align:middle"></progress> %s`, step, total, html.EscapeString(text))
	kernel.send(display{Data: mimeBundle{mimeHTML: bar, mimePlain: text}, DisplayID: n.bar})
}

// figure sends a quick image while the loop runs, and the one that [Show] would send at the end.
func (n *notebook) figure(draw func() Drawing, last bool) {
	d := draw()
	if last {
		sendPNG(n.live, PNG(d), pageWidth(d))
		return
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(&b, render(d, 1)); err != nil {
		panic("nfplot: " + err.Error()) // a buffer takes everything, and the image is valid
	}
	sendPNG(n.live, b.Bytes(), pageWidth(d))
}

func (n *notebook) sync() { kernel.sync() }

// terminal rewrites one line of the standard error.
type terminal struct{}

func (terminal) line(text string, step, total int, last bool) {
	end := ""
	if last {
		end = "\n"
	}
	fmt.Fprintf(os.Stderr, "\r\x1b[K%s%s", text, end)
}
func (terminal) figure(func() Drawing, bool) {}
func (terminal) sync()                       {}

// nowhere is a program without terminal and notebook.
type nowhere struct{}

func (nowhere) line(string, int, int, bool) {}
func (nowhere) figure(func() Drawing, bool) {}
func (nowhere) sync()                       {}
