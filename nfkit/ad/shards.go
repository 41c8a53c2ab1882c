package ad

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
)

const (
	// shardRows is the number of rows that are taken through a whole model at once. The activations of
	// a shard should fit the second-level cache together with the parameters.
	shardRows = 64

	// laneRows is the least number of rows for which gradients are kept apart, maxLanes the largest
	// number of such lanes. Neither depends on the number of cores, so that sums do not either.
	laneRows = 128
	maxLanes = 8
)

// Shards evaluates functions of the rows of a batch: in shards of a fixed number of rows, on all cores, each
// core with a tape of its own. It keeps the tapes, so that the next batch of the same size allocates nothing.
//
// Results depend on the rows, not on GOMAXPROCS: shards are the same for any number of cores, and gradients
// are added up in a fixed order. A Shards must not be used by two goroutines at the same time.
type Shards struct {
	precision Precision
	workers   []*worker
	lanes     []*lane

	// The task in hand.
	rows   int
	tasks  int
	params []*Param
	value  func(t *Tape, lo, hi int)
	loss   func(t *Tape, lo, hi int) *Value
	next   atomic.Int64
	active int
	steps  uint64 // calls of Gradient so far
	wait   sync.WaitGroup
}

// worker is one core's share of the work.
type worker struct {
	tape  *Tape
	run   func() // made once, so that starting it allocates nothing
	panic any    // what stopped it
}

// lane holds the sums of a run of consecutive shards.
type lane struct {
	loss float64
	f64  []float64
	f32  []float32
}

// NewShards returns an evaluator whose tapes compute in the given precision.
func NewShards(p Precision) *Shards { return &Shards{precision: p} }

// Each calls f for each shard of a batch of n rows, with the rows lo to hi (excluded) that it is to compute
// on t. Calls run at the same time; each must write to its own rows only. The tape records no gradients.
// A panic in f reaches the caller of Each.
func (s *Shards) Each(n int, f func(t *Tape, lo, hi int)) {
	s.rows, s.value, s.loss = n, f, nil
	s.start((n + shardRows - 1) / shardRows)
	s.value = nil
}

// Gradient returns the sum over all rows of loss, and sets Grad of each of params to the gradient of scale times
// that sum; frozen ones get 0. loss returns, on t, the 1×1 sum of the losses of rows lo to hi (excluded).
// Parameters that are not in params are constants. A panic in loss reaches the caller.
//
// The mean over n rows is Gradient(n, params, 1/n, loss)/n.
func (s *Shards) Gradient(n int, params []*Param, scale float64, loss func(t *Tape, lo, hi int) *Value) float64 {
	lanes := min(max(n/laneRows, 1), maxLanes)
	for len(s.lanes) < lanes {
		s.lanes = append(s.lanes, &lane{})
	}
	s.rows, s.params, s.value, s.loss = n, params, nil, loss
	s.steps++
	s.start(lanes)
	s.loss, s.params = nil, nil
	s.sum(params, s.lanes[:lanes], scale)
	var total float64
	for _, l := range s.lanes[:lanes] {
		total += l.loss
	}
	return total
}

// start runs the given number of tasks on all cores and returns when they are done.
func (s *Shards) start(tasks int) {
	s.tasks = tasks
	s.active = min(runtime.GOMAXPROCS(0), tasks)
	for len(s.workers) < s.active {
		w := &worker{tape: NewTape(s.precision)}
		w.run = func() {
			defer s.wait.Done()
			defer func() { w.panic = recover() }()
			s.work(w.tape)
		}
		s.workers = append(s.workers, w)
	}
	s.next.Store(0)
	s.wait.Add(s.active)
	for i, w := range s.workers[:s.active] {
		w.tape.Reset()
		w.tape.gradients = s.loss != nil
		w.tape.training = s.loss != nil
		w.tape.closed = false
		if i > 0 {
			go w.run()
		}
	}
	if s.active > 0 {
		s.workers[0].run()
	}
	s.wait.Wait()
	for _, w := range s.workers[:s.active] {
		if w.panic != nil {
			panic(w.panic)
		}
	}
}

// work takes tasks until none is left.
func (s *Shards) work(t *Tape) {
	if s.loss == nil {
		for {
			lo := int(s.next.Add(1)-1) * shardRows
			if lo >= s.rows {
				return
			}
			t.rewind()
			t.noise.Seed(0, uint64(lo))
			s.value(t, lo, min(lo+shardRows, s.rows))
		}
	}
	for _, p := range s.params {
		t.Param(p)
	}
	t.closed = true
	shards := (s.rows + shardRows - 1) / shardRows
	for {
		i := int(s.next.Add(1) - 1)
		if i >= s.tasks {
			return
		}
		lo, hi := i*shards/s.tasks*shardRows, min((i+1)*shards/s.tasks*shardRows, s.rows)
		s.lane(t, s.lanes[i], lo, hi)
	}
}

// lane adds up the losses and gradients of rows lo to hi.
func (s *Shards) lane(t *Tape, l *lane, lo, hi int) {
	size := 0
	for _, p := range s.params {
		size += len(p.Data)
	}
	if s.precision == Float32 {
		l.f32 = resize(l.f32, size)
		clear(l.f32)
		bind(t, s.params, l.f32)
	} else {
		l.f64 = resize(l.f64, size)
		clear(l.f64)
		bind(t, s.params, l.f64)
	}
	l.loss = 0
	for ; lo < hi; lo += shardRows {
		t.rewind()
		t.noise.Seed(s.steps, uint64(lo))
		loss := s.loss(t, lo, min(lo+shardRows, hi))
		t.propagate(loss, 1)
		l.loss += loss.At(0, 0)
	}
}

// bind makes t add the gradients of params to sums, one after the other.
func bind[T kernel.Float](t *Tape, params []*Param, sums []T) {
	for _, p := range params {
		of[T](t.leaves[p]).grad = sums[:len(p.Data):len(p.Data)]
		sums = sums[len(p.Data):]
	}
}

// sum sets the gradient of each parameter to scale times the sum over lanes.
func (s *Shards) sum(params []*Param, lanes []*lane, scale float64) {
	at := 0
	for _, p := range params {
		n := len(p.Data)
		clear(p.Grad)
		for _, l := range lanes {
			if s.precision == Float32 {
				kernel.AddConvert64(p.Grad, l.f32[at:at+n])
			} else {
				kernel.Add(p.Grad, p.Grad, l.f64[at:at+n])
			}
		}
		if !p.Frozen {
			kernel.Scale(p.Grad, scale, p.Grad)
			p.maskGrad()
		} else {
			clear(p.Grad)
		}
		at += n
	}
}
