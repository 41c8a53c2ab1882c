package nfkit

import "slices"

// snapshot is a copy of a state.
type snapshot struct{ of, copy State }

func newSnapshot(s State) snapshot {
	c := slices.Clone(s)
	for i, t := range s {
		c[i].Param, c[i].Floats, c[i].Ints = nil, slices.Clone(t.floats()), slices.Clone(t.Ints)
	}
	return snapshot{s, c}
}

// take copies the state as it is now.
func (s snapshot) take() {
	for i, t := range s.of {
		copy(s.copy[i].Floats, t.floats())
		copy(s.copy[i].Ints, t.Ints)
	}
}

// restore puts the copy back.
func (s snapshot) restore() {
	for i, t := range s.of {
		copy(t.floats(), s.copy[i].Floats)
		copy(t.Ints, s.copy[i].Ints)
	}
}
