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

// Each run of a patch is one row of it. Where it is inside of the grid, so are all its sites, side by side.

// runs calls f for each row of the patches of sites lo to hi: with its place in the patches, and that of its first site in the row
// of values; first is the column of that site in the grid, which may be outside. Where the row is outside, at is negative.
func (w window) runs(lo, hi int, f func(place, at, first int)) {
	h, wide, c, half := w.in.Height, w.in.Width, w.in.Channels, w.edge/2
	run, place := w.edge*c, 0
	x, y := lo%wide, lo/wide%h
	grid := lo / w.in.Sites() * w.in.Size()
	for ; lo < hi; lo++ {
		for i := range w.edge {
			r := y + i - half
			if w.pad == PadCircular {
				r = wrapped(r, h)
			}
			at := -1
			if r >= 0 && r < h {
				at = grid + r*wide*c
			}
			f(place, at, x-half)
			place += run
		}
		if x++; x == wide {
			x = 0
			if y++; y == h {
				y = 0
				grid += w.in.Size()
			}
		}
	}
}

func wrapped(i, n int) int {
	if i %= n; i < 0 {
		i += n
	}
	return i
}

// gatherPatches stores the patches of sites lo to hi of the grids x in dst.
func gatherPatches[T kernel.Float](dst, x []T, w window, lo, hi int) {
	wide, c := w.in.Width, w.in.Channels
	run := w.edge * c
	w.runs(lo, hi, func(place, at, first int) {
		to := dst[place : place+run]
		switch {
		case at < 0:
			clear(to)
		case first >= 0 && first+w.edge <= wide:
			copy(to, x[at+first*c:][:run])
		default:
			for j := range w.edge {
				s := first + j
				if w.pad == PadCircular {
					s = wrapped(s, wide)
				}
				if site := to[j*c:][:c]; s < 0 || s >= wide {
					clear(site)
				} else {
					copy(site, x[at+s*c:][:c])
				}
			}
		}
	})
}

// addPatches adds to the grids x what belongs to them of the patches of sites lo to hi.
func addPatches[T kernel.Float](x, patches []T, w window, lo, hi int) {
	wide, c := w.in.Width, w.in.Channels
	run := w.edge * c
	w.runs(lo, hi, func(place, at, first int) {
		from := patches[place : place+run]
		switch {
		case at < 0:
		case first >= 0 && first+w.edge <= wide:
			to := x[at+first*c:][:run]
			kernel.Add(to, to, from)
		default:
			for j := range w.edge {
				s := first + j
				if w.pad == PadCircular {
					s = wrapped(s, wide)
				}
				if s >= 0 && s < wide {
					to := x[at+s*c:][:c]
					kernel.Add(to, to, from[j*c:][:c])
				}
			}
		}
	})
}

func convForward[T kernel.Float](v *Value) {
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
	patches := workspace[T](v.tape, min(v.rows*win.in.Sites(), max(1, patchesLen/win.patch()))*win.patch())
	win.each(v.rows, func(lo, hi int) {
		gatherPatches(patches, x, win, lo, hi)
		kernel.Dense(y[lo*m:hi*m], patches, w, b, hi-lo, activation(v), T(v.c))
	})
}

// convBackward gathers the patches again for the gradient of the weights.
func convBackward[T kernel.Float](v *Value) {
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
