package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"
)

// File is a file whose header has been read and checked.
type File struct {
	Metadata map[string]string
	Stored   []Stored // in the order of their data

	r    io.ReaderAt
	data int64 // where the numbers begin
}

// Stored is a tensor in a file.
type Stored struct {
	Name  string
	DType DType
	Shape []int

	begin, end int64
}

// Open reads the header of a file of size bytes and checks that it describes the whole of it: known types, sizes that
// follow from the shapes, data without gap or overlap from the first byte to the last, no name twice.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var start [lengthBytes]byte
	if size < lengthBytes {
		return nil, fmt.Errorf("%s: %d bytes are too few", foreign(nil), size)
	}
	if _, err := r.ReadAt(start[:], 0); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(start[:])
	switch room := uint64(size - lengthBytes); {
	case length > maxHeader || length < 2:
		return nil, fmt.Errorf("%s: it begins with %q, which would be a header of %d bytes", foreign(start[:]), start, length)
	case length > room:
		return nil, fmt.Errorf("the file is truncated, or not in the safetensors format: its header should have %d bytes, but only %d follow", length, room)
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, lengthBytes); err != nil {
		return nil, err
	}
	f := &File{r: r, data: lengthBytes + int64(length)}
	if err := f.parse(text); err != nil {
		return nil, fmt.Errorf("the header is damaged, or not in the safetensors format: %w", err)
	}
	return f, f.layout(size - f.data)
}

// foreign says what a file with such a start is, or that it is not ours.
func foreign(start []byte) string {
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return "this is a zip archive, as PyTorch writes with torch.save, not in the safetensors format; in Python, safetensors.torch.save_file(model.state_dict(), path) writes that"
	case bytes.HasPrefix(start, []byte("\x80\x02")), bytes.HasPrefix(start, []byte("\x80\x04")):
		return "this is a Python pickle, not in the safetensors format"
	case bytes.HasPrefix(start, []byte("\x89PNG")):
		return "this is a PNG image, not in the safetensors format"
	}
	return "this is not in the safetensors format"
}

// parse reads the JSON header token by token, for the decoder alone would take the last of two equal names.
func (f *File) parse(text []byte) error {
	if text[0] != '{' {
		return fmt.Errorf("it begins with %q, want {", text[0])
	}
	if !utf8.Valid(text) {
		return errors.New("it is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok {
			return fmt.Errorf("got %v where a name should be", token)
		}
		if seen[name] {
			return fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			if err := d.Decode(&f.Metadata); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		var e struct {
			DType   *DType
			Shape   *[]int
			Offsets *[]int64 `json:"data_offsets"`
		}
		if err := d.Decode(&e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if e.DType == nil || e.Shape == nil || e.Offsets == nil || len(*e.Offsets) != 2 {
			return fmt.Errorf("%s: want dtype, shape and two data_offsets", name)
		}
		f.Stored = append(f.Stored, Stored{Name: name, DType: *e.DType, Shape: *e.Shape, begin: (*e.Offsets)[0], end: (*e.Offsets)[1]})
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if rest := bytes.TrimLeft(text[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("%d bytes follow its end", len(rest))
	}
	return nil
}

// layout checks types, shapes and places against each other and against the number of bytes of data.
func (f *File) layout(bytes int64) error {
	slices.SortStableFunc(f.Stored, func(a, b Stored) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for _, t := range f.Stored {
		if t.DType.size() == 0 {
			return fmt.Errorf("tensor %s has type %q, want one of F64, F32, F16, BF16, I64, I32, U8 and BOOL", t.Name, string(t.DType))
		}
		n, err := elements(t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		if t.begin < 0 || t.end < t.begin || t.end-t.begin != n*t.DType.size() {
			return fmt.Errorf("tensor %s has bytes %d to %d, want %d for %s of shape %v", t.Name, t.begin, t.end, n*t.DType.size(), t.DType, t.Shape)
		}
		if t.begin != at {
			return fmt.Errorf("tensor %s begins at byte %d of the data, want %d, where the one before it ends", t.Name, t.begin, at)
		}
		at = t.end
	}
	switch {
	case at > bytes:
		return fmt.Errorf("the file is truncated: it has %d bytes of data, its header says %d", bytes, at)
	case at < bytes:
		return fmt.Errorf("the file has %d bytes after the data that its header describes", bytes-at)
	}
	return nil
}

// ReadFloats fills dst with the numbers of t, exactly but for I64 beyond 2⁵³, which are rounded.
// It panics when dst has not as many elements as t.
func (f *File) ReadFloats(dst []float64, t Stored) error {
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
func (f *File) ReadInts(dst []int, t Stored) error {
	if !t.DType.Whole() {
		panic(fmt.Sprintf("safetensors: ReadInts: tensor %s is of %s", t.Name, t.DType))
	}
	narrow := false
	err := read(f, dst, t, func(b []byte) int {
		x := whole(b, t.DType)
		narrow = narrow || int64(int(x)) != x
		return int(x)
	})
	if err == nil && narrow {
		return fmt.Errorf("tensor %s has numbers beyond the range of int", t.Name)
	}
	return err
}

// read turns the bytes of t into numbers, one after the other.
func read[T any](f *File, dst []T, t Stored, number func([]byte) T) error {
	size := t.DType.size()
	if n := (t.end - t.begin) / size; int64(len(dst)) != n {
		panic(fmt.Sprintf("safetensors: read %s: got room for %d numbers, want %d", t.Name, len(dst), n))
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f.r, f.data+t.begin, t.end-t.begin), 1<<16)
	var word [8]byte
	for i := range dst {
		if _, err := io.ReadFull(r, word[:size]); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		dst[i] = number(word[:size])
	}
	return nil
}

func whole(b []byte, d DType) int64 {
	switch d {
	case I64:
		return int64(binary.LittleEndian.Uint64(b))
	case I32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
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
