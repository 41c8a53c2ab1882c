package safetensors

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Tensor is one tensor to write: of Ints if that is not nil, else of Floats.
type Tensor struct {
	Name   string
	Shape  []int
	Floats []float64
	Ints   []int
}

// Write writes tensors, in the order given, and metadata. Floats become F64 and Ints I64.
// It panics when two tensors have the same name, or one has not as many numbers as its shape says.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	h, err := header(tensors, metadata)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(h)))) // b keeps the first error for Flush
	b.Write(h)
	var word [8]byte
	for _, t := range tensors {
		for _, x := range t.Floats {
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

// header returns the JSON header, padded with spaces so that the numbers after it are aligned.
func header(tensors []Tensor, metadata map[string]string) ([]byte, error) {
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
	seen := map[string]bool{metadataKey: true}
	at := int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			panic(fmt.Sprintf("safetensors: Write: got two tensors called %s", t.Name))
		}
		seen[t.Name] = true
		e := entry{DType: F64, Shape: append([]int{}, t.Shape...)}
		n := len(t.Floats)
		if t.Ints != nil {
			e.DType, n = I64, len(t.Ints)
		}
		if want, err := elements(t.Shape); err != nil || int64(n) != want {
			panic(fmt.Sprintf("safetensors: Write: got %d numbers for %s of shape %v", n, t.Name, t.Shape))
		}
		e.Offsets = [2]int64{at, at + 8*int64(n)}
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
