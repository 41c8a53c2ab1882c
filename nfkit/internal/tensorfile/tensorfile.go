// Package tensorfile is what the readers of weights have in common: named arrays of numbers that lie in a file.
//
// A reader trusts nothing in a file: it checks every number against the others and the size of the file before it uses
// it, and takes no memory that the file does not account for.
package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits of what a reader accepts, far beyond any model, so that a file cannot ask for more memory than its size.
const (
	MaxTensors = 1 << 16
	MaxRank    = 8
	MaxName    = 512 // bytes
)

// DType is the type of the numbers of a tensor, as safetensors spells it.
type DType string

// The types that can be read.
const (
	Bool DType = "BOOL"
	U8   DType = "U8"
	I8   DType = "I8"
	I16  DType = "I16"
	I32  DType = "I32"
	I64  DType = "I64"
	BF16 DType = "BF16"
	F16  DType = "F16"
	F32  DType = "F32"
	F64  DType = "F64"
)

// Size returns the number of bytes of one number, 0 for a type that cannot be read.
func (d DType) Size() int64 {
	switch d {
	case Bool, U8, I8:
		return 1
	case F16, BF16, I16:
		return 2
	case I32, F32:
		return 4
	case I64, F64:
		return 8
	}
	return 0
}

// Whole reports whether the numbers have no fraction.
func (d DType) Whole() bool {
	switch d {
	case Bool, U8, I8, I16, I32, I64:
		return true
	}
	return false
}

// Elements returns the product of the shape. It fails when there are too many dimensions, one is negative, or the bytes
// cannot be counted.
func Elements(shape []int) (int64, error) {
	if len(shape) > MaxRank {
		return 0, fmt.Errorf("the shape has %d dimensions, want at most %d", len(shape), MaxRank)
	}
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

// Tensor is an array of numbers, little-endian, in a file.
type Tensor struct {
	Name    string
	DType   DType
	Shape   []int
	Begin   int64   // the byte of the file where the first number is
	Strides []int64 // numbers from one element of a dimension to the next, 0 or more; nil if elements follow each other by rows
}

// span returns the number of numbers from the first to the last in the file.
func (t Tensor) span() int64 {
	n := int64(1)
	for k, s := range t.Strides {
		n += int64(t.Shape[k]-1) * s
	}
	return n
}

// File is the tensors of a file, checked to lie in it.
type File struct {
	Tensors []Tensor
	R       io.ReaderAt
}

// ReadFloats fills dst with the numbers of t, exactly but for I64 beyond 2⁵³, which are rounded.
// It panics when dst has not as many elements as t.
func (f *File) ReadFloats(dst []float64, t Tensor) error {
	return read(f, dst, t, func(b []byte) float64 {
		switch t.DType {
		case F64:
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		case F32:
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case BF16:
			return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
		case F16:
			return float16(binary.LittleEndian.Uint16(b))
		}
		return float64(whole(b, t.DType))
	})
}

// ReadInts fills dst with the numbers of t. It fails when one does not fit, and panics when dst has not as many elements
// as t, or t is not of whole numbers.
func (f *File) ReadInts(dst []int, t Tensor) error {
	if !t.DType.Whole() {
		panic(fmt.Sprintf("tensorfile: ReadInts: tensor %q is of %s", t.Name, t.DType))
	}
	narrow := false
	err := read(f, dst, t, func(b []byte) int {
		x := whole(b, t.DType)
		narrow = narrow || int64(int(x)) != x
		return int(x)
	})
	if err == nil && narrow {
		return fmt.Errorf("tensor %q has numbers beyond the range of int", t.Name)
	}
	return err
}

// read turns the bytes of t into numbers, one after the other.
func read[T any](f *File, dst []T, t Tensor, number func([]byte) T) error {
	n, err := Elements(t.Shape)
	if err != nil || int64(len(dst)) != n {
		panic(fmt.Sprintf("tensorfile: read %q: got room for %d numbers, want shape %v", t.Name, len(dst), t.Shape))
	}
	size := int(t.DType.Size())
	if t.Strides != nil && n > 0 {
		return gather(f, dst, t, number)
	}
	r := io.NewSectionReader(f.R, t.Begin, n*int64(size))
	block := make([]byte, min(1<<16, len(dst)*size)) // a multiple of any size
	for len(dst) > 0 {
		b := block[:min(len(block), len(dst)*size)]
		if err := fill(r, b, t); err != nil {
			return err
		}
		for ; len(b) > 0; b, dst = b[size:], dst[1:] {
			dst[0] = number(b[:size])
		}
	}
	return nil
}

// gather reads the elements of a tensor with strides.
func gather[T any](f *File, dst []T, t Tensor, number func([]byte) T) error {
	size := t.DType.Size()
	b := make([]byte, t.span()*size)
	if err := fill(io.NewSectionReader(f.R, t.Begin, int64(len(b))), b, t); err != nil {
		return err
	}
	index := make([]int, len(t.Shape))
	at := int64(0)
	for i := range dst {
		dst[i] = number(b[at*size : (at+1)*size])
		for k := len(index) - 1; k >= 0; k-- { // the next element by rows
			index[k]++
			at += t.Strides[k]
			if index[k] < t.Shape[k] {
				break
			}
			at -= t.Strides[k] * int64(t.Shape[k])
			index[k] = 0
		}
	}
	return nil
}

func fill(r io.Reader, b []byte, t Tensor) error {
	switch _, err := io.ReadFull(r, b); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("tensor %q: the file became shorter while it was read", t.Name)
	case err != nil:
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return nil
}

func whole(b []byte, d DType) int64 {
	switch d {
	case I64:
		return int64(binary.LittleEndian.Uint64(b))
	case I32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case I16:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case I8:
		return int64(int8(b[0]))
	}
	return int64(b[0])
}

// float16 returns the value of an IEEE 754 half-precision number: 1 bit of sign, 5 of exponent, 10 of fraction.
func float16(h uint16) float64 {
	exponent, fraction := int(h>>10&31), float64(h&1023)
	var x float64
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		x = math.Inf(1)
	case exponent == 0:
		x = math.Ldexp(fraction, -24)
	default:
		x = math.Ldexp(1024+fraction, exponent-25)
	}
	if h>>15 == 1 {
		return -x
	}
	return x
}
