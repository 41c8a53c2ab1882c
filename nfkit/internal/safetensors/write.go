package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// Tensor is one tensor to write: of Ints if that is not nil, else of Floats.
type Tensor struct {
	Name   string
	Shape  []int
	Floats []float64
	Ints   []int
	Small  bool // Floats are whole numbers from 0 to 255
}

// Write writes tensors, in the order given but those of small numbers last, and metadata. Floats become F64 and Ints I64, small
// numbers U8; readers want numbers at multiples of their size.
// It panics when two tensors have the same name, or one has not as many numbers as its shape says.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	tensors = slices.Clone(tensors)
	slices.SortStableFunc(tensors, func(a, b Tensor) int { return cmp.Compare(b.dtype().Size(), a.dtype().Size()) })
	h, err := headerOf(tensors, metadata)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(h)))) // b keeps the first error for Flush
	b.Write(h)
	var word [8]byte
	for _, t := range tensors {
		for _, x := range t.Floats {
			if t.Small {
				b.WriteByte(byte(x))
				continue
			}
			binary.LittleEndian.PutUint64(word[:], math.Float64bits(x))
			b.Write(word[:])
		}
		for _, x := range t.Ints {
			binary.LittleEndian.PutUint64(word[:], uint64(x))
			b.Write(word[:])
		}
	}
	return b.Flush()
}

func (t Tensor) dtype() tensorfile.DType {
	switch {
	case t.Ints != nil:
		return tensorfile.I64
	case t.Small:
		return tensorfile.U8
	}
	return tensorfile.F64
}

// entry is what the header says of a tensor.
type entry struct {
	DType   tensorfile.DType `json:"dtype"`
	Shape   []int            `json:"shape"`
	Offsets [2]int64         `json:"data_offsets"`
}

// headerOf returns the JSON header, padded with spaces so that the numbers after it are aligned.
func headerOf(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	field := func(name string, value any) error {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(text)
		return nil
	}
	if len(metadata) > 0 {
		if err := field(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	if len(tensors) > tensorfile.MaxTensors {
		panic(fmt.Sprintf("safetensors: Write: got %d tensors, want at most %d, as readers accept", len(tensors), tensorfile.MaxTensors))
	}
	seen := map[string]bool{metadataKey: true}
	at := int64(0)
	for _, t := range tensors {
		if len(t.Name) > tensorfile.MaxName || len(t.Shape) > tensorfile.MaxRank {
			panic(fmt.Sprintf("safetensors: Write: got a name of %d bytes and %d dimensions, want at most %d and %d, as readers accept",
				len(t.Name), len(t.Shape), tensorfile.MaxName, tensorfile.MaxRank))
		}
		if seen[t.Name] {
			panic(fmt.Sprintf("safetensors: Write: got two tensors called %s", t.Name))
		}
		seen[t.Name] = true
		e := entry{DType: t.dtype(), Shape: append([]int{}, t.Shape...)}
		n := max(len(t.Floats), len(t.Ints))
		if want, err := tensorfile.Elements(t.Shape); err != nil || int64(n) != want {
			panic(fmt.Sprintf("safetensors: Write: got %d numbers for %s of shape %v", n, t.Name, t.Shape))
		}
		e.Offsets = [2]int64{at, at + e.DType.Size()*int64(n)}
		at = e.Offsets[1]
		if err := field(t.Name, e); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes(), nil
}
