package kernel

// Patches are what a convolution sees at the sites of a grid with a margin: rows that overlap. That of a site is Runs runs of Run neighbouring elements,
// Stride apart; that of the next site begins Step elements further on, and that of the first site of the next row Stride elements after that of
// this row. Behind the last one there must be as many elements that can be read as a panel is wide: see Margin.
type Patches struct{ Runs, Run, Stride, Step int }

// len returns the number of elements of a patch.
func (p Patches) len() int { return p.Runs * p.Run }

// Margin returns how many elements the products of patches may read behind those that they use.
func Margin[T Float]() int { return panelWidth[T]() }

// PatchWeights are the weights of M outputs in the order in which DensePatches reads them.
type PatchWeights[T Float] struct {
	m      int
	rows   []T // of few outputs: one after the other
	panels []T // of others: as mulPacked has them, or, of at most narrow, in rows of narrow elements
}

// Taps are the weights of a convolution: that of output j for channel c of tap t is Data[First+t·Tap+c·Channel+j·Output].
type Taps[T Float] struct {
	Data                        []T
	Taps, Channels, Outputs     int
	First, Tap, Channel, Output int
}

// PatchWeightsLen returns the number of elements of memory that PackPatches needs.
func PatchWeightsLen[T Float](outputs, inputs int) int {
	if outputs <= narrow {
		return inputs*narrow + panelWidth[T]()
	}
	return packedHalf[T](inputs, outputs)
}

// PackPatches packs weights for patches p in memory, which has PatchWeightsLen elements. A patch has the channels of one tap after the other.
func PackPatches[T Float](memory []T, w Taps[T], p Patches) PatchWeights[T] {
	k, width := p.len(), panelWidth[T]()
	switch {
	case w.Outputs > narrow:
		for j := 0; j < w.Outputs; j += width {
			for t := range w.Taps {
				packPanel(memory[j*k+t*w.Channels*width:], w.Data[w.First+t*w.Tap+j*w.Output:], w.Channel, w.Output, w.Channels, min(width, w.Outputs-j))
			}
		}
		return PatchWeights[T]{m: w.Outputs, panels: memory}
	case byDots[T](w.Outputs, p):
		w.each(func(i, j int, v T) { memory[j*k+i] = v })
		return PatchWeights[T]{m: w.Outputs, rows: memory}
	}
	clear(memory)
	w.each(func(i, j int, v T) { memory[i*narrow+j] = v })
	return PatchWeights[T]{m: w.Outputs, panels: memory}
}

// each calls f for each element of a patch and output.
func (w Taps[T]) each(f func(i, j int, v T)) {
	for t := range w.Taps {
		for c := range w.Channels {
			from := w.Data[w.First+t*w.Tap+c*w.Channel:]
			for j := range w.Outputs {
				f(t*w.Channels+c, j, from[j*w.Output])
			}
		}
	}
}

// Few reports whether there are so few outputs that Dense and DensePatches have their weights in different orders.
func Few(outputs int) bool { return outputs <= narrow }

// Patches returns the weights, of other than few outputs, as DensePatches reads them.
func (w Weights[T]) Patches() PatchWeights[T] {
	return PatchWeights[T]{m: w.M, panels: w.forward()}
}

// DensePatches stores a layer of all patches of a grid, rows of width sites, in y:
//
//	y[i·M+j] = act(init[i·ldi+j] + Σ_p patch_i[p]·w[j, p])
//
// A nil init is zero, and ldi = 0 repeats a bias; y may be init. slope is read by ActLeakyReLU alone.
func DensePatches[T Float](y, init []T, ldi int, x []T, p Patches, w PatchWeights[T], height, width int, act Activation, slope T) {
	if act != ActLeakyReLU {
		slope = 1
	}
	var zeros [64]T
	bias := init != nil
	if !bias {
		init, ldi = zeros[:], 0
	}
	m, k, wide := w.m, p.len(), panelWidth[T]()
	ldb := wide
	if m <= narrow {
		ldb = narrow
	}
	for r := range height {
		to, from, at := y[r*width*m:][:width*m], x[r*p.Stride:], init
		if ldi > 0 {
			at = init[r*width*ldi:]
		}
		if w.rows != nil {
			dotPatches(to, at, ldi, from, p, w.rows, width, m, slope)
			continue
		}
		for j := 0; j < m; j += wide {
			in := at
			if bias {
				in = at[j:]
			}
			panelRuns(to[j:], m, in, ldi, from, p.Step, 1, p.Stride-p.Run, w.panels[j*k:], ldb, 0, width, p.Runs, p.Run, min(wide, m-j), slope)
		}
	}
	activate(y[:height*width*m], act)
}

