package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// Result is what one run leaves: the file result.json in a folder of its own, and beside it the weights of its model.
type Result struct {
	Name      string             `json:"name"`                // of what was run
	Seed      uint64             `json:"seed"`                // what differs between runs of one setting
	Constants map[string]any     `json:"constants,omitempty"` // the setting: numbers, strings, true and false
	Numbers   map[string]float64 `json:"numbers"`             // what was reached; less is better
	Weights   string             `json:"weights,omitempty"`   // the file with the weights, in the same folder; Save sets it
}

const (
	resultFile  = "result.json"
	weightsFile = "weights.safetensors"
)

// Save writes the weights of model, unless it is nil, and then r into the folder, which it makes if need be: a folder with a result.json has
// all that the run left. Each file is written whole or not at all, and an earlier result is removed before its weights are replaced. It is an
// error when there is no name or no number, or when one is not finite.
func (r Result) Save(folder string, model nf.Stateful) error {
	if err := r.save(folder, model); err != nil {
		return fmt.Errorf("sweep: Result.Save %s: %w", folder, err)
	}
	return nil
}

func (r Result) save(folder string, model nf.Stateful) error {
	r.Weights = ""
	if model != nil {
		r.Weights = weightsFile
	}
	if err := r.check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(folder, resultFile)); err != nil && !errors.Is(err, os.ErrNotExist) { // its weights go
		return err
	}
	if model != nil {
		if err := nf.Save(filepath.Join(folder, weightsFile), model); err != nil {
			return err
		}
	}
	return wholefile.Write(filepath.Join(folder, resultFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// Load reads what [Result.Save] has written into the folder. It is an error when the file is not whole, or when the weights that it names are
// not there or not whole.
func Load(folder string) (Result, error) {
	r, err := load(folder)
	if err != nil {
		return Result{}, fmt.Errorf("sweep: Load %s: %w", folder, err)
	}
	return r, nil
}

func load(folder string) (r Result, err error) {
	f, err := wholefile.Open(filepath.Join(folder, resultFile))
	if errors.Is(err, os.ErrNotExist) {
		return r, fmt.Errorf("there is no %s", resultFile)
	}
	if err != nil {
		return r, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return r, err
	}
	var stored struct {
		Result
		Numbers map[string]*float64 `json:"numbers"` // null is no number
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&stored)
	r = stored.Result
	r.Numbers = map[string]float64{}
	for name, x := range stored.Numbers {
		r.Numbers[name] = math.NaN()
		if x != nil {
			r.Numbers[name] = *x
		}
	}
	if err == nil && len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		err = errors.New("something follows its end")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it is truncated")
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", resultFile, err)
	}
	if r.Weights != "" {
		if _, err := readTensors(filepath.Join(folder, r.Weights)); err != nil {
			return r, fmt.Errorf("%s: %w", r.Weights, err)
		}
	}
	return r, nil
}

// check says what is wrong with r.
func (r Result) check() error {
	switch {
	case r.Name == "":
		return errors.New("it has no name")
	case len(r.Numbers) == 0:
		return errors.New("it has no numbers")
	case r.Weights != "" && (r.Weights != filepath.Base(r.Weights) || !filepath.IsLocal(r.Weights)):
		return fmt.Errorf("its weights are in %s, want a file in the same folder", r.Weights)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Numbers)) {
		if x := r.Numbers[name]; math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("its number %s is %v", name, x)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Constants)) {
		switch x := r.Constants[name].(type) {
		case bool, string, int, int64, uint64, float64:
		default:
			return fmt.Errorf("its constant %s is of type %T, want a number, a string, true or false", name, x)
		}
	}
	return nil
}
