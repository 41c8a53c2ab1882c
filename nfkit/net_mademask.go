package nfkit

import (
	"fmt"
	"strings"
)

// maskCheck decides whether new masks and degrees of a [MADE] keep its outputs autoregressive.
type maskCheck struct {
	outputs int  // for each component
	skip    bool // hidden layers come in pairs with a skip connection around
	layers  []checkedLayer
}

// checkedLayer are the new contents of one layer.
type checkedLayer struct {
	name    string
	mask    []float64
	degrees []int
}

// maskGroup returns the group of the masks and degrees of all layers, which come in pairs.
func (m *MADE) maskGroup() *TensorGroup {
	if m.graph != nil {
		return &TensorGroup{Check: m.checkGraph}
	}
	return &TensorGroup{Check: func(tensors []Tensor) error {
		c := &maskCheck{outputs: m.outputs, skip: m.blocks != nil}
		for i := 0; i+1 < len(tensors); i += 2 {
			mask, degrees := tensors[i], tensors[i+1]
			c.layers = append(c.layers, checkedLayer{strings.TrimSuffix(mask.Name, ".mask"), mask.Floats, degrees.Ints})
		}
		return c.verify()
	}}
}

// state lists the tensors of a layer, its mask and degrees in the given group.
func (l maskedLinear) state(name string, g *TensorGroup) State {
	out, in := l.weight.Dims()
	return append(l.linear.state(name),
		Tensor{Name: name + ".mask", Shape: []int{out, in}, Floats: l.mask, Group: g, mask: true},
		Tensor{Name: name + ".degrees", Shape: []int{out}, Ints: l.degrees, Group: g})
}

// verify returns an error unless each unit sees units of its degree or less, each output units of less.
func (c *maskCheck) verify() error {
	last := len(c.layers) - 1
	before, err := c.inputDegrees(c.layers[last])
	if err != nil {
		return err
	}
	for i, l := range c.layers {
		more := 0
		if i == last {
			more = 1
		}
		for k, m := range l.mask {
			to, from := l.degrees[k/len(before)], before[k%len(before)]
			if m != 0 && m != 1 {
				return fmt.Errorf("the mask of %s has an element %v, want 0 or 1", l.name, m)
			}
			if m == 1 && to < from+more {
				return fmt.Errorf("the mask of %s is not autoregressive: unit %d of degree %d sees unit %d of degree %d", l.name, k/len(before), to, k%len(before), from)
			}
		}
		before = l.degrees
		if c.skip && i < last && i%2 == 0 && i > 0 { // output of a block
			for j, to := range l.degrees {
				if from := c.layers[i-2].degrees[j]; to < from {
					return fmt.Errorf("the degrees of %s are not autoregressive: unit %d has degree %d, and a skip connection from one of degree %d", l.name, j, to, from)
				}
			}
		}
	}
	return nil
}

// inputDegrees returns the degrees of the components, which are those of their outputs.
func (c *maskCheck) inputDegrees(final checkedLayer) ([]int, error) {
	var degrees, order []int
	for k, d := range final.degrees {
		if k%c.outputs == 0 {
			degrees, order = append(degrees, d), append(order, d-1)
		}
		if d != degrees[len(degrees)-1] {
			return nil, fmt.Errorf("the degrees of %s are %v, want %d equal ones for each component", final.name, final.degrees, c.outputs)
		}
	}
	if checkPermutation(order, len(order)) != nil {
		return nil, fmt.Errorf("the degrees of %s are %v, want each of 1 to %d for one component", final.name, final.degrees, len(degrees))
	}
	return degrees, nil
}
