package ad

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// Padding is what a convolution sees outside of the grid.
type Padding uint8

const (
	PadZero     Padding = iota // zeros
	PadCircular                // the other side of the grid: periodic boundaries
)

// Conv2D returns act(w ∗ v + b) for v whose rows are grids of shape in: grids of the same height and width, with as many
// channels as w has rows,
//
//	u[y, x, m] = act(Σ_{i,j,c} w[m, (i·k+j)·C + c]·v[y+i−⌊k/2⌋, x+j−⌊k/2⌋, c] + b[m]),  i, j = 0 … k−1,
//
// what PyTorch calls conv2d with stride 1. C is in.Channels; k, the edge of the kernel, follows from the k²C columns of w and is odd. It may
// exceed the grid. b is 1×m, or nil. slope belongs to [LeakyReLU] and is ignored otherwise. A k of 1 is [Value.Dense] at each
// site. Cost O(n·H·W·k²·C·m).
func (v *Value) Conv2D(in Shape, w, b Operand, pad Padding, act Activation, slope float64) *Value {
	if act == SiLU { // its derivative needs the argument
		return v.Conv2D(in, w, b, pad, Identity, 0).SiLU()
	}
	if act == LeakyReLU && slope < 0 { // the sign of the result does not tell the sign of the argument
		return v.Conv2D(in, w, b, pad, Identity, 0).LeakyReLU(slope)
	}
	t := v.tape
	weight := w.operand(t)
	t.check("Conv2D", v)
	t.check("Conv2D", weight)
	if !in.Valid() || v.cols != in.Size() {
		panic(fmt.Sprintf("ad: Conv2D: got a %d×%d value for a %v grid, want %d columns, and 1 or more", v.rows, v.cols, in, in.Size()))
	}
	if pad > PadCircular {
		panic(fmt.Sprintf("ad: Conv2D: got padding %d, want PadZero or PadCircular", pad))
	}
	edge := 1
	for edge*edge*in.Channels < weight.cols {
		edge += 2
	}
	if edge*edge*in.Channels != weight.cols {
		panic(fmt.Sprintf("ad: Conv2D: got %d×%d weights for %d channels, want k²·%d columns for an odd k", weight.rows, weight.cols, in.Channels, in.Channels))
	}
	cols := in.Sites() * weight.rows
	var u *Value
	if b == nil {
		u = t.apply(convOp, v.rows, cols, v, weight)
	} else {
		bias := b.operand(t)
		t.check("Conv2D", bias)
		if bias.rows != 1 || bias.cols != weight.rows {
			panic(fmt.Sprintf("ad: Conv2D: got a %d×%d bias for %d×%d weights, want 1×%d", bias.rows, bias.cols, weight.rows, weight.cols, weight.rows))
		}
		u = t.apply(convOp, v.rows, cols, v, weight, bias)
	}
	u.kind, u.c, u.conv = uint8(act), slope, window{in, edge, pad}
	return u.run()
}

var convOp = &op{name: "Conv2D",
	forward64: convForward[float64], backward64: convBackward[float64],
	forward32: convForward[float32], backward32: convBackward[float32]}

func init() { convOp.tangent = convTangent }

// A convolution is a dense layer on patches: what the kernel sees at each site, k²C numbers. They are gathered for some
// sites at a time, so that they stay in the cache for the product. A kernel of one site has the grid itself for patches.

// patchesLen is the number of elements of the patches that are gathered at a time.
const patchesLen = 1 << 14

// window is a convolution's kernel on its grid.
type window struct {
	in   Shape
	edge int
	pad  Padding
}

// patch returns the number of elements of a patch.
func (w window) patch() int { return w.edge * w.edge * w.in.Channels }

// each calls f for runs of n·H·W sites, lo to hi (excluded), whose patches are gathered at a time.
func (w window) each(n int, f func(lo, hi int)) {
	sites := n * w.in.Sites()
	step := max(1, patchesLen/w.patch())
	for lo := 0; lo < sites; lo += step {
		f(lo, min(lo+step, sites))
	}
}

// line is part of a row of a grid, whose sites' patches are at hand: those from column x0 to x1 (excluded).
type line struct {
	place  int // of the first patch
	grid   int // of the first element of the grid in values
	y      int
	x0, x1 int
}

// lines calls f for the rows that sites lo to hi are part of.
func (w window) lines(lo, hi int, f func(r line)) {
	height, width := w.in.Height, w.in.Width
	r := line{grid: lo / w.in.Sites() * w.in.Size(), y: lo / width % height, x0: lo % width}
	for lo < hi {
		r.x1 = min(width, r.x0+hi-lo)
		f(r)
		lo += r.x1 - r.x0
		r.place += (r.x1 - r.x0) * w.patch()
		r.x0 = 0
		if r.y++; r.y == height {
			r.y = 0
			r.grid += w.in.Size()
		}
	}
}

