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

// A convolution is a dense layer on patches: what the kernel sees at each site, k²C numbers. A copy of the grid with a margin of ⌊k/2⌋ sites has them
// as rows that overlap, which the products read where they are. The gradient of the grid is a convolution of that of the result with a kernel that is
// turned round. A kernel of one site has the grid itself for patches.

// window is a convolution's kernel on its grid.
type window struct {
	in   Shape
	edge int
	pad  Padding
}

// patches returns those of a grid with the given number of channels.
func (w window) patches(channels int) kernel.Patches {
	return kernel.Patches{Runs: w.edge, Run: w.edge * channels, Stride: (w.in.Width + w.edge - 1) * channels, Step: channels}
}

// padded returns the number of elements of such a grid with its margin.
func (w window) padded(channels int) int {
	return (w.in.Height + w.edge - 1) * (w.in.Width + w.edge - 1) * channels
}

func wrapped(i, n int) int {
	if i %= n; i < 0 {
		i += n
	}
	return i
}

// padGrid stores a grid with its margin in dst, where zeros of the margin are already.
func padGrid[T kernel.Float](dst, grid []T, w window, channels int) {
	height, width, half := w.in.Height, w.in.Width, w.edge/2
	length, step := width*channels, (width+2*half)*channels
	for y := range height {
		row, to := grid[y*length:][:length], dst[(y+half)*step:][:step]
		copy(to[half*channels:], row)
		if w.pad == PadCircular {
			for x := range half {
				copy(to[x*channels:], row[wrapped(x-half, width)*channels:][:channels])
				copy(to[(x+half+width)*channels:], row[wrapped(x, width)*channels:][:channels])
			}
		}
	}
	if w.pad == PadCircular {
		for y := range half {
			copy(dst[y*step:][:step], dst[(wrapped(y-half, height)+half)*step:])
			copy(dst[(y+half+height)*step:][:step], dst[(wrapped(y, height)+half)*step:])
		}
	}
}

func convForward[T kernel.Float](v *Value) {
	x, y, weight, win := of[T](v.args[0]).data, of[T](v).data, v.args[1], v.conv
	var b []T
	if len(v.args) > 2 {
		b = of[T](v.args[2]).data
	}
	if win.edge == 1 {
		kernel.Dense(y, x, packed[T](weight), b, v.rows*win.in.Sites(), activation(v), T(v.c))
		return
	}
	m, c, patches := weight.rows, win.in.Channels, win.patches(win.in.Channels)
	n := win.padded(c) + kernel.Margin[T]()
	var w kernel.PatchWeights[T]
	work := workspace[T](v.tape, n+kernel.PatchWeightsLen[T](m, weight.cols))
	if kernel.Few(m) {
		w = kernel.PackPatches(work[n:], kernel.Taps[T]{Data: of[T](weight).data, Taps: win.edge * win.edge, Channels: c, Outputs: m, Tap: c, Channel: 1, Output: weight.cols}, patches)
	} else {
		w = packed[T](weight).Patches()
	}
	grid, size, out := work[:n], win.in.Size(), win.in.Sites()*m
	clear(grid)
	for r := range v.rows {
		padGrid(grid, x[r*size:][:size], win, c)
		kernel.DensePatches(y[r*out:][:out], b, 0, grid, patches, w, win.in.Height, win.in.Width, activation(v), T(v.c))
	}
}

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
	dw, fresh := freshGradient[T](weight) // before that of x, which may be the same value
	if fresh {
		clear(dw)
	}
	dx, fresh := freshGradient[T](x)
	dz, data, w := spendGradient[T](v), of[T](x).data, of[T](weight).data
	kernel.ActivationBackward(db, dz, of[T](v).data, activation(v), T(v.c))

	m, c, taps := weight.rows, win.in.Channels, win.edge*win.edge
	patches, turned := win.patches(c), win.patches(m)
	n, nz := win.padded(c)+kernel.Margin[T](), win.padded(m)+kernel.Margin[T]()
	work := workspace[T](v.tape, n+nz+kernel.PatchWeightsLen[T](c, taps*m))
	grid, zgrid := work[:n], work[n:n+nz]
	clear(work[:n+nz])
	var back kernel.PatchWeights[T]
	if dx != nil {
		back = kernel.PackPatches(work[n+nz:], kernel.Taps[T]{Data: w, Taps: taps, Channels: m, Outputs: c, First: (taps - 1) * c, Tap: -c, Channel: weight.cols, Output: 1}, turned)
	}
	size, out := win.in.Size(), win.in.Sites()*m
	for r := range v.rows {
		z := dz[r*out:][:out]
		if dw != nil {
			padGrid(grid, data[r*size:][:size], win, c)
			kernel.PatchesBackward(dw, z, grid, patches, m, win.in.Height, win.in.Width)
		}
		if dx != nil {
			to := dx[r*size:][:size]
			before := to
			if fresh {
				before = nil
			}
			padGrid(zgrid, z, win, m)
			kernel.DensePatches(to, before, c, zgrid, turned, back, win.in.Height, win.in.Width, kernel.ActIdentity, 1)
		}
	}
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
