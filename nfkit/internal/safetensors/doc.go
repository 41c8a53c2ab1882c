// Package safetensors reads and writes the file format of the same name: eight bytes with the length of a header, a
// JSON header with the name, type, shape and place of each tensor, and the numbers, all little-endian.
// https://huggingface.co/docs/safetensors/index#format
//
// A reader trusts nothing in a file: every number of the header is checked against the others and the size of the
// file before it is used, and no memory is taken that the file does not account for.
package safetensors

import "fmt"

// DType is the type of the numbers of a tensor, as the header spells it.
type DType string

// The types that can be read. F64 and I64 are written.
const (
	Bool DType = "BOOL"
	U8   DType = "U8"
	I32  DType = "I32"
	I64  DType = "I64"
	BF16 DType = "BF16"
	F16  DType = "F16"
	F32  DType = "F32"
	F64  DType = "F64"
)

// size returns the number of bytes of one number, 0 for a type that cannot be read.
func (d DType) size() int64 {
	switch d {
	case Bool, U8:
		return 1
	case F16, BF16:
		return 2
	case I32, F32:
		return 4
	case I64, F64:
		return 8
	}
	return 0
}

// Whole reports whether the numbers have no fraction.
func (d DType) Whole() bool { return d == Bool || d == U8 || d == I32 || d == I64 }

const (
	lengthBytes = 8
	maxHeader   = 100_000_000 // bytes, as in the reference implementation
	metadataKey = "__metadata__"
)

// entry is what the header says of a tensor.
type entry struct {
	DType   DType    `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// elements returns the product of the shape. It fails when a dimension is negative or the bytes cannot be counted.
func elements(shape []int) (int64, error) {
	const most = 1 << 59 // times 8 bytes is below 1<<63
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("the shape %v has a negative dimension", shape)
		}
		if d > 0 && n > most/int64(d) {
			return 0, fmt.Errorf("the shape %v is larger than any file", shape)
		}
		n *= int64(d)
	}
	return n, nil
}
