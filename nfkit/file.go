package nfkit

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/safetensors"
	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// Stateful is what can be saved: a model, and every flow, base and network.
type Stateful interface{ State() State }

// Save writes the parameters and buffers of m to a file in the safetensors format, in float64. Names and shapes are
// those of the state_dict of normflows, so safetensors.torch.load_file reads it in Python.
//
// The file is written whole or not at all: after an error, what was at path before is still there. It is an error when
// a number is NaN or infinite. Save panics when two tensors have the same name.
func Save(path string, m Stateful) error {
	return errorAt("Save", path, save(path, m.State()))
}

// Load reads parameters and buffers of m from a file in the safetensors format: one that [Save] wrote for the same
// architecture, or the state_dict of its twin in normflows, in any floating-point type.
//
// Every name, shape and number is checked before anything is changed. After an error, which lists all that does not
// fit, m is as it was.
func Load(path string, m Stateful) error {
	return errorAt("Load", path, load(path, m.State()))
}

// Must panics if err is not nil. It is for cells of a notebook, which then stop and show the error:
//
//	nf.Must(nf.Load("flow.safetensors", model))
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

func errorAt(call, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nfkit: %s %s: %w", call, path, err)
}

func save(path string, s State) error {
	var tensors []safetensors.Tensor
	for _, t := range s {
		if at := nonFinite(t.floats()); at >= 0 {
			return fmt.Errorf("element %d of %s is %v; nothing was written", at, t.Name, t.floats()[at])
		}
		tensors = append(tensors, safetensors.Tensor{Name: t.Name, Shape: t.Shape, Floats: t.floats(), Ints: t.Ints})
	}
	return wholefile.Write(path, func(w io.Writer) error {
		return safetensors.Write(w, tensors, map[string]string{"format": "pt"}) // what PyTorch's own writer says
	})
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
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	f, err := safetensors.Open(r, info.Size())
	if err != nil {
		return err
	}
	if err := compare(f, s); err != nil {
		return err
	}
	staged, err := stage(f, s)
	if err != nil {
		return err
	}
	for i, t := range s {
		copy(t.floats(), staged[i].floats())
		copy(t.Ints, staged[i].Ints)
	}
	s.Changed()
	return nil
}

// compare lists all the names, shapes and types of f that s does not have, and the other way round.
func compare(f *safetensors.File, s State) error {
	stored := map[string]safetensors.Stored{}
	for _, t := range f.Stored {
		stored[t.Name] = t
	}
	var faults []string
	for _, t := range s {
		got, ok := stored[t.Name]
		delete(stored, t.Name)
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("missing: %s, %s", t.Name, shapeText(t.Shape)))
		case !slices.Equal(got.Shape, t.Shape):
			faults = append(faults, fmt.Sprintf("%s: got %s, want %s", t.Name, shapeText(got.Shape), shapeText(t.Shape)))
		case t.Ints != nil && !got.DType.Whole():
			faults = append(faults, fmt.Sprintf("%s: got type %s, want whole numbers", t.Name, got.DType))
		}
	}
	for _, t := range f.Stored {
		if _, ok := stored[t.Name]; ok {
			faults = append(faults, fmt.Sprintf("unexpected: %s, %s", t.Name, shapeText(t.Shape)))
		}
	}
	return joinFaults("the file is of another architecture", faults)
}

// stage reads the contents of s from f into memory of their own, and lists all that is wrong with them.
func stage(f *safetensors.File, s State) (State, error) {
	stored := map[string]safetensors.Stored{}
	for _, t := range f.Stored {
		stored[t.Name] = t
	}
	staged := make(State, len(s))
	var faults []string
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
		if at := nonFinite(t.floats()); at >= 0 {
			faults = append(faults, fmt.Sprintf("%s: element %d is %v", t.Name, at, t.floats()[at]))
		} else if t.Check != nil {
			if err := t.Check(t); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", t.Name, err))
			}
		}
	}
	return staged, joinFaults("the file has numbers that cannot be", faults)
}

// joinFaults returns an error with a line for each fault, nil if there is none.
func joinFaults(what string, faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s; nothing was changed:\n  %s", what, strings.Join(faults, "\n  "))
}

// shapeText writes a shape as 3×4.
func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "a single number"
	}
	var b strings.Builder
	for i, d := range shape {
		if i > 0 {
			b.WriteString("×")
		}
		b.WriteString(strconv.Itoa(d))
	}
	if len(shape) == 1 {
		b.WriteString(" numbers")
	}
	return b.String()
}
