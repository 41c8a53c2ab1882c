package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// The kernel as notebooks name it, which is as GoNB installs itself.
const (
	kernelName        = "gonb"
	kernelDisplayName = "Go (gonb)"
)

// Tags of cells that Jupyter knows, too.
const (
	tagSkip   = "skip-execution"   // the cell is not run
	tagRaises = "raises-exception" // the cell has to fail
)

// notebook is an .ipynb file. It keeps the JSON as it came, so what is not known
// here is written back unchanged.
type notebook struct {
	root  map[string]any
	cells []*cell
}

// cell is a cell of a notebook.
type cell struct {
	raw map[string]any
}

// readNotebook reads the file name, which must be of format 4, and returns its text as well.
func readNotebook(name string) (nb *notebook, text []byte, err error) {
	f, err := wholefile.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	if text, err = io.ReadAll(f); err != nil {
		return nil, nil, err
	}
	if nb, err = parseNotebook(text); err != nil {
		return nil, nil, fmt.Errorf("%s is not a notebook: %w", name, err)
	}
	return nb, text, nil
}

func parseNotebook(b []byte) (*notebook, error) {
	nb := &notebook{}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&nb.root); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the file ends after %d bytes, within its JSON", len(b))
		}
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text follows its JSON")
	}
	if v := fmt.Sprint(nb.root["nbformat"]); v != "4" {
		return nil, fmt.Errorf("got nbformat %s, want 4; convert it with: jupyter nbconvert --to notebook --inplace FILE", v)
	}
	list, ok := nb.root["cells"].([]any)
	if !ok {
		return nil, errors.New("it has no list of cells")
	}
	for i, v := range list {
		raw, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("cell %d is not an object", i+1)
		}
		c := &cell{raw}
		if _, ok := raw["cell_type"].(string); !ok {
			return nil, fmt.Errorf("cell %d has no cell_type", i+1)
		}
		if _, err := joinText(raw["source"]); err != nil {
			return nil, fmt.Errorf("the source of cell %d: %w", i+1, err)
		}
		nb.cells = append(nb.cells, c)
	}
	nb.addIDs()
	return nb, nil
}

// addIDs gives ids to the cells that have none but need one, which is so since format 4.5.
// They depend on the cell alone, so that each run gives the same.
func (nb *notebook) addIDs() {
	if minor, err := strconv.Atoi(fmt.Sprint(nb.root["nbformat_minor"])); err != nil || minor < 5 {
		return
	}
	used := map[string]bool{}
	for _, c := range nb.cells {
		if id, ok := c.raw["id"].(string); ok {
			used[id] = true
		}
	}
	for i, c := range nb.cells {
		for n := 0; c.raw["id"] == nil; n++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", i, n, c.source()))
			if id := hex.EncodeToString(sum[:4]); !used[id] {
				c.raw["id"], used[id] = id, true
			}
		}
	}
}

// checkKernel returns an error if the notebook names a kernel of another language.
func (nb *notebook) checkKernel() error {
	spec, _ := nb.metadata()["kernelspec"].(map[string]any)
	info, _ := nb.metadata()["language_info"].(map[string]any)
	name, _ := spec["name"].(string)
	for _, language := range []any{spec["language"], info["name"]} {
		if language, ok := language.(string); ok && language != "" && !strings.EqualFold(language, "go") {
			return fmt.Errorf("the notebook is for the kernel %q of the language %s, want %q", name, language, kernelName)
		}
	}
	if spec["language"] == nil && name != "" && name != kernelName {
		return fmt.Errorf("the notebook is for the kernel %q, want %q", name, kernelName)
	}
	return nil
}

// encode returns the file's text as nbformat's writer gives it (one space of
// indent, keys sorted, nothing escaped that need not be), so that saving in
// JupyterLab changes nothing.
func (nb *notebook) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(nb.root); err != nil {
		return nil, err
	}
	return unescapeSeparators(b.Bytes()), nil
}

// unescapeSeparators writes U+2028 and U+2029, which Go's encoder always escapes, as
// they are.
func unescapeSeparators(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != '\\':
			out = append(out, b[i])
		case bytes.HasPrefix(b[i:], []byte(`\u2028`)):
			out = append(out, "\u2028"...)
			i += 5
		case bytes.HasPrefix(b[i:], []byte(`\u2029`)):
			out = append(out, "\u2029"...)
			i += 5
		default: // an escape of two characters, or the start of a longer one
			out = append(out, b[i], b[i+1])
			i++
		}
	}
	return out
}

// write writes the notebook to the file name.
func (nb *notebook) write(name string) error {
	b, err := nb.encode()
	if err != nil {
		return err
	}
	return writeFile(name, b)
}

// metadata returns the notebook's metadata, making it if there is none.
func (nb *notebook) metadata() map[string]any { return object(nb.root, "metadata") }

// setLanguage records the kernel's language_info and the kernelspec by which Jupyter
// finds the kernel, as a Jupyter front end does.
func (nb *notebook) setLanguage(info map[string]any) {
	nb.metadata()["language_info"] = info
	nb.metadata()["kernelspec"] = kernelspec()
}

func kernelspec() map[string]any {
	return map[string]any{"display_name": kernelDisplayName, "language": "go", "name": kernelName}
}

