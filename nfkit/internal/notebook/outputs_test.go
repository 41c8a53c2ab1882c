package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// published returns a message with the content given as JSON.
func published(t *testing.T, parent, kind, content string) message {
	t.Helper()
	m := message{on: onIOPub, kind: kind, parent: parent}
	if err := json.Unmarshal([]byte(content), &m.content); err != nil {
		t.Fatal(err)
	}
	return m
}

func wantOutputs(t *testing.T, c *cellOutputs, want string) {
	t.Helper()
	got, err := json.Marshal(c.saved())
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("outputs are\n%s\nwant\n%s", got, want)
	}
}

func TestStreamsAreJoined(t *testing.T) {
	o := newOutputs()
	c := o.expect("1")
	o.add(published(t, "1", "stream", `{"name": "stdout", "text": "a\nb"}`))
	o.add(published(t, "other", "stream", `{"name": "stdout", "text": "not ours"}`))
	o.add(published(t, "1", "stream", `{"name": "stdout", "text": "c\n"}`))
	o.add(published(t, "1", "stream", `{"name": "stderr", "text": "e"}`))
	o.add(published(t, "1", "status", `{"execution_state": "busy"}`))
	o.add(published(t, "1", "stream", `{"name": "stdout", "text": "d"}`))
	wantOutputs(t, c, `[{"name":"stdout","output_type":"stream","text":["a\n","bc\n"]},`+
		`{"name":"stderr","output_type":"stream","text":["e"]},`+
		`{"name":"stdout","output_type":"stream","text":["d"]}]`)
	if got := c.stderr(); got != "e" {
		t.Errorf("stderr() = %q, want %q", got, "e")
	}
}

func TestDisplayIsUpdatedAcrossCells(t *testing.T) {
	o := newOutputs()
	first, second := o.expect("1"), o.expect("2")
	show := `{"data": {"text/plain": "1\n2"}, "metadata": {}, "transient": {"display_id": "fig"}}`
	o.add(published(t, "1", "display_data", show))
	o.add(published(t, "2", "display_data", show))
	o.add(published(t, "2", "update_display_data",
		`{"data": {"image/png": "x\ny"}, "metadata": {"k": 1}, "transient": {"display_id": "fig"}}`))
	o.add(published(t, "2", "update_display_data", `{"data": {}, "transient": {"display_id": "unknown"}}`))
	want := `[{"data":{"image/png":"x\ny"},"metadata":{"k":1},"output_type":"display_data"}]`
	wantOutputs(t, first, want)
	wantOutputs(t, second, want)
}

func TestClearOutput(t *testing.T) {
	o := newOutputs()
	c := o.expect("1")
	text := func(s string) { o.add(published(t, "1", "stream", `{"name": "stdout", "text": "`+s+`"}`)) }
	text("a")
	o.add(published(t, "1", "clear_output", `{"wait": true}`))
	wantOutputs(t, c, `[{"name":"stdout","output_type":"stream","text":["a"]}]`)
	text("b") // replaces, and is not joined to what is cleared
	wantOutputs(t, c, `[{"name":"stdout","output_type":"stream","text":["b"]}]`)
	o.add(published(t, "1", "clear_output", `{"wait": false}`))
	wantOutputs(t, c, `null`)
	text("c")
	wantOutputs(t, c, `[{"name":"stdout","output_type":"stream","text":["c"]}]`)
}

func TestErrorAndResult(t *testing.T) {
	o := newOutputs()
	c := o.expect("1")
	o.add(published(t, "1", "execute_result", `{"data": {"text/html": "<p>\n</p>"}, "execution_count": 4}`))
	o.add(published(t, "1", "error", `{"ename": "E", "evalue": "v", "traceback": ["a", "b"]}`))
	o.add(published(t, "1", "error", `{"ename": "E", "evalue": "v"}`))
	wantOutputs(t, c, `[{"data":{"text/html":["\u003cp\u003e\n","\u003c/p\u003e"]},"execution_count":4,"metadata":{},"output_type":"execute_result"},`+
		`{"ename":"E","evalue":"v","output_type":"error","traceback":["a","b"]},`+
		`{"ename":"E","evalue":"v","output_type":"error","traceback":[]}]`)
}

// What JupyterLab 4 makes of these (its fixCarriageReturn and fixBackspace).
func TestTerminalText(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"a\nb", "a\nb"},
		{"abc\rX", "Xbc"},
		{"abc\r\ndef", "abc\ndef"},
		{"abc\r", "abc\r"},
		{"abc\r\r\rXY\n", "XYc\n"},
		{"10%\r20%\r100%\nnext\rN", "100%\nNext"},
		{"ab\bc", "ac"},
		{"\bab", "ab"},
		{"ünï\rÜ", "Ünï"},
		{"█░\r██", "██"},
	} {
		var whole, pieces terminalText
		whole.write(c.written)
		for _, r := range c.written {
			pieces.write(string(r))
		}
		if got := whole.String(); got != c.want {
			t.Errorf("writing %q gives %q, want %q", c.written, got, c.want)
		}
		if got := pieces.String(); got != c.want {
			t.Errorf("writing %q piece by piece gives %q, want %q", c.written, got, c.want)
		}
	}
}

// Many small writes must not cost their square: this takes minutes if each one copies
// the text.
func TestStreamOfManyLines(t *testing.T) {
	const lines = 300_000
	o := newOutputs()
	c := o.expect("1")
	m := published(t, "1", "stream", `{"name": "stdout", "text": "a line of some length\n"}`)
	for range lines {
		o.add(m)
	}
	text, err := joinText(c.saved()[0]["text"])
	if err != nil || strings.Count(text, "\n") != lines {
		t.Errorf("%d lines are kept, want %d (%v)", strings.Count(text, "\n"), lines, err)
	}
}

// Nor must one long line, whether it is written on, over and over, or taken back: each of these
// takes minutes if a write costs the length of the line.
func TestStreamOfOneLongLine(t *testing.T) {
	const length = 4 << 20
	for name, c := range map[string]struct{ start, piece, want string }{
		"written on":   {"", "x", strings.Repeat("x", length)},
		"written over": {strings.Repeat("x", length), "\ry", "y" + strings.Repeat("x", length-1)},
		"taken back":   {strings.Repeat("x", length) + "\r" + strings.Repeat("y", length/2), "\b", strings.Repeat("x", length/2) + "\r"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutputs()
			out := o.expect("1")
			p := newProgress(io.Discard)
			p.startCell(1, 1, "cell")
			piece := strings.Repeat(c.piece, 1000)
			write := func(text string) {
				m := message{on: onIOPub, kind: "stream", parent: "1", content: map[string]any{"name": "stdout", "text": text}}
				o.add(m)
				p.show(m)
			}
			write(c.start)
			for n := 0; n < length/len(piece); n++ {
				write(piece)
			}
			write(strings.Repeat(c.piece, length/len(c.piece)%1000))
			p.endCell(nil)
			text, err := joinText(out.saved()[0]["text"])
			if err != nil || text != c.want {
				t.Errorf("%d characters are kept, want %d (%v)", len(text), len(c.want), err)
			}
		})
	}
}
