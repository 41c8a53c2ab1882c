package ad

import (
	"sync"
	"sync/atomic"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

// readings are the parameters as tapes compute with them. The tapes of a [Shards] share theirs, so that each parameter is converted and
// packed once for all of them.
type readings struct {
	precision Precision
	number    uint64 // readings of another number are of older contents

	mu   sync.Mutex
	of   map[*Param]*reading
	list []*reading
}

// reading is a parameter in the precision of its tapes: masked, arranged, and packed for products where it has a part in one.
type reading struct {
	param *Param
	f64   contents[float64]
	f32   contents[float32]

	number atomic.Uint64
	packed atomic.Bool
}

type contents[T kernel.Float] struct {
	own     []T // memory of data, where that is not the parameter's
	data    []T
	weights kernel.Weights[T]
}

func newReadings(p Precision) *readings {
	return &readings{precision: p, number: 1, of: make(map[*Param]*reading)}
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

// renew makes all readings ones of old contents.
func (r *readings) renew() { r.number++ }

// update reads parameter i of the list anew, as far as it has been used.
func (r *readings) update(_, i int) {
	x := r.list[i]
	packed := x.packed.Load()
	r.read(x)
	if packed {
		r.pack(x)
	}
}

// ensure reads x unless it is up to date.
func (r *readings) ensure(x *reading) {
	if x.number.Load() == r.number {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if x.number.Load() != r.number {
		r.read(x)
	}
}

// ensurePacked packs x, which is up to date, unless it is packed.
func (r *readings) ensurePacked(x *reading) {
	if x.packed.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !x.packed.Load() {
		r.pack(x)
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
	x.packed.Store(false)
	x.number.Store(r.number)
}

func (r *readings) pack(x *reading) {
	if r.precision == Float32 {
		x.f32.pack(x)
	} else {
		x.f64.pack(x)
	}
	x.packed.Store(true)
}

func (c *contents[T]) pack(x *reading) {
	rows, cols := x.param.Dims()
	c.weights.Packed = resize(c.weights.Packed, kernel.PackedLen[T](rows, cols))
	c.weights.Pack(c.data, rows, cols, x.param.spans)
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
