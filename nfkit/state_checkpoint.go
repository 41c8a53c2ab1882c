package nfkit

import (
	"encoding"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Checkpoint is all that training needs to go on as if it had not been interrupted: to the same numbers, to the last
// bit. Fields that are nil are left out; Load wants what was there when the file was saved.
//
//	point := nf.Checkpoint{Model: model, Adam: adam, Source: src}
//	err := point.Save("training.safetensors")
//
// The best parameters that [Fit] has seen and its patience are not part of it: they begin anew.
type Checkpoint struct {
	Model  Stateful // or the objective, whose State is that of its model
	Adam   *Adam
	Source rand.Source // a *rand.PCG or *rand.ChaCha8, or any that can marshal itself to a fixed number of bytes
	Data   *Rows
}

// Save writes the checkpoint to one file, as [Save] writes a model.
func (c Checkpoint) Save(path string) error {
	s, _ := c.state()
	return errorAt("Checkpoint.Save", path, save(path, s))
}

// Load reads the checkpoint from a file into the objects of c, as [Load] does for a model: all of them or none.
func (c Checkpoint) Load(path string) error {
	s, set := c.state()
	if err := load(path, s); err != nil {
		return errorAt("Checkpoint.Load", path, err)
	}
	set()
	return nil
}

// state lists the tensors of all parts. Some are copies; set takes these over into the parts.
func (c Checkpoint) state() (s State, set func()) {
	var sets []func()
	if c.Model != nil {
		s = append(s, c.Model.State().Under("model")...)
	}
	if c.Adam != nil {
		t, f := c.Adam.state()
		s, sets = append(s, t.Under("adam")...), append(sets, f)
	}
	if c.Source != nil {
		t, f := sourceState(c.Source)
		s, sets = append(s, t), append(sets, f)
	}
	if c.Data != nil {
		t, f := c.Data.state()
		s, sets = append(s, t.Under("data")...), append(sets, f)
	}
	return s, func() {
		for _, f := range sets {
			f()
		}
	}
}

// state lists step, learning rate and the averages of each parameter, named as torch.optim.Adam names them.
func (a *Adam) state() (s State, set func()) {
	step, rate := []int{a.step}, []float64{a.LearningRate}
	s = State{
		{Name: "step", Ints: step, Check: func(t Tensor) error { return atLeast0(t.Ints[0]) }},
		{Name: "lr", Floats: rate},
	}
	for i, p := range a.params {
		rows, cols := p.Dims()
		s = append(s,
			Tensor{Name: strconv.Itoa(i) + ".exp_avg", Shape: []int{rows, cols}, Floats: a.m[i]},
			Tensor{Name: strconv.Itoa(i) + ".exp_avg_sq", Shape: []int{rows, cols}, Floats: a.v[i]})
	}
	return s, func() { a.step, a.LearningRate = step[0], rate[0] }
}

func atLeast0(n int) error {
	if n < 0 {
		return fmt.Errorf("got %d, want 0 or more", n)
	}
	return nil
}

// state lists the order of the epoch in hand and the place in it.
func (r *Rows) state() (s State, set func()) {
	next := []int{r.next}
	return State{
		permutationTensor("order", r.order),
		{Name: "next", Ints: next, Check: func(t Tensor) error {
			if t.Ints[0] > len(r.order) {
				return fmt.Errorf("got %d, want at most the %d rows", t.Ints[0], len(r.order))
			}
			return atLeast0(t.Ints[0])
		}},
	}, func() { r.next = next[0] }
}

// sourceState lists the bytes of a source of random numbers.
func sourceState(src rand.Source) (t Tensor, set func()) {
	m, ok := src.(interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	})
	if !ok {
		panic(fmt.Sprintf("nfkit: Checkpoint: got a source of type %T, which cannot be saved; use *rand.PCG or *rand.ChaCha8", src))
	}
	now := Must(m.MarshalBinary())
	t = Tensor{Name: "source", Shape: []int{len(now)}, Ints: make([]int, len(now))}
	for i, b := range now {
		t.Ints[i] = int(b)
	}
	t.Check = func(t Tensor) error { // by trying, and going back
		for _, x := range t.Ints {
			if x != int(byte(x)) {
				return fmt.Errorf("%d is not a byte", x)
			}
		}
		before := Must(m.MarshalBinary())
		err := m.UnmarshalBinary(toBytes(t.Ints))
		Check(m.UnmarshalBinary(before))
		if err != nil {
			return fmt.Errorf("not the state of a %T: %w", src, err)
		}
		return nil
	}
	return t, func() { Check(m.UnmarshalBinary(toBytes(t.Ints))) }
}

func toBytes(s []int) []byte {
	b := make([]byte, len(s))
	for i, x := range s {
		b[i] = byte(x)
	}
	return b
}
