package main

import (
	"regexp"
	"strings"
)

// terminalText is a text that is written to a stream, as JupyterLab shows and saves
// it: a carriage return moves to the start of the line and what follows overwrites
// it, a backspace takes a character back. A progress bar is kept in its last state.
type terminalText struct {
	done   strings.Builder // lines that are complete
	line   []rune          // the last line
	cursor int             // where in line the next character goes
}

// write appends text. Its cost is proportional to the length of text.
func (t *terminalText) write(text string) {
	for _, r := range text {
		switch r {
		case '\n':
			t.done.WriteString(string(t.line))
			t.done.WriteByte('\n')
			t.line, t.cursor = t.line[:0], 0
		case '\r':
			t.cursor = 0
		case '\b':
			if t.cursor > 0 {
				t.cursor--
				t.line = append(t.line[:t.cursor], t.line[t.cursor+1:]...)
			}
		default:
			if t.cursor < len(t.line) {
				t.line[t.cursor] = r
			} else {
				t.line = append(t.line, r)
			}
			t.cursor++
		}
	}
}

// String returns the text. A carriage return that nothing followed stays at its end.
func (t *terminalText) String() string {
	s := t.done.String() + string(t.line)
	if len(t.line) > 0 && t.cursor == 0 {
		s += "\r"
	}
	return s
}

// lastLine returns the line that is being written, or if it is empty "".
func (t *terminalText) lastLine() string { return strings.TrimSpace(string(t.line)) }

var ansiSequence = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]`)

// stripANSI removes colours and other terminal controls from s.
func stripANSI(s string) string { return ansiSequence.ReplaceAllString(s, "") }
