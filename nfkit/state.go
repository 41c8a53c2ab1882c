package nfkit

import (
	"fmt"
	"slices"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// State lists the tensors that make up a flow, base, network or model: what training changes, and the buffers
// (permutations, masks, flags) without which the rest has no meaning. Names and shapes are those of the
// state_dict of normflows, so that weights can be exchanged.
type State []Tensor

// Tensor is one entry of a [State]. Exactly one of Param, Floats and Ints is set. It shares memory with the
// object that it belongs to: writing to it changes the object, after a call of [State.Changed].
type Tensor struct {
	Name   string
	Shape  []int     // none for a single number
	Param  *ad.Param // trainable, or frozen
	Floats []float64 // buffer
	Ints   []int     // buffer of whole numbers

	// Check, if set, says what is wrong with new contents before they are accepted.
	Check func(t Tensor) error

	// Group, if set, is the same for tensors whose contents must fit together.
	Group *TensorGroup

	// Layers are those that have the tensor and must be found however they are wrapped, from the innermost to the outermost: an [Observer], a
	// [Preparer], a [Conditional] or a [Wide] one. See [State.OwnedBy].
	Layers []any

	mask    bool   // Floats are 0 or 1
	changed func() // nil, or what the object does when buffers have been written to
}

// TensorGroup says what is wrong with new contents of several tensors, before they are accepted.
type TensorGroup struct {
	Check func(tensors []Tensor) error // gets the tensors of the group in the order of the State
}

// Verify returns an error that says what is wrong with the contents of s: the numbers that are not finite, and what the checks of tensors and
// groups find.
func (s State) Verify() error { return refusal("these numbers cannot be", s.faults()) }

// faults lists what is wrong with the contents of s.
func (s State) faults() (faults []string) {
	var groups []*TensorGroup
	members := map[*TensorGroup][]Tensor{}
	for _, t := range s {
		if at := nonFinite(t.floats()); at >= 0 {
			faults = append(faults, fmt.Sprintf("%s: element %d is %v", t.Name, at, t.floats()[at]))
		} else if t.Check != nil {
			if err := t.Check(t); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", t.Name, err))
			}
		}
		if g := t.Group; g != nil {
			if members[g] == nil {
				groups = append(groups, g)
			}
			members[g] = append(members[g], t)
		}
	}
	for _, g := range groups {
		if err := g.Check(members[g]); err != nil {
			faults = append(faults, err.Error())
		}
	}
	return faults
}

// Len returns the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Changed makes new contents of the tensors in s count, once all of them have been written. See also [ad.Param.Changed].
func (s State) Changed() {
	for _, t := range s {
		if t.Param != nil {
			t.Param.Changed()
		}
		if t.changed != nil {
			t.changed()
		}
	}
}

// Under returns s with prefix and a dot before each name.
func (s State) Under(prefix string) State {
	u := make(State, len(s))
	for i, t := range s {
		t.Name = prefix + "." + t.Name
		u[i] = t
	}
	return u
}

// OwnedBy returns s with the given layer added to the Layers of each tensor: what a layer that is to be found does with the State that it
// returns.
func (s State) OwnedBy(layer any) State {
	for i := range s {
		s[i].Layers = append(slices.Clip(s[i].Layers), layer)
	}
	return s
}

// Params returns the parameters in s, frozen ones included, each once: a layer may stand in two places.
func (s State) Params() []*ad.Param {
	var params []*ad.Param
	seen := make(map[*ad.Param]bool)
	for _, t := range s {
		if p := t.Param; p != nil && !seen[p] {
			seen[p] = true
			params = append(params, p)
		}
	}
	return params
}

// ParamTensor names a parameter for a [State]. It panics when the shape has another number of elements.
func ParamTensor(name string, p *ad.Param, shape ...int) Tensor {
	t := Tensor{Name: name, Shape: shape, Param: p}
	if t.Len() != len(p.Data) {
		panic(fmt.Sprintf("nfkit: tensor %s: got %d elements for shape %v", name, len(p.Data), shape))
	}
	return t
}

// fixedTensor names whole numbers that say how a layer was built, and must stay what they are.
func fixedTensor(name string, numbers []int) Tensor {
	return Tensor{Name: name, Shape: []int{len(numbers)}, Ints: numbers, Check: func(t Tensor) error {
		if !slices.Equal(t.Ints, numbers) {
			return fmt.Errorf("got %v, want %v, which were given at construction", t.Ints, numbers)
		}
		return nil
	}}
}

// permutationTensor names a permutation, which must stay one.
func permutationTensor(name string, index []int) Tensor {
	return Tensor{Name: name, Shape: []int{len(index)}, Ints: index, Check: func(t Tensor) error {
		return checkPermutation(t.Ints, len(t.Ints))
	}}
}

// checkPermutation returns an error unless index is a permutation of 0 to n−1.
func checkPermutation(index []int, n int) error {
	seen := make([]bool, n)
	ok := len(index) == n
	for _, j := range index {
		ok = ok && j >= 0 && j < n && !seen[j]
		if ok {
			seen[j] = true
		}
	}
	if !ok {
		return fmt.Errorf("%v is not a permutation of 0 to %d", index, n-1)
	}
	return nil
}
