package main

import (
	"regexp"
	"slices"
	"strings"
)

// terminalText is a text that is written to a stream, as JupyterLab shows and saves
// it: a carriage return moves to the start of the line and what follows overwrites
// it, a backspace takes a character back. A progress bar is kept in its last state.
type terminalText struct {
	done  strings.Builder // lines that are complete
	left  []rune          // the last line, up to where the next character goes
	right []rune          // what follows it, from its end backwards
}

// write appends text. Its cost is proportional to the length of text: a character moves to
// the right once for each time that it is written.
func (t *terminalText) write(text string) {
	for _, r := range text {
		switch r {
		case '\n':
			t.done.WriteString(t.line())
			t.done.WriteByte('\n')
			t.left, t.right = t.left[:0], t.right[:0]
		case '\r':
			for i := len(t.left) - 1; i >= 0; i-- {
				t.right = append(t.right, t.left[i])
			}
			t.left = t.left[:0]
		case '\b':
			t.left = t.left[:max(0, len(t.left)-1)]
		default:
			t.left = append(t.left, r)
			t.right = t.right[:max(0, len(t.right)-1)] // it is overwritten
		}
	}
}

// line returns the last line.
func (t *terminalText) line() string { return string(t.left) + string(reversed(t.right)) }

// String returns the text. A carriage return that nothing followed stays at its end.
func (t *terminalText) String() string {
	s := t.done.String() + t.line()
	if len(t.left) == 0 && len(t.right) > 0 {
		s += "\r"
	}
	return s
}

// takeLines returns the lines that are complete and have not been taken yet.
func (t *terminalText) takeLines() []string {
	text := t.done.String()
	t.done.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// startOfLine returns the first n characters of the last line.
func (t *terminalText) startOfLine(n int) string {
	start := slices.Clone(t.left[:min(n, len(t.left))])
	if more := n - len(start); more > 0 {
		start = append(start, reversed(t.right[max(0, len(t.right)-more):])...)
	}
	return strings.TrimSpace(string(start))
}

func reversed(r []rune) []rune {
	r = slices.Clone(r)
	slices.Reverse(r)
	return r
}

var ansiSequence = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]`)

// stripANSI removes colours and other terminal controls from s.
func stripANSI(s string) string { return ansiSequence.ReplaceAllString(s, "") }
