package ad

import "github.com/nfkit/nfkit-go/nfkit/internal/kernel"

// A convolution to a few channels, fewer than it comes from, is done in another order: first what each site gives to each of the k² sites that see it,
// its taps, a product without patches; then each site adds up what it gets. So the numbers that are moved are those of the few channels.

// fewChannels is the number of channels up to which products of patches are slow.
const fewChannels = 8

// toFew reports whether the convolution v is done so.
func toFew(v *Value) bool {
	m := v.args[1].rows
	return v.conv.edge > 1 && m <= fewChannels && m < v.conv.in.Channels && Activation(v.kind) == Identity
}

// taps is the dense layer from the channels of a site to its taps: row i, column j of the kernel and channel m of the output.
type taps[T kernel.Float] struct {
	weights  kernel.Weights[T]
	rows     []T // of the weights
	gradient []T // of rows
	grid     []T // the taps of each site of a grid
}

func newTaps[T kernel.Float](v *Value) taps[T] {
	win, w, m := v.conv, of[T](v.args[1]).data, v.args[1].rows
	c, patch := win.in.Channels, win.patch()
	k := win.edge * win.edge * m
	n, sites := k*c, win.in.Sites()*k
	work := workspace[T](v.tape, 2*n+sites+kernel.PackedLen[T](k, c))
	t := taps[T]{rows: work[:n], gradient: work[n : 2*n], grid: work[2*n : 2*n+sites], weights: kernel.Weights[T]{Packed: work[2*n+sites:]}}
	for tap := range k {
		copy(t.rows[tap*c:(tap+1)*c], w[tap%m*patch+tap/m*c:])
	}
	t.weights.Pack(t.rows, k, c, nil)
	return t
}

// exchange calls f for each row and column of the kernel and row of the grid, with runs of n sites: those from site to on get taps from those from site
// from on.
func (w window) exchange(f func(tap, to, from, n int)) {
	height, width, half := w.in.Height, w.in.Width, w.edge/2
	for y := range height {
		for i := range w.edge {
			row := w.source(line{y: y}, i)
			if row < 0 {
				continue
			}
			row /= w.in.Channels // the number of its first site
			for j := range w.edge {
				tap, shift := i*w.edge+j, j-half
				lo, hi := min(max(0, -shift), width), max(0, min(width, width-shift))
				if lo < hi {
					f(tap, y*width+lo, row+lo+shift, hi-lo)
				}
				if w.pad == PadZero {
					continue
				}
				for x := range width {
					if x < lo || x >= hi {
						f(tap, y*width+x, row+wrapped(x+shift, width), 1)
					}
				}
			}
		}
	}
}

func convForwardFew[T kernel.Float](v *Value) {
	y, x, win, m := of[T](v).data, of[T](v.args[0]).data, v.conv, v.args[1].rows
	t := newTaps[T](v)
	sites, k := win.in.Sites(), t.weights.M
	for g := range v.rows {
		kernel.Dense(t.grid, x[g*win.in.Size():][:win.in.Size()], t.weights, nil, sites, kernel.ActIdentity, 0)
		out := y[g*sites*m:][:sites*m]
		if len(v.args) > 2 {
			for i := 0; i < len(out); i += m {
				copy(out[i:i+m], of[T](v.args[2]).data)
			}
		} else {
			clear(out)
		}
		win.exchange(func(tap, to, from, n int) {
			src := t.grid[from*k+tap*m:]
			dst := out[to*m : (to+n)*m]
			for ; len(dst) >= m; dst = dst[m:] {
				for c, s := range src[:m] {
					dst[c] += s
				}
				src = src[min(k, len(src)):]
			}
		})
	}
}

func convBackwardFew[T kernel.Float](v *Value) {
	x, weight, win, m := v.args[0], v.args[1], v.conv, v.args[1].rows
	var db []T
	if len(v.args) > 2 {
		db = gradient[T](v.args[2])
	}
	dw, dx := gradient[T](weight), gradient[T](x)
	dy, data := spendGradient[T](v), of[T](x).data
	t := newTaps[T](v)
	sites, size, c, k := win.in.Sites(), win.in.Size(), win.in.Channels, t.weights.M
	clear(t.gradient)
	for g := range v.rows {
		from := dy[g*sites*m:][:sites*m]
		clear(t.grid)
		win.exchange(func(tap, to, at, n int) {
			src := from[to*m : (to+n)*m]
			dst := t.grid[at*k+tap*m:]
			for ; len(src) >= m; src = src[m:] {
				copy(dst[:m], src)
				dst = dst[min(k, len(dst)):]
			}
		})
		var dgrid, dweight []T
		if dx != nil {
			dgrid = dx[g*size:][:size]
		}
		if dw != nil {
			dweight = t.gradient
		}
		kernel.DenseBackward(dgrid, dweight, nil, t.grid, t.grid, data[g*size:][:size], t.weights, sites, kernel.ActIdentity, 0, 0)
	}
	for i, d := range dy {
		if db == nil {
			break
		}
		db[i%m] += d
	}
	if dw == nil {
		return
	}
	patch := win.patch()
	for tap := range k {
		addRun(dw[tap%m*patch+tap/m*c:][:c], t.gradient[tap*c:])
	}
}