// PatchesBackward adds to dw, M×K for patches of K elements, the products of the gradients of outputs, dz, with the patches of the same sites.
func PatchesBackward[T Float](dw, dz, x []T, p Patches, m, height, width int) {
	k, wide := p.len(), panelWidth[T]()
	for i := range p.Runs {
		for j := 0; j < p.Run; j += wide {
			to := dw[i*p.Run+j:]
			panelRuns(to, k, to, k, dz, 1, m, 0, x[i*p.Stride+j:], p.Step, p.Stride-width*p.Step, m, height, width, min(wide, p.Run-j), 1)
		}
	}
}

// ActivationBackward stores dy ⊙ act'(z) in dy, where y is act(z), and adds the sums of its columns to db unless that is nil.
func ActivationBackward[T Float](db, dy, y []T, act Activation, slope T) {
	if act == ActLeakyReLU && len(db) >= panelWidth[T]() {
		leakyGradSums(db, dy, y, slope)
		return
	}
	activationGrad(dy, y, act, slope)
	if db != nil {
		addFewSums(db, dy)
	}
}

// addFewSums is addColumnSums in another order: columns are summed in parts that are side by side in a panel.
func addFewSums[T Float](dst, a []T) {
	m, w := len(dst), panelWidth[T]()
	parts := w / m
	if parts < 2 {
		addColumnSums(dst, a)
		return
	}
	var sums [32]T
	one, n := [1]T{1}, max(0, (len(a)-w)/(parts*m)+1) // rows of all parts that can be read as far as a panel is wide
	if len(a) < w {
		n = 0
	}
	if n > 0 {
		panel(sums[:], w, sums[:], w, one[:], 0, 0, a, parts*m, 1, n, parts*m, 1)
	}
	addColumnSums(dst, sums[:parts*m])
	addColumnSums(dst, a[n*parts*m:])
}

// panelRuns is panel for sums of runs·k products: after each k of them, a goes on skipA elements further on and b skipB.
func panelRuns[T Float](c []T, ldc int, init []T, ldi int, a []T, rsa, csa, skipA int, b []T, ldb, skipB, n, runs, k, cols int, slope T) {
	if panelRunsAsm(c, ldc, init, ldi, a, rsa, csa, skipA, b, ldb, skipB, n, runs, k, cols, slope) {
		return
	}
	for r := range runs {
		factor := T(1)
		if r == runs-1 {
			factor = slope
		}
		panel(c, ldc, init, ldi, a[r*(k*csa+skipA):], rsa, csa, b[r*(k*ldb+skipB):], ldb, n, k, cols, factor)
		init, ldi = c, ldc
	}
}

// dotPatches is DensePatches for a row of sites and few outputs, whose weights are in rows.
func dotPatches[T Float](y, init []T, ldi int, x []T, p Patches, rows []T, n, m int, slope T) {
	const block = 64
	var sums [2*block + 8]T // dotRuns fills up to three rows more
	k := p.len()
	for j := 0; j < m; j += 2 {
		b0, b1 := rows[j*k:][:k], rows[min(j+1, m-1)*k:][:k]
		for i := 0; i < n; i += block {
			count := min(block, n-i)
			dotRuns(sums[:], x[i*p.Step:], p, b0, b1, count)
			to, from := y[i*m+j:], init[i*ldi+j:]
			for r := range count {
				to[r*m] = leaky(from[r*ldi]+sums[2*r], slope)
				if j+1 < m {
					to[r*m+1] = leaky(from[r*ldi+1]+sums[2*r+1], slope)
				}
			}
		}
	}
}
