package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// Open reads the header of a file of size bytes and checks that it describes the whole of it: known types, sizes that
// follow from the shapes, data without gap or overlap from the first byte to the last, no name twice.
// Cost: the memory of the header, and 200 bytes for each tensor.
func Open(r io.ReaderAt, size int64) (*tensorfile.File, error) {
	var start [lengthBytes]byte
	if size < lengthBytes {
		return nil, fmt.Errorf("this is not in the safetensors format: %d bytes are too few", size)
	}
	if _, err := r.ReadAt(start[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(start[:])
	switch room := uint64(size - lengthBytes); {
	case length > maxHeader || length < 2:
		return nil, fmt.Errorf("this is not in the safetensors format: it begins with %q, which would be a header of %d bytes", start, length)
	case length > room:
		return nil, fmt.Errorf("the file is truncated, or not in the safetensors format: its header should have %d bytes, but only %d follow", length, room)
	}
	var text strings.Builder // of which names are parts
	text.Grow(int(length))
	if _, err := io.CopyN(&text, io.NewSectionReader(r, lengthBytes, int64(length)), int64(length)); err != nil {
		return nil, err
	}
	h := header{text: text.String()}
	list, err := h.read()
	if err != nil {
		return nil, fmt.Errorf("the header is damaged, or not in the safetensors format: %w", err)
	}
	data := lengthBytes + int64(length)
	if err := layout(list, size-data); err != nil {
		return nil, err
	}
	f := &tensorfile.File{R: r, Tensors: make([]tensorfile.Tensor, len(list))}
	for i, t := range list {
		f.Tensors[i] = tensorfile.Tensor{Name: t.name, DType: t.dtype, Shape: t.shape, Begin: data + t.begin}
	}
	return f, nil
}

// layout sorts tensors by their places, and checks types, shapes and places against each other and against the number
// of bytes of data.
func layout(list []stored, bytes int64) error {
	slices.SortStableFunc(list, func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for _, t := range list {
		size := t.dtype.Size()
		if size == 0 {
			return fmt.Errorf("tensor %q has type %q, want one of F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL", t.name, string(t.dtype))
		}
		n, err := tensorfile.Elements(t.shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.name, err)
		}
		if t.begin < 0 || t.end < t.begin || t.end-t.begin != n*size {
			return fmt.Errorf("tensor %q has bytes %d to %d, want %d for %s of shape %v", t.name, t.begin, t.end, n*size, t.dtype, t.shape)
		}
		if t.begin != at {
			return fmt.Errorf("tensor %q begins at byte %d of the data, want %d, where the one before it ends", t.name, t.begin, at)
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
