package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func stream(text string) message {
	return message{kind: "stream", content: map[string]any{"name": "stdout", "text": text}}
}

// screen returns the lines that a terminal shows after text has been written to it.
func screen(text string) string {
	var shown []string
	for line := range strings.SplitSeq(text, "\n") {
		if i := strings.LastIndex(line, "\r\x1b[K"); i >= 0 {
			line = line[i+len("\r\x1b[K"):]
		}
		shown = append(shown, line)
	}
	return strings.Join(shown, "\n")
}

func TestProgressOnTerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.width = 60
	p.startCell(3, 12, "Train the flow, with a title that is much too long for this")
	p.show(stream("a line\nepoch 1"))
	p.show(message{kind: "update_display_data", content: map[string]any{"data": map[string]any{"text/plain": "half done\nmore"}}})
	p.mu.Lock()
	p.draw()
	got := screen(b.String())
	p.mu.Unlock()
	if want := "    a line\n[ 3/12] Train the flow, wit…    0.0 s  half done"; got != want {
		t.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
	}
	for range 2 {
		p.show(message{kind: "display_data", content: map[string]any{"data": map[string]any{"image/png": "x"}}})
	}
	p.endCell(nil)
	p.startCell(4, 12, "Next")
	p.interrupting()
	p.endCell(errInterrupted)
	p.say("stopped")
	p.mu.Lock()
	defer p.mu.Unlock()
	if got, want := screen(b.String()), "    a line\n[ 3/12] Train the flow, wit…    0.0 s  2 figures\n"+
		"[ 4/12] Next                    0.0 s  interrupted\nstopped\n"; got != want {
		t.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
	}
}

func TestProgressInLog(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.startCell(1, 2, "First")
	p.endCell(errors.New("no"))
	p.startCell(2, 2, "Second")
	p.show(stream("\x1b[31mred\x1b[0m\n\n1%\r2%"))
	p.passed = p.passed.Add(-time.Minute) // as if the cell had run for long
	p.show(stream("\r3%"))
	p.show(stream("\r4%\r"))
	p.endCell(nil)
	pad := strings.Repeat(" ", maxColumn-len("[1/2] First"))
	if got, want := b.String(), "[1/2] First"+pad+"  0.0 s  failed\n[2/2] Second\n    red\n    3%\n      0.0 s\n"; got != want {
		t.Errorf("the log has\n%q\nwant\n%q", got, want)
	}
}