// source returns the place in values of the row of the grid that row i of the patches of r comes from, negative for one outside.
func (w window) source(r line, i int) int {
	y := r.y + i - w.edge/2
	if w.pad == PadCircular {
		y = wrapped(y, w.in.Height)
	}
	if y < 0 || y >= w.in.Height {
		return -1
	}
	return r.grid + y*w.in.Width*w.in.Channels
}

// inside returns the columns, of those of r, whose patches are inside of the grid from side to side.
func (w window) inside(r line) (x0, x1 int) {
	x0 = min(max(r.x0, w.edge/2), r.x1)
	return x0, max(x0, min(r.x1, w.in.Width-w.edge/2))
}

// column returns the column of the grid that column j of the patch at x comes from, and whether there is one.
func (w window) column(x, j int) (column int, ok bool) {
	x += j - w.edge/2
	if w.pad == PadCircular {
		return wrapped(x, w.in.Width), true
	}
	return x, x >= 0 && x < w.in.Width
}

func wrapped(i, n int) int {
	if i %= n; i < 0 {
		i += n
	}
	return i
}

// gatherPatches stores the patches of sites lo to hi of the grids x in dst.
func gatherPatches[T kernel.Float](dst, x []T, w window, lo, hi int) {
	c, patch := w.in.Channels, w.patch()
	run := w.edge * c
	w.lines(lo, hi, func(r line) {
		in0, in1 := w.inside(r)
		for i := range w.edge {
			to, at := dst[r.place+i*run:], w.source(r, i)
			if at < 0 {
				for k := range r.x1 - r.x0 {
					clear(to[k*patch:][:run])
				}
				continue
			}
			for k, from := (in0-r.x0)*patch, at+(in0-w.edge/2)*c; k < (in1-r.x0)*patch; k, from = k+patch, from+c {
				copy(to[k:k+run], x[from:from+run])
			}
			for _, side := range [...][2]int{{r.x0, in0}, {in1, r.x1}} {
				for col := side[0]; col < side[1]; col++ {
					for j := range w.edge {
						site := to[(col-r.x0)*patch+j*c:][:c]
						if s, ok := w.column(col, j); ok {
							copy(site, x[at+s*c:][:c])
						} else {
							clear(site)
						}
					}
				}
			}
		}
	})
}

// addPatches adds to the grids x what belongs to them of the patches of sites lo to hi.
func addPatches[T kernel.Float](x, patches []T, w window, lo, hi int) {
	c, patch := w.in.Channels, w.patch()
	run := w.edge * c
	w.lines(lo, hi, func(r line) {
		in0, in1 := w.inside(r)
		for i := range w.edge {
			from, at := patches[r.place+i*run:], w.source(r, i)
			if at < 0 {
				continue
			}
			for k, to := (in0-r.x0)*patch, at+(in0-w.edge/2)*c; k < (in1-r.x0)*patch; k, to = k+patch, to+c {
				addRun(x[to:to+run], from[k:k+run])
			}
			for _, side := range [...][2]int{{r.x0, in0}, {in1, r.x1}} {
				for col := side[0]; col < side[1]; col++ {
					for j := range w.edge {
						if s, ok := w.column(col, j); ok {
							addRun(x[at+s*c:][:c], from[(col-r.x0)*patch+j*c:])
						}
					}
				}
			}
		}
	})
}

// addRun adds src to dst, which is short.
func addRun[T kernel.Float](dst, src []T) {
	if len(dst) > 16 {
		kernel.Add(dst, dst, src[:len(dst)])
		return
	}
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] += v
	}
}

func convForward[T kernel.Float](v *Value) {
	if toFew(v) {
		convForwardFew[T](v)
		return
	}
	x, w, win := of[T](v.args[0]).data, packed[T](v.args[1]), v.conv
	var b []T
	if len(v.args) > 2 {
		b = of[T](v.args[2]).data
	}
	y, m := of[T](v).data, w.M
	if win.edge == 1 {
		kernel.Dense(y, x, w, b, v.rows*win.in.Sites(), activation(v), T(v.c))
		return
	}
	if win.in.Width-2*(win.edge/2) >= rowOfSites && !w.Few() {
		for g := range v.rows {
			for r := (line{grid: g * win.in.Size(), x1: win.in.Width}); r.y < win.in.Height; r.y++ {
				site := (g*win.in.Height + r.y) * win.in.Width
				convolveRow(y[site*m:][:win.in.Width*m], x, w, b, win, r, activation(v), T(v.c))
			}
		}
		return
	}
	patches := workspace[T](v.tape, min(v.rows*win.in.Sites(), max(1, patchesLen/win.patch()))*win.patch())
	win.each(v.rows, func(lo, hi int) {
		gatherPatches(patches, x, win, lo, hi)
		kernel.Dense(y[lo*m:hi*m], patches, w, b, hi-lo, activation(v), T(v.c))
	})
}