// sourceHash returns the SHA-256 of the code cells' sources. The notebook's metadata
// keep the one that its outputs belong to.
func (nb *notebook) sourceHash() string {
	h := sha256.New()
	for _, c := range nb.code() {
		s := c.source()
		fmt.Fprintf(h, "%d\n%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// recordedHash returns the source hash that the last run in place recorded, or "".
func (nb *notebook) recordedHash() string {
	h, _ := object(nb.metadata(), "nfkit")["source_sha256"].(string)
	return h
}

// recordHash records that the outputs belong to the sources as they are.
func (nb *notebook) recordHash() { object(nb.metadata(), "nfkit")["source_sha256"] = nb.sourceHash() }

// testOverrides returns the values of constants for a quick run in a test, which a
// notebook states in its metadata as nfkit.test.set.
func (nb *notebook) testOverrides() ([]override, error) {
	set := object(object(object(nb.metadata(), "nfkit"), "test"), "set")
	var list []override
	for name, v := range set {
		value, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("nfkit.test.set.%s in the notebook's metadata is a %T, want a string", name, v)
		}
		list = append(list, override{name, value})
	}
	slices.SortFunc(list, func(a, b override) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// code returns the code cells, in order.
func (nb *notebook) code() []*cell {
	var list []*cell
	for _, c := range nb.cells {
		if c.kind() == "code" {
			list = append(list, c)
		}
	}
	return list
}

// clearOutputs removes outputs and execution counts of the cells that a run executes.
func (nb *notebook) clearOutputs() {
	for _, c := range nb.code() {
		if c.hasTag(tagSkip) {
			continue
		}
		c.setOutputs(nil)
		c.raw["execution_count"] = nil
	}
}

func (c *cell) kind() string { return c.raw["cell_type"].(string) }

func (c *cell) source() string {
	s, err := joinText(c.raw["source"])
	if err != nil {
		panic(fmt.Sprintf("notebooks: cell.source: %v", err)) // parseNotebook has checked it
	}
	return s
}

// forKernel returns the source as the kernel gets it: with the line ends of Unix, without
// which GoNB does not know its own lines, and with shell lines that do not wait for input.
func (c *cell) forKernel() string {
	var b strings.Builder
	shell := false // the line continues a shell line
	for line, special := range cellLines(strings.ReplaceAll(c.source(), "\r\n", "\n")) {
		if command, ok := strings.CutPrefix(line, "!"); ok && special && !shell {
			command, star := strings.CutPrefix(command, "*")
			b.WriteString("!" + map[bool]string{true: "*"}[star] + "exec </dev/null; ")
			line = command
		}
		shell = special && strings.HasSuffix(strings.TrimRight(line, "\n"), `\`)
		b.WriteString(line)
	}
	return b.String()
}

func (c *cell) setSource(s string) { c.raw["source"] = splitLines(s) }

// hasTag says whether the cell's metadata have the tag.
func (c *cell) hasTag(tag string) bool {
	metadata, _ := c.raw["metadata"].(map[string]any)
	tags, _ := metadata["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// outputs returns the outputs of a code cell.
func (c *cell) outputs() []map[string]any {
	list, _ := c.raw["outputs"].([]any)
	var out []map[string]any
	for _, v := range list {
		if o, ok := v.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

func (c *cell) setOutputs(list []map[string]any) {
	out := make([]any, len(list))
	for i, o := range list {
		out[i] = o
	}
	c.raw["outputs"] = out
}

// figures counts the outputs that are a PNG picture.
func (c *cell) figures() int {
	n := 0
	for _, o := range c.outputs() {
		data, _ := o["data"].(map[string]any)
		if _, ok := data["image/png"]; ok {
			n++
		}
	}
	return n
}

// title returns one line that tells a reader which cell this is: its first comment,
// or else its first line of code.
func (c *cell) title() string {
	first := ""
	for line := range strings.Lines(c.source()) {
		line = strings.TrimSpace(line)
		if comment, ok := strings.CutPrefix(line, "//"); ok {
			return strings.TrimSpace(comment)
		}
		if first == "" && line != "%%" {
			first = line
		}
	}
	return first
}

// object returns the object at key of m, and puts an empty one there if there is none.
func object(m map[string]any, key string) map[string]any {
	o, ok := m[key].(map[string]any)
	if !ok {
		o = map[string]any{}
		m[key] = o
	}
	return o
}

// joinText returns a text that a notebook file has as a string or as a list of lines.
func joinText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []any:
		var b strings.Builder
		for _, line := range v {
			s, ok := line.(string)
			if !ok {
				return "", fmt.Errorf("got a %T in a list of lines, want a string", line)
			}
			b.WriteString(s)
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("got a %T, want a string or a list of lines", v)
}

// splitLines cuts s behind each line end, at the characters where Python's
// str.splitlines does, for that is how nbformat writes a text.
func splitLines(s string) []any {
	lines := []any{}
	for len(s) > 0 {
		end := len(s)
		if i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029"); i >= 0 {
			_, size := utf8.DecodeRuneInString(s[i:])
			end = i + size
			if strings.HasPrefix(s[i:], "\r\n") {
				end++
			}
		}
		lines = append(lines, s[:end])
		s = s[end:]
	}
	return lines
}

// writeFile writes a file whole: it is the old one or the new one, never a part.
func writeFile(name string, b []byte) error {
	err := wholefile.Write(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
