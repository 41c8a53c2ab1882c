package main

import (
	"maps"
	"strings"
)

// outputs collects what the cells of a notebook put out, as a Jupyter front end
// does: by the request that a message belongs to, and by display id.
type outputs struct {
	cells    map[string]*cellOutputs // by the id of the execute request
	displays map[string][]*output    // by display id, over all cells
}

// cellOutputs is the list of outputs of one cell.
type cellOutputs struct {
	list      []*output
	clearNext bool // clear_output(wait) came: clear when the next output comes
}

// output is one output in the form that the file has. The text of a stream is kept
// apart while it grows.
type output struct {
	raw    map[string]any
	stream *terminalText
}

func newOutputs() *outputs {
	return &outputs{map[string]*cellOutputs{}, map[string][]*output{}}
}

// expect starts the list of the cell that the request executes.
func (o *outputs) expect(request string) *cellOutputs {
	c := &cellOutputs{}
	o.cells[request] = c
	return c
}

// add takes a published message. Messages of requests that are none of a cell's, and
// kinds that put nothing out, are ignored.
func (o *outputs) add(m message) {
	if m.kind == "update_display_data" {
		for _, shown := range o.displays[displayID(m)] {
			shown.raw["data"], shown.raw["metadata"] = m.object("data"), m.object("metadata")
		}
		return
	}
	c := o.cells[m.parent]
	if c == nil {
		return
	}
	switch m.kind {
	case "stream":
		c.addStream(m.text("name"), m.text("text"))
	case "display_data", "execute_result":
		shown := c.append(map[string]any{"data": m.object("data"), "metadata": m.object("metadata")}, m.kind)
		if m.kind == "execute_result" {
			shown.raw["execution_count"] = m.content["execution_count"]
		}
		if id := displayID(m); id != "" {
			o.displays[id] = append(o.displays[id], shown)
		}
	case "error":
		traceback, ok := m.content["traceback"].([]any)
		if !ok {
			traceback = []any{}
		}
		c.append(map[string]any{"ename": m.text("ename"), "evalue": m.text("evalue"), "traceback": traceback}, m.kind)
	case "clear_output":
		wait, _ := m.content["wait"].(bool)
		c.clearNext = wait
		if !wait {
			c.list = nil
		}
	}
}

func displayID(m message) string {
	id, _ := m.object("transient")["display_id"].(string)
	return id
}

func (c *cellOutputs) append(raw map[string]any, kind string) *output {
	if c.clearNext {
		c.list, c.clearNext = nil, false
	}
	raw["output_type"] = kind
	out := &output{raw: raw}
	c.list = append(c.list, out)
	return out
}

// fail puts out an error that did not come from the kernel.
func (c *cellOutputs) fail(err error) {
	text := err.Error()
	c.append(map[string]any{"ename": "STOPPED", "evalue": text, "traceback": []any{text}}, "error")
}

// addStream appends text to the last output if that is of the same stream, as
// JupyterLab does, and otherwise starts a new one.
func (c *cellOutputs) addStream(name, text string) {
	var last *output
	if n := len(c.list); n > 0 && !c.clearNext {
		last = c.list[n-1]
	}
	if last == nil || last.stream == nil || last.raw["name"] != name {
		last = c.append(map[string]any{"name": name}, "stream")
		last.stream = &terminalText{}
	}
	last.stream.write(text)
}

// saved returns the outputs in the form that the file has.
func (c *cellOutputs) saved() []map[string]any {
	var list []map[string]any
	for _, out := range c.list {
		raw := maps.Clone(out.raw)
		if out.stream != nil {
			raw["text"] = splitLines(out.stream.String())
		}
		if data, ok := raw["data"].(map[string]any); ok {
			raw["data"] = splitData(data)
		}
		list = append(list, raw)
	}
	return list
}

// splitData cuts the texts of a MIME bundle into lines where nbformat does.
func splitData(data map[string]any) map[string]any {
	data = maps.Clone(data)
	for mime, v := range data {
		s, ok := v.(string)
		if ok && (strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml") {
			data[mime] = splitLines(s)
		}
	}
	return data
}

// stderr returns what the cell wrote to its standard error.
func (c *cellOutputs) stderr() string {
	var b strings.Builder
	for _, out := range c.list {
		if out.stream != nil && out.raw["name"] == "stderr" {
			b.WriteString(out.stream.String())
		}
	}
	return b.String()
}
