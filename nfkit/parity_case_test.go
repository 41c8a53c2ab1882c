package nfkit_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// parityCase is a file of testdata/parity; its README.md says what the members mean.
type parityCase struct {
	Name, Kind, Class string
	Config            parityConfig
	State             map[string]tensor
	Context           *tensor
	Forward, Inverse  *parityMap
	LogProb           *parityDensity `json:"log_prob"`

	Batches    []tensor
	Losses     []float64
	FinalState map[string]tensor `json:"final_state"`
}

// parityMap is what the reference computes in one direction of a flow.
type parityMap struct {
	Input, Output tensor
	LogDet        tensor            `json:"log_det"`
	WeightOutput  tensor            `json:"weight_output"`
	WeightLogDet  tensor            `json:"weight_log_det"`
	GradInput     tensor            `json:"grad_input"`
	GradParams    map[string]tensor `json:"grad_params"`
}

// parityDensity is what the reference computes for a density.
type parityDensity struct {
	Input         tensor
	LogProb       tensor            `json:"log_prob"`
	WeightLogProb tensor            `json:"weight_log_prob"`
	GradInput     tensor            `json:"grad_input"`
	GradParams    map[string]tensor `json:"grad_params"`
}

// tensor is an array of any number of dimensions, by rows.
type tensor struct {
	Shape []int
	Data  []float64
}

// value puts x on t: n×c, or n×1 for one number a row.
func (x tensor) value(t *ad.Tape) *ad.Value {
	n := x.Shape[0]
	return t.Const(n, len(x.Data)/n, x.Data)
}

// variable is value with a gradient.
func (x tensor) variable(t *ad.Tape) *ad.Value {
	n := x.Shape[0]
	return t.Variable(n, len(x.Data)/n, x.Data)
}

func (x tensor) matrix() *mat.Dense { return mat.NewDense(x.Shape[0], x.Shape[1], x.Data) }

// channelsLast returns grids, which the reference has by channel, row and column, by row, column and channel. Other tensors stay.
func (x tensor) channelsLast() tensor {
	if len(x.Shape) != 4 {
		return x
	}
	n, c, h, w := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	y := tensor{Shape: []int{n, h, w, c}}
	for i := range n {
		for site := range h * w {
			for k := range c {
				y.Data = append(y.Data, x.Data[(i*c+k)*h*w+site])
			}
		}
	}
	return y
}

// grid returns the shape of grids with channels last.
func (x tensor) grid() grids.Shape {
	return grids.Shape{Height: x.Shape[1], Width: x.Shape[2], Channels: x.Shape[3]}
}

// dim returns the number of columns of the points of c.
func (c *parityCase) dim() int {
	for _, d := range []*parityMap{c.Forward, c.Inverse} {
		if d != nil {
			return d.Input.Shape[1]
		}
	}
	return c.LogProb.Input.Shape[1]
}

// parityConfig is the configuration of a class. Its methods panic when an option is not of their type, and return the
// zero value of one that is absent or null.
type parityConfig map[string]any

func option[T any](c parityConfig, name string) (value T) {
	if v := c[name]; v != nil {
		return v.(T)
	}
	return value
}

func (c parityConfig) int(name string) int             { return int(option[float64](c, name)) }
func (c parityConfig) float(name string) float64       { return option[float64](c, name) }
func (c parityConfig) bool(name string) bool           { return option[bool](c, name) }
func (c parityConfig) text(name string) string         { return option[string](c, name) }
func (c parityConfig) config(name string) parityConfig { return option[map[string]any](c, name) }

func (c parityConfig) floats(name string) (list []float64) {
	for _, v := range option[[]any](c, name) {
		list = append(list, v.(float64))
	}
	return list
}

func (c parityConfig) ints(name string) (list []int) {
	for _, v := range c.floats(name) {
		list = append(list, int(v))
	}
	return list
}

// choose returns the value of an option that is one of a few words, the one for "" if it is absent.
func choose[T any](c parityConfig, name string, values map[string]T) T {
	v, ok := values[c.text(name)]
	if !ok {
		panic(fmt.Sprintf("option %s is %q, which nfkit does not have", name, c.text(name)))
	}
	return v
}

// readParityCases reads all cases of a folder, sorted by name.
func readParityCases(t *testing.T, dir string) []*parityCase {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		if full, err := filepath.Abs(dir); err == nil {
			dir = full
		}
		t.Fatalf("the folder %s has no parity cases: want files named *.json", dir)
	}
	var cases []*parityCase
	for _, path := range paths {
		cases = append(cases, readParityCase(t, path))
	}
	return cases
}

func readParityCase(t *testing.T, path string) *parityCase {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &parityCase{}
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, m := range []*parityMap{c.Forward, c.Inverse} {
		if m != nil {
			for _, x := range []*tensor{&m.Input, &m.Output, &m.WeightOutput, &m.GradInput} {
				*x = x.channelsLast()
			}
		}
	}
	return c
}

// fillState writes values to the tensors of s. Names and shapes must be those of s.
func fillState(s nf.State, values map[string]tensor) error {
	seen := map[string]bool{}
	for _, t := range s {
		v, ok := values[t.Name]
		switch {
		case seen[t.Name]:
			return fmt.Errorf("the state names %s twice", t.Name)
		case !ok:
			return fmt.Errorf("the state has a tensor %s, which the case lacks", t.Name)
		case !slices.Equal(t.Shape, v.Shape):
			return fmt.Errorf("the state has %s with shape %v, want %v", t.Name, t.Shape, v.Shape)
		}
		seen[t.Name] = true
		if err := fillTensor(t, v.Data); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	for name := range values {
		if !seen[name] {
			return fmt.Errorf("the state lacks the tensor %s", name)
		}
	}
	s.Changed()
	return nil
}

func fillTensor(t nf.Tensor, data []float64) error {
	switch {
	case t.Param != nil:
		if len(t.Param.Data) != len(data) {
			return fmt.Errorf("the parameter has %d elements for shape %v", len(t.Param.Data), t.Shape)
		}
		copy(t.Param.Data, data)
	case t.Floats != nil:
		if len(t.Floats) != len(data) {
			return fmt.Errorf("the buffer has %d elements for shape %v", len(t.Floats), t.Shape)
		}
		copy(t.Floats, data)
	default:
		if len(t.Ints) != len(data) {
			return fmt.Errorf("the buffer has %d elements for shape %v", len(t.Ints), t.Shape)
		}
		for i, x := range data {
			if x != math.Trunc(x) {
				return fmt.Errorf("element %d is %v, want a whole number", i, x)
			}
			t.Ints[i] = int(x)
		}
	}
	if t.Check != nil {
		return t.Check(t)
	}
	return nil
}

// near returns an error unless got is want, up to tol relative to the size of each element and a floor below which
// sums of terms of size 1 have no digits.
func near(what string, got, want []float64, tol, floor float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s has %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g != w && !(math.Abs(g-w) <= tol*math.Abs(w)+floor) { // NaN is near nothing
			return fmt.Errorf("element %d of %s is %v, want %v (difference %.1e)", i, what, g, w, g-w)
		}
	}
	return nil
}
