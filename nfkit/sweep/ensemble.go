package sweep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/nfkit/nfkit-go/nfkit/internal/safetensors"
	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// SaveEnsemble writes the models of all runs of s to one file, in the order of Runs and with equal weights. It loads as one density:
//
//	err := nf.Load("ensemble.safetensors", nf.NewEnsemble(models))
//
// where models are as many, all of the architecture that was trained. It is an error when a run has no weights.
func (s Setting) SaveEnsemble(path string) error {
	tensors := []safetensors.Tensor{{Name: "q0.weight_scores", Shape: []int{1, len(s.Runs)}, Floats: make([]float64, len(s.Runs))}}
	for k, r := range s.Runs {
		if r.Weights == "" {
			return fmt.Errorf("sweep: Setting.SaveEnsemble: the run %s has no weights", r.Folder)
		}
		own, err := readTensors(filepath.Join(r.Folder, r.Weights))
		if err != nil {
			return fmt.Errorf("sweep: Setting.SaveEnsemble: %s: %w", filepath.Join(r.Folder, r.Weights), err)
		}
		for _, t := range own {
			t.Name = fmt.Sprintf("q0.components.%d.%s", k, t.Name)
			tensors = append(tensors, t)
		}
	}
	err := wholefile.Write(path, func(w io.Writer) error {
		return safetensors.Write(w, tensors, map[string]string{"format": "pt"})
	})
	if err != nil {
		return fmt.Errorf("sweep: Setting.SaveEnsemble %s: %w", path, err)
	}
	return nil
}

// readTensors reads a file of weights in the safetensors format, whole and finite.
func readTensors(path string) (tensors []safetensors.Tensor, err error) {
	r, err := wholefile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such file")
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	f, err := safetensors.Open(r, info.Size())
	if err != nil {
		return nil, err
	}
	for _, from := range f.Tensors {
		n, err := tensorfile.Elements(from.Shape)
		if err != nil {
			return nil, err
		}
		t := safetensors.Tensor{Name: from.Name, Shape: from.Shape}
		if from.DType.Whole() {
			t.Ints = make([]int, n)
			err = f.ReadInts(t.Ints, from)
		} else {
			t.Floats = make([]float64, n)
			err = f.ReadFloats(t.Floats, from)
		}
		if err != nil {
			return nil, err
		}
		for i, x := range t.Floats {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("element %d of %s is %v", i, t.Name, x)
			}
		}
		tensors = append(tensors, t)
	}
	return tensors, nil
}
