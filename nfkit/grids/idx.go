package grids

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"gonum.org/v1/gonum/mat"
)

// idxBytes is the type of the elements of a file of bytes.
const idxBytes = 8

// ReadIDX reads a file of the format of MNIST, also one that gzip has compressed: a row for each of its items, the numbers of an item side by
// side. So an image becomes a row of pixels from 0 to 255, and a label a row of one number. LeCun, Cortes & Burges 1998,
// http://yann.lecun.com/exdb/mnist.
//
// Of a file with more than most items it returns the first most; 0 means all. A row takes eight bytes for each of its numbers: the 60 000 images of
// MNIST take 376 MB.
//
// It returns an error when the file cannot be read, is not of that format or not of bytes, has no items, or ends too early or too late, wherever
// the rows that are returned end. It panics when most is negative.
func ReadIDX(path string, most int) (*mat.Dense, error) {
	if most < 0 {
		panic(fmt.Sprintf("grids: ReadIDX: got most = %d, want a number of items, or 0 for all", most))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("grids: ReadIDX: %w", err)
	}
	defer f.Close()
	x, err := readIDX(bufio.NewReader(f), most)
	if err != nil {
		return nil, fmt.Errorf("grids: ReadIDX: %s: %w", path, err)
	}
	return x, nil
}

func readIDX(r *bufio.Reader, most int) (*mat.Dense, error) {
	if start, err := r.Peek(2); err == nil && start[0] == 0x1f && start[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, early(err)
		}
		r = bufio.NewReader(z)
	}
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, early(err)
	}
	if magic[0] != 0 || magic[1] != 0 || magic[2] != idxBytes || magic[3] == 0 {
		return nil, fmt.Errorf("starts with % x, want 00 00 08 and the number of dimensions, as files of MNIST do", magic)
	}
	sizes := make([]uint32, magic[3])
	if err := binary.Read(r, binary.BigEndian, sizes); err != nil {
		return nil, early(err)
	}
	const limit = 1 << 32 // elements
	items, columns := int(sizes[0]), 1
	for _, n := range sizes[1:] {
		if columns *= int(n); columns < 1 || columns > limit {
			return nil, fmt.Errorf("has items of shape %v, want 1 number or more, and fewer than 2³²", sizes[1:])
		}
	}
	if items < 1 || items > limit/columns {
		return nil, fmt.Errorf("has %d items of %d numbers, want 1 item or more, and fewer than 2³² numbers", items, columns)
	}
	kept := items
	if most > 0 {
		kept = min(kept, most)
	}
	n := items * columns
	all, err := io.ReadAll(io.LimitReader(r, int64(kept*columns))) // grows with what is there, not with what the file says
	read := len(all)
	if err == nil && read == kept*columns {
		var rest int64
		rest, err = io.Copy(io.Discard, io.LimitReader(r, int64(n-read)+1))
		read += int(rest)
	}
	switch {
	case read > n:
		return nil, fmt.Errorf("goes on after its %d items", items)
	case read < n:
		if err == nil {
			err = io.EOF
		}
		return nil, fmt.Errorf("item %d of %d: %w", read/columns, items, early(err))
	case err != nil: // as for a sum of gzip that is wrong
		return nil, early(err)
	}
	x := mat.NewDense(kept, columns, nil)
	for k, b := range all {
		x.RawMatrix().Data[k] = float64(b)
	}
	return x, nil
}

// early says of the end of a file that it comes too early.
func early(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is truncated")
	}
	return err
}
