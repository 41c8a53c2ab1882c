// Package pytorch reads the state dictionaries that torch.save writes: a zip archive with a pickle, which says what
// there is, and an entry for the numbers of each storage.
// https://pytorch.org/docs/stable/notes/serialization.html
//
// A pickle is a program. The reader knows those of its instructions that data need, and the few names that stand for a
// tensor: there is nothing that a file could run. It trusts as little in it as [tensorfile] says.
package pytorch

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// wayOut tells how to write what can be read.
const wayOut = "in Python, torch.save(model.state_dict(), path) writes what can be read"

// ErrLegacy is the error for a file from before PyTorch 1.6, or a pickle of another origin.
var ErrLegacy = errors.New("this is a Python pickle, such as PyTorch wrote before version 1.6; " + wayOut)

// Open reads the state dictionary of a file of size bytes or, with a key, the one that a dictionary has under it.
func Open(r io.ReaderAt, size int64, key string) (*tensorfile.File, error) {
	entries, err := readZip(r, size)
	if err != nil {
		return nil, fmt.Errorf("the zip archive is damaged, or not written by torch.save: %w; %s", err, wayOut)
	}
	root, text, err := readPickle(r, entries)
	if err != nil {
		return nil, err
	}
	if order, ok := entries[root+"byteorder"]; ok {
		b := make([]byte, min(order.size, 16))
		if _, err := r.ReadAt(b, order.begin); err != nil {
			return nil, err
		}
		if string(b) != "little" {
			return nil, fmt.Errorf("its numbers are in the byte order %q, want little; load and save it again on a common machine", b)
		}
	}
	m := machine{text: text, budget: 4*size + freeMemory}
	m.storage = func(dtype tensorfile.DType, name string, numbers int64) (*storage, error) {
		e, ok := entries[root+"data/"+name]
		if !ok {
			return nil, fmt.Errorf("there is no storage %q", shorten(name))
		}
		if numbers < 0 || numbers > math.MaxInt64/8 || e.size != numbers*dtype.Size() {
			return nil, fmt.Errorf("storage %q has %d bytes, want %d numbers of %s", shorten(name), e.size, numbers, dtype)
		}
		return &storage{dtype, e.begin, numbers}, nil
	}
	value, err := m.run()
	if err != nil {
		return nil, fmt.Errorf("the pickle in the file cannot be read: %w", err)
	}
	tensors, err := stateDict(value, key)
	if err != nil {
		return nil, err
	}
	return &tensorfile.File{R: r, Tensors: tensors}, nil
}

const (
	maxPickle  = 32 << 20 // bytes
	freeMemory = 4 << 20  // that values of a pickle may take however small the file
)

// readPickle returns the pickle, and the folder in the archive that it is in.
func readPickle(r io.ReaderAt, entries map[string]entry) (root string, text []byte, err error) {
	for name := range entries {
		if folder, file := path.Split(name); file == "data.pkl" && strings.Count(folder, "/") == 1 {
			if root != "" {
				return "", nil, errors.New("the zip archive has two pickles; " + wayOut)
			}
			root = folder
		}
	}
	if root == "" {
		return "", nil, errors.New("this is a zip archive, but not of PyTorch: there is no data.pkl in it; " + wayOut)
	}
	e := entries[root+"data.pkl"]
	if e.size > maxPickle {
		return "", nil, fmt.Errorf("the pickle in the file has %d bytes, want at most %d; %s", e.size, maxPickle, wayOut)
	}
	text = make([]byte, e.size)
	if _, err := r.ReadAt(text, e.begin); err != nil {
		return "", nil, err
	}
	return root, text, nil
}

