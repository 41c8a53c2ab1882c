package nfkit

import "fmt"

// maskCheck decides whether new masks and degrees of a [MADE] keep its outputs autoregressive. That takes all of them,
// so the check of the last tensor that comes gives the answer for all.
type maskCheck struct {
	outputs int  // for each component
	skip    bool // hidden layers come in pairs with a skip connection around
	layers  []checkedLayer
	waiting int // tensors that have not come yet
}

// checkedLayer is what has come for one layer.
type checkedLayer struct {
	name    string
	mask    []float64
	degrees []int
}

func newMaskCheck(m *MADE) *maskCheck { return &maskCheck{outputs: m.outputs, skip: m.blocks != nil} }

// state lists the tensors of the next layer.
func (c *maskCheck) state(name string, l maskedLinear) State {
	i := len(c.layers)
	c.layers = append(c.layers, checkedLayer{name: name})
	c.waiting += 2
	out, in := l.weight.Dims()
	return append(l.linear.state(name),
		Tensor{Name: name + ".mask", Shape: []int{out, in}, Floats: l.mask, Check: func(t Tensor) error {
			c.layers[i].mask = t.Floats
			return c.came()
		}},
		Tensor{Name: name + ".degrees", Shape: []int{out}, Ints: l.degrees, Check: func(t Tensor) error {
			c.layers[i].degrees = t.Ints
			return c.came()
		}})
}

func (c *maskCheck) came() error {
	if c.waiting--; c.waiting > 0 {
		return nil
	}
	c.waiting = 2 * len(c.layers)
	return c.verify()
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
