package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// newNotebook returns a notebook of code cells with the given sources.
func newNotebook(sources ...string) *notebook {
	nb := &notebook{root: map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}}}
	var list []any
	for i, s := range sources {
		raw := map[string]any{
			"cell_type": "code", "execution_count": nil, "id": string(rune('a' + i)),
			"metadata": map[string]any{}, "outputs": []any{}, "source": splitLines(s),
		}
		list = append(list, raw)
		nb.cells = append(nb.cells, &cell{raw})
	}
	nb.root["cells"] = list
	return nb
}

// testdata/nbformat.ipynb was written by nbformat 5.5.0 (Python). Taking its texts
// apart and putting them together again must give the same bytes.
func TestEncodeAsNbformat(t *testing.T) {
	want, err := os.ReadFile("testdata/nbformat.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	nb, err := parseNotebook(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range nb.cells {
		c.setSource(c.source())
		if c.kind() != "code" {
			continue
		}
		outputs := c.outputs()
		for _, o := range outputs {
			if text, err := joinText(o["text"]); err == nil {
				o["text"] = splitLines(text)
			}
			if data, ok := o["data"].(map[string]any); ok {
				for mimeType, v := range data {
					if text, err := joinText(v); err == nil {
						data[mimeType] = text
					}
				}
				o["data"] = splitData(data)
			}
		}
		c.setOutputs(outputs)
	}
	got, err := nb.encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("encode gives\n%s\nwant\n%s", got, want)
	}
}

func TestParseNotebookErrors(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{``, "the file ends after 0 bytes"},
		{`{"cells": [`, "the file ends after 11 bytes"},
		{`{"nbformat": 3, "worksheets": []}`, "got nbformat 3, want 4; convert it with: jupyter nbconvert"},
		{`{"nbformat": 4}`, "no list of cells"},
		{`{"nbformat": 4, "cells": []} x`, "text follows"},
		{`{"nbformat": 4, "cells": [1]}`, "cell 1 is not an object"},
		{`{"nbformat": 4, "cells": [{"source": ""}]}`, "cell 1 has no cell_type"},
		{`{"nbformat": 4, "cells": [{"cell_type": "code", "source": 7}]}`, "the source of cell 1"},
		{`{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a", 7]}]}`, "the source of cell 1"},
	} {
		if _, err := parseNotebook([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("parseNotebook(%q): %v, want an error with %q", c.file, err, c.want)
		}
	}
}

// A byte-order mark, as editors on Windows write it, is no part of the text.
func TestByteOrderMark(t *testing.T) {
	nb, err := parseNotebook([]byte("\ufeff{\"nbformat\": 4, \"cells\": []}"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := nb.encode(); err != nil || !bytes.HasPrefix(b, []byte("{")) {
		t.Errorf("it is written as %q (%v)", b, err)
	}
}

// Cells get the ids that format 4.5 demands, each its own and the same each time; earlier
// formats know none.
func TestIDs(t *testing.T) {
	const text = `{"nbformat": 4, "nbformat_minor": %, "cells": [{"cell_type": "code", "source": "x"}, ` +
		`{"cell_type": "code", "source": "x"}, {"cell_type": "markdown", "source": "x", "id": "mine"}]}`
	ids := func(minor string) (list []any) {
		nb, err := parseNotebook([]byte(strings.Replace(text, "%", minor, 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range nb.cells {
			list = append(list, c.raw["id"])
		}
		return list
	}
	got := ids("5")
	if got[0] == nil || got[1] == nil || got[0] == got[1] || got[2] != "mine" || !slices.Equal(got, ids("5")) {
		t.Errorf("the ids are %v", got)
	}
	if old := ids("4"); !slices.Equal(old, []any{nil, nil, "mine"}) {
		t.Errorf("the ids in format 4.4 are %v, want none new", old)
	}
}

func TestSourceHash(t *testing.T) {
	a, b := newNotebook("x", "y"), newNotebook("x", "y")
	b.cells[0].raw["execution_count"] = 7
	if a.sourceHash() != b.sourceHash() {
		t.Error("the source hash depends on more than the sources")
	}
	for _, other := range []*notebook{newNotebook("x", "z"), newNotebook("xy"), newNotebook("x", "y", "")} {
		if a.sourceHash() == other.sourceHash() {
			t.Errorf("the source hash of %d other cells is the same", len(other.cells))
		}
	}
	if a.recordedHash() != "" {
		t.Errorf("recordedHash() = %q before it is recorded", a.recordedHash())
	}
	a.recordHash()
	if got, want := a.recordedHash(), b.sourceHash(); got != want {
		t.Errorf("recordedHash() = %q, want %q", got, want)
	}
}

func TestTitle(t *testing.T) {
	for source, want := range map[string]string{
		"// Draw it.\nx := 1":        "Draw it.",
		"%%\n// The loss\nx := 1":    "The loss",
		"%%\nx := 1\ny := 2":         "x := 1",
		"import \"fmt\"":             "import \"fmt\"",
		"x := 1\n  // and a comment": "and a comment",
		"":                           "",
	} {
		if got := newNotebook(source).cells[0].title(); got != want {
			t.Errorf("title of %q = %q, want %q", source, got, want)
		}
	}
}

func TestTestOverrides(t *testing.T) {
	nb := newNotebook("const epochs = 1000")
	if set, err := nb.testOverrides(); err != nil || len(set) != 0 {
		t.Errorf("testOverrides() = %v, %v, want none", set, err)
	}
	set := object(object(object(nb.metadata(), "nfkit"), "test"), "set")
	set["epochs"], set["batch"] = "20", "8"
	got, err := nb.testOverrides()
	if want := []override{{"batch", "8"}, {"epochs", "20"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("testOverrides() = %v, %v, want %v", got, err, want)
	}
	set["epochs"] = 20
	if _, err := nb.testOverrides(); err == nil {
		t.Error("a number is taken as the value of an override, want an error")
	}
}