// rowOfSites is the number of sites inside of a row from which on their patches, whose rows overlap, are multiplied where they are.
const rowOfSites = 6

// convolveRow stores the outputs of the row of the grid that r is, y, one row of the kernel after the other.
func convolveRow[T kernel.Float](y, x []T, w kernel.Weights[T], b []T, win window, r line, act kernel.Activation, slope T) {
	c, m, half := win.in.Channels, w.M, win.edge/2
	in0, in1 := win.inside(r)
	first, last := 0, win.edge-1 // rows of the kernel
	for win.source(r, first) < 0 {
		first++
	}
	for win.source(r, last) < 0 {
		last--
	}
	for i := first; i <= last; i++ {
		at := win.source(r, i)
		// share adds to n sites from column col on what columns j0 to j1 of the kernel see; begin and end say that these are the first and the last for the sites.
		share := func(col, n, j0, j1 int, begin, end bool) {
			to := y[col*m : (col+n)*m]
			init, ldi, then := to, m, kernel.ActIdentity
			if begin && i == first {
				init, ldi = b, 0
			}
			if end && i == last {
				then = act
			}
			from, _ := win.column(col, j0)
			kernel.DenseInputs(to, init, ldi, x[at+from*c:], c, w, (i*win.edge+j0)*c, (i*win.edge+j1)*c, n, then, slope)
		}
		share(in0, in1-in0, 0, win.edge, true, true)
		for col := range win.in.Width {
			switch {
			case col >= in0 && col < in1:
			case win.pad == PadZero:
				share(col, 1, max(0, half-col), min(win.edge, win.in.Width-col+half), true, true)
			default:
				for j := range win.edge {
					share(col, 1, j, j+1, j == 0, j == win.edge-1)
				}
			}
		}
	}
}

// convBackward gathers the patches again for the gradient of the weights.
func convBackward[T kernel.Float](v *Value) {
	if toFew(v) {
		convBackwardFew[T](v)
		return
	}
	x, weight, win := v.args[0], v.args[1], v.conv
	if win.edge == 1 {
		denseBackwardRows[T](v, v.rows*win.in.Sites())
		return
	}
	var db []T
	if len(v.args) > 2 {
		db = gradient[T](v.args[2])
	}
	set := kernel.SetX
	dw, fresh := freshGradient[T](weight) // before that of x, which may be the same value
	if fresh {
		set |= kernel.SetW
	}
	dx := gradient[T](x)
	dy, y, data, w := spendGradient[T](v), of[T](v).data, of[T](x).data, packed[T](weight)
	m := w.M
	if v.rows == 0 && fresh {
		clear(dw)
	}
	n := min(v.rows*win.in.Sites(), max(1, patchesLen/win.patch())) * win.patch()
	work := workspace[T](v.tape, 2*n)
	patches, dpatches := work[:n], work[n:]
	if dx == nil {
		dpatches = nil
	}
	win.each(v.rows, func(lo, hi int) {
		if dw != nil {
			gatherPatches(patches, data, win, lo, hi)
		}
		kernel.DenseBackward(dpatches, dw, db, dy[lo*m:hi*m], y[lo*m:hi*m], patches, w, hi-lo, activation(v), T(v.c), set)
		set = kernel.SetX
		if dx != nil {
			addPatches(dx, dpatches, win, lo, hi)
		}
	})
}

// workspace returns n elements with undefined contents for an operation to use while it runs.
func workspace[T kernel.Float](t *Tape, n int) []T {
	a, ok := any(&t.f64).(*arena[T])
	if !ok {
		a = any(&t.f32).(*arena[T])
	}
	a.work = resize(a.work, n)
	return a.work
}

// convTangent is denseTangent with patches for rows.
func convTangent(v *Value) (dy, _ *Value) {
	x, w, win := v.args[0], v.args[1], v.conv
	dx, dw := v.tangents()
	if dx != nil {
		dx = dx.Conv2D(win.in, w, nil, win.pad, Identity, 0)
	}
	if dw != nil {
		dw = x.Conv2D(win.in, dw, nil, win.pad, Identity, 0)
	}
	dz := plus(dx, dw)
	if len(v.args) > 2 {
		if db := v.args[2].tangent(); db != nil {
			dz = dz.orZeros(v).Reshape(v.rows*win.in.Sites(), w.rows).Add(db).Reshape(v.rows, v.cols)
		}
	}
	return activationTangent(v, dz), nil
}
