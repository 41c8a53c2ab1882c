package nfkit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/pytorch"
	"github.com/nfkit/nfkit-go/nfkit/internal/safetensors"
	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// Save writes the parameters and buffers of m to a file in the safetensors format, in float64, masks in bytes. Names and shapes are
// those of the state_dict of normflows, so safetensors.torch.load_file reads it in Python.
//
// The file is written whole or not at all: after an error, what was at path before is still there. Links are followed,
// and permissions kept. It is an error when path is a folder, a pipe or a device, and when a number is NaN or infinite.
// Save panics when two tensors have the same name.
func Save(path string, m Stateful) error {
	return errorAt("Save", path, save(path, m.State()))
}

// Load reads parameters and buffers of m from a file: one that [Save] wrote for the same architecture, or the
// state_dict of its twin in normflows, in any type of numbers, as safetensors or as torch.save writes it (of PyTorch 1.6
// or later). Nothing in a file is executed. The state_dict in a checkpoint, a dictionary that torch.save wrote, is named
// by its key after the path:
//
//	err := nf.Load("checkpoint.pt#model_state_dict", model)
//
// Every name, shape and number is checked before anything is changed. After an error, which says what does not fit, m is
// as it was.
func Load(path string, m Stateful) error {
	return errorAt("Load", path, load(path, m.State()))
}

// Write writes to w what [Save] writes to a file.
func Write(w io.Writer, m Stateful) error {
	tensors, err := m.State().contents()
	if err == nil {
		err = write(w, tensors)
	}
	if err != nil {
		return fmt.Errorf("nfkit: Write: %w", err)
	}
	return nil
}

// Read reads from r, to its end, what [Load] reads from a file; of a checkpoint, there is no key to choose by. It keeps
// all of it in memory: limit what comes from strangers, by [io.LimitReader] for one.
func Read(r io.Reader, m Stateful) error {
	b, err := io.ReadAll(r)
	if err == nil {
		err = read(bytes.NewReader(b), int64(len(b)), "", m.State())
	}
	if err != nil {
		return fmt.Errorf("nfkit: Read: %w", err)
	}
	return nil
}

func errorAt(call, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nfkit: %s %s: %w", call, path, err)
}

func save(path string, s State) error {
	tensors, err := s.contents()
	if err != nil {
		return err
	}
	return wholefile.Write(path, func(w io.Writer) error { return write(w, tensors) })
}

func write(w io.Writer, tensors []safetensors.Tensor) error {
	return safetensors.Write(w, tensors, map[string]string{"format": "pt"}) // what PyTorch's own writer says
}

// contents returns what is to be written, if all numbers are finite.
func (s State) contents() ([]safetensors.Tensor, error) {
	var tensors []safetensors.Tensor
	for _, t := range s {
		if at := nonFinite(t.floats()); at >= 0 {
			return nil, fmt.Errorf("element %d of %s is %v; nothing was written", at, t.Name, t.floats()[at])
		}
		tensors = append(tensors, safetensors.Tensor{Name: t.Name, Shape: t.Shape, Floats: t.floats(), Ints: t.Ints, Small: t.mask && zerosAndOnes(t.Floats)})
	}
	return tensors, nil
}

// zerosAndOnes says whether x is a mask, as a mask is before somebody writes to it.
func zerosAndOnes(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return v != 0 && v != 1 })
}

// floats returns the elements of a tensor that is not of whole numbers, else nil.
func (t Tensor) floats() []float64 {
	if t.Param != nil {
		return t.Param.Data
	}
	return t.Floats
}

func load(path string, s State) error {
	r, err := wholefile.Open(path)
	key := ""
	if i := strings.LastIndexByte(path, '#'); i >= 0 && errors.Is(err, fs.ErrNotExist) {
		r, err = wholefile.Open(path[:i])
		key = path[i+1:]
	}
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	return read(r, info.Size(), key, s)
}

// read verifies a file of size bytes, and then changes s.
func read(r io.ReaderAt, size int64, key string, s State) error {
	f, err := parse(r, size, key)
	if err != nil {
		return err
	}
	f.Tensors = withoutTarget(f.Tensors, s)
	if err := compare(f.Tensors, s); err != nil {
		return err
	}
	staged, err := stage(f, s)
	if err != nil {
		return err
	}
	guard := ad.NewGuard(s.Params())
	guard.Lock()
	defer guard.Unlock()
	for i, t := range s {
		copy(t.floats(), staged[i].floats())
		copy(t.Ints, staged[i].Ints)
	}
	s.Changed()
	return nil
}

// parse reads what tensors there are in a file, whose format its first bytes tell.
func parse(r io.ReaderAt, size int64, key string) (*tensorfile.File, error) {
	start := make([]byte, min(size, 8))
	if _, err := r.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte("PK")):
		return pytorch.Open(r, size, key)
	case bytes.HasPrefix(start, []byte("\x80\x02")), bytes.HasPrefix(start, []byte("\x80\x04")), bytes.HasPrefix(start, []byte("\x80\x05")):
		if len(start) < 8 || start[7] != 0 { // else the length of a header
			return nil, pytorch.ErrLegacy
		}
	case bytes.HasPrefix(start, []byte("\x89PNG")):
		return nil, errors.New("this is a PNG image, not weights")
	}
	if key != "" {
		return nil, fmt.Errorf("the file is not a checkpoint of PyTorch, and so has no key %q", key)
	}
	return safetensors.Open(r, size)
}

// withoutTarget leaves out the target density p of a model in normflows, which is trained to it, if s has none.
func withoutTarget(tensors []tensorfile.Tensor, s State) []tensorfile.Tensor {
	isTarget := func(name string) bool { return strings.HasPrefix(name, "p.") }
	isModel := false
	for _, t := range s {
		if isTarget(t.Name) {
			return tensors
		}
		isModel = isModel || strings.HasPrefix(t.Name, "q0.") || strings.HasPrefix(t.Name, "flows.")
	}
	if !isModel {
		return tensors
	}
	return slices.DeleteFunc(tensors, func(t tensorfile.Tensor) bool { return isTarget(t.Name) })
}

// stage reads the contents of s from f into memory of their own, and lists all that is wrong with them.
func stage(f *tensorfile.File, s State) (State, error) {
	stored := map[string]tensorfile.Tensor{}
	for _, t := range f.Tensors {
		stored[t.Name] = t
	}
	staged := make(State, len(s))
	for i, t := range s {
		var err error
		if t.Ints != nil {
			t.Ints = make([]int, len(t.Ints))
			err = f.ReadInts(t.Ints, stored[t.Name])
		} else {
			data := make([]float64, len(t.floats()))
			err = f.ReadFloats(data, stored[t.Name])
			if t.Param != nil {
				rows, cols := t.Param.Dims()
				t.Param = ad.NewParam(rows, cols, data)
			} else {
				t.Floats = data
			}
		}
		if err != nil {
			return nil, err
		}
		staged[i] = t
	}
	return staged, refusal("the file has numbers that cannot be", staged.faults())
}
