package ad

// Scratch returns the value of f, computed on t. Where t records nothing for Backward, nor a
// [Linearization] or [RowGradient] at work, it frees the memory of all other
// values that f makes there: they must not be used afterwards. It is for computations that need much more memory than
// their result.
func (t *Tape) Scratch(f func() *Value) *Value {
	if t.keeps() {
		return f()
	}
	m := t.mark()
	v := f()
	t.check("Tape.Scratch", v)
	d64, d32, rows, cols, kept := v.f64.data, v.f32.data, v.rows, v.cols, v.param != nil || v.id < m.n
	t.release(m)
	if kept { // f returns what was there before
		return v
	}
	u := t.value(constOp, rows, cols)
	copy(u.f64.data, d64) // of memory that is free but not used yet, which may overlap
	copy(u.f32.data, d32)
	return u
}

// keeps reports whether values computed now are needed later: for Backward, or for tangents.
func (t *Tape) keeps() bool { return t.gradients || t.recording > 0 }

// mark is a place on a tape to which it can be taken back.
type mark struct {
	n, args  int
	f64, f32 place
}

// place is the end of what an arena has handed out.
type place struct{ block, used int }

func (t *Tape) mark() mark {
	return mark{n: t.n, args: len(t.args), f64: place{t.f64.block, t.f64.used}, f32: place{t.f32.block, t.f32.used}}
}

// release forgets the values since m and frees the memory handed out since. What the values before m have packed there
// is packed anew when it is needed.
func (t *Tape) release(m mark) {
	t.n, t.args = m.n, t.args[:m.args]
	t.f64.block, t.f64.used = m.f64.block, m.f64.used
	t.f32.block, t.f32.used = m.f32.block, m.f32.used
	for _, v := range t.values[:m.n] {
		v.packed = false
	}
}
