package tables

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/safetensors"
	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// Save writes the model to one file in the safetensors format: names, types and bounds of the columns, scaling and weights. They are the tensors
// of its State; columns has the bytes of a JSON text. The file is written whole or not at all, see [nf.Save].
func (m *Model) Save(path string) error {
	if err := nf.Save(path, m); err != nil {
		return fmt.Errorf("tables: Model.Save: %w", err)
	}
	return nil
}

// Load returns the model in a file that [Model.Save] wrote. newFlow is what made its flow, nil if that was the default. It is an error when the
// file is damaged or of something else, or the flow is of another architecture: what differs is said. To read a file into a model that is there
// already, use [nf.Load].
func Load(path string, newFlow NewFlow) (*Model, error) {
	columns, dim, err := readHeader(path)
	if err != nil {
		return nil, fmt.Errorf("tables: Load %s: %w", path, err)
	}
	mean, scale := make([]float64, len(columns)), make([]float64, len(columns))
	for j := range scale {
		scale[j] = 1
	}
	m := newModel(columns, dim, mean, scale, newFlow, rand.NewPCG(0, 0))
	if err := nf.Load(path, m); err != nil {
		return nil, fmt.Errorf("tables: Load: %w", err)
	}
	return m, nil
}

// header is the JSON text of the columns.
type header struct {
	Columns []headerColumn `json:"columns"`
	Given   int            `json:"given"` // how many of them, at the end
}

type headerColumn struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Lo   string `json:"lo"` // JSON has no infinite numbers
	Hi   string `json:"hi"`
}

// encodeHeader returns the bytes of the header.
func encodeHeader(columns []Column, dim int) []int {
	h := header{Given: len(columns) - dim}
	for _, c := range columns {
		h.Columns = append(h.Columns, headerColumn{c.Name, c.Kind, strconv.FormatFloat(c.Lo, 'g', -1, 64), strconv.FormatFloat(c.Hi, 'g', -1, 64)})
	}
	text, err := json.Marshal(h)
	if err != nil { // there is nothing in it that JSON does not have
		panic(err)
	}
	numbers := make([]int, len(text))
	for i, b := range text {
		numbers[i] = int(b)
	}
	return numbers
}

// decodeHeader returns the columns, and the number of those that are not given.
func decodeHeader(numbers []int) (columns []Column, dim int, err error) {
	text := make([]byte, len(numbers))
	for i, b := range numbers {
		if b != int(byte(b)) {
			return nil, 0, fmt.Errorf("columns: element %d is %d, want a byte", i, b)
		}
		text[i] = byte(b)
	}
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, 0, fmt.Errorf("columns: %w", err)
	}
	if h.Given < 0 || h.Given >= len(h.Columns) {
		return nil, 0, fmt.Errorf("columns: %d of %d columns are given", h.Given, len(h.Columns))
	}
	for _, c := range h.Columns {
		lo, errLo := strconv.ParseFloat(c.Lo, 64)
		hi, errHi := strconv.ParseFloat(c.Hi, 64)
		column, err := Column{c.Name, c.Kind, lo, hi}.valid()
		if errLo != nil || errHi != nil || err != nil {
			return nil, 0, fmt.Errorf("columns: column %q of kind %q from %s to %s cannot be", c.Name, c.Kind, c.Lo, c.Hi)
		}
		columns = append(columns, column)
	}
	return columns, len(columns) - h.Given, checkNames(namesOf(columns))
}

// readHeader reads the columns of a file.
func readHeader(path string) (columns []Column, dim int, err error) {
	r, err := wholefile.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, 0, err
	}
	f, err := safetensors.Open(r, info.Size())
	if err != nil {
		return nil, 0, err
	}
	for _, t := range f.Tensors {
		if t.Name == "columns" && len(t.Shape) == 1 && t.DType.Whole() {
			numbers := make([]int, t.Shape[0])
			if err := f.ReadInts(numbers, t); err != nil {
				return nil, 0, err
			}
			return decodeHeader(numbers)
		}
	}
	return nil, 0, fmt.Errorf("the file has no columns; Model.Save writes those that have")
}

// checkHeader says how the columns of a file differ from those of the model.
func (m *Model) checkHeader(t nf.Tensor) error {
	if slices.Equal(t.Ints, m.header) {
		return nil
	}
	columns, dim, err := decodeHeader(t.Ints)
	if err != nil {
		return err
	}
	return fmt.Errorf("the file has %v, of which the last %d are given; the model has %v, of which the last %d are given",
		columns, len(columns)-dim, m.columns, len(m.columns)-m.dim)
}
