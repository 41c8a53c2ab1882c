package ad

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// readings are the parameters as tapes compute with them. Tapes share theirs, so that each parameter is converted and packed once for all of
// them.
type readings struct {
	precision Precision
	kept      bool          // as long as parameters stay what they are; otherwise until they are renewed
	number    atomic.Uint64 // of the renewal

	mu   sync.Mutex // of what follows
	of   map[*Param]*reading
	list []*reading
}

// reading is a parameter in the precision of its tapes: masked, arranged, and packed for products where it has a part in one.
type reading struct {
	param *Param
	f64   contents[float64]
	f32   contents[float32]

	mu     sync.Mutex // of those who change the rest, and what it says about f64 and f32
	number atomic.Uint64
	packed [forms]atomic.Bool
}

// form is what a parameter is packed as.
type form uint8

const (
	ofWeights form = iota // of a dense layer
	ofLower               // the triangle below the diagonal of a matrix
	ofUpper
	forms
)

type contents[T kernel.Float] struct {
	own       []T // memory of data, where that is not the parameter's
	data      []T
	weights   kernel.Weights[T]
	triangles [2]kernel.Triangle[T]
}

func contentsOf[T kernel.Float](x *reading) *contents[T] {
	if c, ok := any(&x.f64).(*contents[T]); ok {
		return c
	}
	return any(&x.f32).(*contents[T])
}

func newReadings(p Precision, kept bool) *readings {
	return &readings{precision: p, kept: kept, of: make(map[*Param]*reading)}
}

// get returns the reading of p, which may be of old contents.
func (r *readings) get(p *Param) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.of[p]
	if x == nil {
		x = &reading{param: p}
		r.of[p] = x
		r.list = append(r.list, x)
	}
	return x
}

// all returns the readings that there are.
func (r *readings) all() []*reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list
}

// stamp is another one whenever a reading may be of old contents. The zero stamp is none.
type stamp struct{ renewals, changes uint64 }

func (r *readings) stamp() stamp { return stamp{1 + r.number.Load(), changes.Load()} }

// renew makes all readings ones of old contents.
func (r *readings) renew() { r.number.Add(1) }

// current returns the number that x has if it is up to date, which is not 0.
func (r *readings) current(x *reading) uint64 {
	if r.kept {
		return 1 + r.number.Load() + x.param.version()
	}
	return 1 + r.number.Load()
}

// update reads x anew, as far as it has been used, unless it is up to date.
func (r *readings) update(x *reading) {
	if x.number.Load() == r.current(x) {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	number := r.current(x)
	if x.number.Load() == number {
		return
	}
	r.read(x)
	for f := range x.packed {
		if x.packed[f].Load() {
			r.pack(x, form(f))
		}
	}
	x.number.Store(number)
}

// ensurePacked packs x, which is up to date, unless it is packed in that form.
func (r *readings) ensurePacked(x *reading, f form) {
	if x.packed[f].Load() {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.packed[f].Load() {
		r.pack(x, f)
		x.packed[f].Store(true)
	}
}

func (r *readings) read(x *reading) {
	if r.precision == Float32 {
		p, own := x.param, &x.f32.own
		*own = resize(*own, len(p.Data))
		if p.plain() {
			kernel.Convert32(*own, p.Data)
		} else {
			readParam(*own, p)
		}
		x.f32.data = *own
	} else if x.param.plain() {
		x.f64.data = x.param.Data
	} else {
		x.f64.own = resize(x.f64.own, len(x.param.Data))
		readParam(x.f64.own, x.param)
		x.f64.data = x.f64.own
	}
}

func (r *readings) pack(x *reading, f form) {
	if r.precision == Float32 {
		x.f32.pack(x.param, f)
	} else {
		x.f64.pack(x.param, f)
	}
}

func (c *contents[T]) pack(p *Param, f form) {
	if f == ofWeights {
		c.weights.Packed = resize(c.weights.Packed, kernel.PackedLen[T](p.rows, p.cols))
		c.weights.Pack(c.data, p.rows, p.cols, p.spans)
		return
	}
	t, d := &c.triangles[f-ofLower], p.rows
	if p.rows == 1 { // d(d−1)/2 elements
		d = (1 + int(math.Sqrt(float64(1+8*p.cols)))) / 2
	}
	t.Packed = resize(t.Packed, kernel.TriangleLen[T](d))
	t.Pack(c.data, d, f == ofUpper)
}

// readParam stores the elements of p in dst as a tape has them.
func readParam[T kernel.Float](dst []T, p *Param) {
	for i := range p.rows {
		from, to, lo, hi := p.row(i)*p.cols, dst[i*p.cols:][:p.cols], 0, p.cols
		if p.spans != nil {
			lo, hi = p.spans[i].Lo, p.spans[i].Hi
			clear(to[:lo])
			clear(to[hi:])
		}
		data := p.Data[from:][:p.cols]
		if p.colOrder == nil {
			for j := lo; j < hi; j++ {
				to[j] = T(data[j])
			}
		} else {
			for j, k := range p.colOrder[lo:hi] {
				to[lo+j] = T(data[k])
			}
		}
		if p.mask != nil && p.spans == nil {
			for j := range to {
				to[j] *= T(p.mask[from+p.col(j)])
			}
		}
	}
}
