package ad

// Scratch returns the value of f, computed on t. Where t records nothing for Backward, nor a
// [Linearization] or [RowGradient] at work, it frees the memory of all other
// values that f makes there: they must not be used afterwards. It is for computations that need much more memory than
// their result.
func (t *Tape) Scratch(f func() *Value) *Value {
	if t.Keeps() {
		return f()
	}
	m := t.mark()
	v := f()
	t.check("Tape.Scratch", v)
	return t.moved(v, m, v.param != nil || v.id < m.n) // f may return what was there before
}

// ScratchPair is [Tape.Scratch] for two values: what a flow returns.
func (t *Tape) ScratchPair(f func() (a, b *Value)) (a, b *Value) {
	if t.Keeps() {
		return f()
	}
	m := t.mark()
	a, b = f()
	t.check("Tape.ScratchPair", a)
	t.check("Tape.ScratchPair", b)
	old := func(v *Value) bool { return v.param != nil || v.id < m.n }
	if old(b) {
		return t.moved(a, m, old(a)), b
	}
	rows, cols := b.rows, b.cols
	d64 := append(workspace[float64](t, len(b.f64.data))[:0], b.f64.data...) // the copy of a may be where b is
	d32 := append(workspace[float32](t, len(b.f32.data))[:0], b.f32.data...)
	a = t.moved(a, m, old(a))
	b = t.value(constOp, rows, cols)
	copy(b.f64.data, d64)
	copy(b.f32.data, d32)
	return a, b
}

// moved releases what has been made since m, except v, which is old or gets another place.
func (t *Tape) moved(v *Value, m mark, old bool) *Value {
	d64, d32, rows, cols := v.f64.data, v.f32.data, v.rows, v.cols
	t.release(m)
	if old {
		return v
	}
	u := t.value(constOp, rows, cols)
	copy(u.f64.data, d64) // of memory that is free but not used yet, which may overlap
	copy(u.f32.data, d32)
	return u
}

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
	if t.packed {
		for _, v := range t.values[:m.n] {
			v.packed = false
		}
		t.packed = false
	}
}