// stateDict returns the tensors of a dictionary, or of the one that it has under the key.
func stateDict(value any, key string) ([]tensorfile.Tensor, error) {
	d, ok := value.(*dict)
	if !ok {
		return nil, fmt.Errorf("it holds %s, want a state dictionary; %s", kind(value), wayOut)
	}
	if key != "" {
		i := slices.Index(d.keys, any(key))
		if i < 0 {
			return nil, fmt.Errorf("there is nothing under the key %q%s", shorten(key), d.offer())
		}
		inner, ok := d.values[i].(*dict)
		if !ok {
			return nil, fmt.Errorf("under the key %q there is %s, want a state dictionary%s", shorten(key), kind(d.values[i]), d.offer())
		}
		d = inner
	}
	if len(d.keys) > tensorfile.MaxTensors {
		return nil, fmt.Errorf("it has more than %d entries", tensorfile.MaxTensors)
	}
	seen := make(map[string]bool, len(d.keys))
	var tensors []tensorfile.Tensor
	for i, k := range d.keys {
		name, ok := k.(string)
		t, isTensor := d.values[i].(*tensorfile.Tensor)
		switch {
		case !ok:
			return nil, fmt.Errorf("its entries have %s for a name, want a state dictionary%s", kind(k), d.offer())
		case !isTensor:
			return nil, fmt.Errorf("its entry %q is %s, not a tensor%s", shorten(name), kind(d.values[i]), d.offer())
		case len(name) > tensorfile.MaxName:
			return nil, fmt.Errorf("a name has %d bytes, want at most %d", len(name), tensorfile.MaxName)
		case seen[name]:
			return nil, fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		named := *t
		named.Name = name
		tensors = append(tensors, named)
	}
	return tensors, nil
}

// offer lists the keys of d under which there are state dictionaries.
func (d *dict) offer() string {
	const most = 8
	var keys []string
	for i, k := range d.keys {
		name, ok := k.(string)
		inner, isDict := d.values[i].(*dict)
		if !ok || !isDict || len(inner.values) == 0 {
			continue
		}
		if _, ok := inner.values[0].(*tensorfile.Tensor); !ok {
			continue
		}
		if len(keys) == most {
			keys = append(keys, "…")
			break
		}
		keys = append(keys, fmt.Sprintf("#%s", shorten(name)))
	}
	if keys == nil {
		return "; " + wayOut
	}
	return fmt.Sprintf("; to load one entry of a checkpoint, end the path with %s", strings.Join(keys, " or "))
}

// tensor returns the tensor that lies in a storage.
func (s *storage) tensor(offset int64, size, stride []int64) (*tensorfile.Tensor, error) {
	if len(size) != len(stride) {
		return nil, fmt.Errorf("a tensor has sizes %v and strides %v", size, stride)
	}
	t := &tensorfile.Tensor{DType: s.dtype, Shape: make([]int, len(size))}
	for k, n := range size {
		if t.Shape[k] = int(n); int64(t.Shape[k]) != n {
			return nil, fmt.Errorf("a tensor has sizes %v, larger than any file", size)
		}
	}
	n, err := tensorfile.Elements(t.Shape)
	if err != nil {
		return nil, err
	}
	outside := offset < 0 || offset > s.numbers
	at, rows, contiguous := offset, int64(1), true
	for k := len(size) - 1; k >= 0 && n > 0 && !outside; k-- { // at is the last number of the tensor
		if size[k] == 1 {
			continue
		}
		outside = stride[k] < 0 || stride[k] > 0 && size[k]-1 > s.numbers/stride[k]
		at += (size[k] - 1) * stride[k]
		outside = outside || at >= s.numbers
		contiguous = contiguous && stride[k] == rows
		rows *= size[k]
	}
	if outside || n > 0 && at >= s.numbers {
		return nil, fmt.Errorf("a tensor of sizes %v and strides %v from number %d on is outside its storage of %d numbers", size, stride, offset, s.numbers)
	}
	t.Begin = s.begin + offset*s.dtype.Size()
	if !contiguous {
		t.Strides = slices.Clone(stride)
		for k := range size {
			if size[k] == 1 {
				t.Strides[k] = 0 // has no meaning, and was not checked
			}
		}
	}
	return t, nil
}

// shorten cuts a text from a file to what a message can hold.
func shorten(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
