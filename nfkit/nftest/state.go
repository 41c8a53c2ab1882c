package nftest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// checkState checks that state lists well-formed tensors, the same ones on each call.
func checkState(state func() nf.State) error {
	first, second := state(), state()
	if len(first) != len(second) {
		return fmt.Errorf("the state lists %d tensors at first, %d the second time", len(first), len(second))
	}
	seen := map[string]bool{}
	for i, t := range first {
		if err := checkTensor(t); err != nil {
			return fmt.Errorf("tensor %d, %q: %w", i, t.Name, err)
		}
		if seen[t.Name] {
			return fmt.Errorf("two tensors of the state have the name %q", t.Name)
		}
		seen[t.Name] = true
		u := second[i]
		if t.Name != u.Name || !slices.Equal(t.Shape, u.Shape) {
			return fmt.Errorf("tensor %d is %s %v at first, %s %v the second time", i, t.Name, t.Shape, u.Name, u.Shape)
		}
		if t.Param != u.Param || !sameMemory(t.Floats, u.Floats) || !sameMemory(t.Ints, u.Ints) {
			return fmt.Errorf("tensor %s of State is a copy, want the memory that the computation uses, on each call", t.Name)
		}
	}
	if err := first.Verify(); err != nil {
		return fmt.Errorf("the state's own contents are refused: %w", err)
	}
	return nil
}

func checkTensor(t nf.Tensor) error {
	if t.Name == "" {
		return errors.New("it has no name")
	}
	kinds, n := 0, 0
	if t.Param != nil {
		kinds, n = kinds+1, len(t.Param.Data)
	}
	if t.Floats != nil {
		kinds, n = kinds+1, len(t.Floats)
	}
	if t.Ints != nil {
		kinds, n = kinds+1, len(t.Ints)
	}
	if kinds != 1 {
		return fmt.Errorf("%d of Param, Floats and Ints are set, want one", kinds)
	}
	if n != t.Len() {
		return fmt.Errorf("it has %d elements for shape %v", n, t.Shape)
	}
	return nil
}

func sameMemory[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// perturb moves the trainable parameters away from where they are: each number by about ¼, and those of a tensor of more than 64 by less, so that
// all of it moves no further than 2. Large networks stay in the range of their activations, whatever the dimension.
func perturb(s nf.State, r *rand.Rand) {
	for _, p := range s.Params() {
		if p.Frozen {
			continue
		}
		scale := 0.25 * min(1, math.Sqrt(64/float64(len(p.Data))))
		for i := range p.Data {
			p.Data[i] += scale * r.NormFloat64()
		}
		p.Changed()
	}
}

// restore returns a function that makes parameters and their gradients what they are now.
func restore(s nf.State) func() {
	before, params := contents(s), s.Params()
	var gradients [][]float64
	for _, p := range params {
		gradients = append(gradients, slices.Clone(p.Grad))
	}
	return func() {
		for i, t := range s {
			if t.Param != nil {
				copy(t.Param.Data, before[i])
				t.Param.Changed()
			}
		}
		for i, p := range params {
			copy(p.Grad, gradients[i])
		}
	}
}

// contents returns a copy of the numbers of each tensor.
func contents(s nf.State) [][]float64 {
	var all [][]float64
	for _, t := range s {
		var data []float64
		switch {
		case t.Param != nil:
			data = slices.Clone(t.Param.Data)
		case t.Floats != nil:
			data = slices.Clone(t.Floats)
		default:
			for _, n := range t.Ints {
				data = append(data, float64(n))
			}
		}
		all = append(all, data)
	}
	return all
}

func clearGradients(s nf.State) {
	for _, p := range s.Params() {
		clear(p.Grad)
	}
}
