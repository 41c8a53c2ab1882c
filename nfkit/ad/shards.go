package ad

import (
	"runtime"

	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
	"github.com/nfkit/nfkit-go/nfkit/internal/team"
)

const (
	// An evaluation keeps no activations. Of manyRows rows or more it takes more of them through the model at once.
	manyRows = 1 << 13

	// maxLanes is the largest number of lanes: runs of shards whose gradients are kept apart. It does not depend on the number of cores,
	// so that sums do not either.
	maxLanes = 8

	// sumSize is the number of elements whose gradients are worth a task of their own.
	sumSize = 1 << 14
)

// ShardRows returns the number of rows that are taken through a whole model at once, in a training step and in an evaluation of many rows,
// when the widest layer has the given number of elements for each row:
//
//	train = 2¹⁷/width, but at least 1 and at most 128,  eval = 2¹⁹/width, but at least 1 and at most 512,
//
// rounded down to a multiple of 16 if there are as many, so that the activations of a shard fit a cache together with the parameters. An evaluation of fewer than 8192 rows takes train rows
// at once, to share them out over the cores.
func ShardRows(width int) (train, eval int) {
	width = max(width, 1)
	rows := func(size, most int) int {
		n := min(max(size/width, 1), most)
		if n > 16 {
			n -= n % 16
		}
		return n
	}
	return rows(1<<17, 128), rows(1<<19, 512)
}

// Shards evaluates functions of the rows of a batch: in shards of a fixed number of rows, see [ShardRows], on all cores, each
// core with a tape of its own. It keeps the tapes, so that the next batch of the same size allocates nothing.
//
// Results depend on the rows, not on GOMAXPROCS: shards are the same for any number of cores, and gradients
// are added up in a fixed order. A Shards must not be used by two goroutines at the same time.
type Shards struct {
	train, eval int // rows of a shard

	// Seed is what the noise of the calls to come is drawn from, with the numbers of the rows: see [Tape.Seed]. A training
	// loop sets it before each step, or all steps have the same noise.
	Seed [2]uint64

	readings *readings
	tapes    []*Tape // one for each core
	lanes    []*sums

	// The work in hand.
	stale  []*reading
	rows   int
	step   int // rows of a shard of an evaluation
	used   int // lanes
	params []*Param
	size   int // elements of params
	parts  int // of the elements, to be summed up
	scale  float64
	value  func(t *Tape, lo, hi int)
	loss   func(t *Tape, lo, hi int) *Value

	update, shard, lane, sum func(worker, i int) // the kinds of task, made once
}

// sums are those of a run of consecutive shards, a lane.
type sums struct {
	loss float64
	f64  []float64
	f32  []float32
}

// NewShards returns an evaluator whose tapes compute in the given precision, for functions whose widest layer has the given number of
// elements for each row. Each call of it reads parameters anew; one of a [Cache] does not.
func NewShards(p Precision, width int) *Shards { return newShards(newReadings(p, false), width) }

// Cache keeps parameters as tapes compute with them, in a precision and packed for products, until they change: see [Param.Changed]. Its
// evaluators share them, so that an evaluation of one row only reads them, and many run at the same time.
type Cache struct{ readings *readings }

// NewCache returns an empty cache for evaluators in the given precision.
func NewCache(p Precision) *Cache { return &Cache{newReadings(p, true)} }

// Renew makes evaluators read all parameters anew. None of them must be at work.
func (c *Cache) Renew() { c.readings.renew() }

// Shards is [NewShards] with the parameters of the cache.
func (c *Cache) Shards(width int) *Shards { return newShards(c.readings, width) }

func newShards(r *readings, width int) *Shards {
	s := &Shards{readings: r}
	s.train, s.eval = ShardRows(width)
	s.update, s.shard, s.lane, s.sum = s.doUpdate, s.doShard, s.doLane, s.doSum
	return s
}

// Each calls f for each shard of a batch of n rows, with the rows lo to hi (excluded) that it is to compute
// on t. Calls run at the same time; each must write to its own rows only. The tape records no gradients.
// A panic in f reaches the caller of Each.
func (s *Shards) Each(n int, f func(t *Tape, lo, hi int)) {
	s.rows, s.params, s.value, s.loss = n, nil, f, nil
	s.step = s.train
	if n >= manyRows {
		s.step = s.eval
	}
	s.start(s.shard, (n+s.step-1)/s.step)
	s.value = nil
}

// Gradient returns the sum over all rows of loss, and sets Grad of each of params to the gradient of scale times
// that sum; frozen ones get 0. loss returns, on t, the 1×1 sum of the losses of rows lo to hi (excluded).
// Parameters that are not in params are constants. A panic in loss reaches the caller.
//
// The mean over n rows is Gradient(n, params, 1/n, loss)/n.
func (s *Shards) Gradient(n int, params []*Param, scale float64, loss func(t *Tape, lo, hi int) *Value) float64 {
	lanes := min(max(n/s.train, 1), maxLanes)
	for len(s.lanes) < lanes {
		s.lanes = append(s.lanes, &sums{})
	}
	s.rows, s.params, s.scale, s.value, s.loss = n, params, scale, nil, loss
	s.size = 0
	for _, p := range params {
		s.size += len(p.Data)
	}
	s.used, s.parts = lanes, max(1, s.size/sumSize)
	s.start(s.lane, s.used)
	team.Do(runtime.GOMAXPROCS(0), s.parts, s.sum)
	s.loss, s.params = nil, nil
	var total float64
	for _, l := range s.lanes[:lanes] {
		total += l.loss
	}
	return total
}

// start runs the given number of tasks on all cores and returns when they are done.
func (s *Shards) start(task func(worker, i int), tasks int) {
	cores := min(runtime.GOMAXPROCS(0), tasks)
	for len(s.tapes) < cores {
		s.tapes = append(s.tapes, newTape(s.readings))
	}
	if !s.readings.kept {
		s.readings.renew()
	}
	if cores > 1 { // otherwise each is read when it is needed
		s.stale = s.readings.all()
		team.Do(cores, len(s.stale), s.update)
		s.stale = nil
	}
	now := s.readings.stamp()
	for _, t := range s.tapes[:cores] {
		if s.loss != nil {
			t.forget()
		} else if t.fresh != now {
			t.forget()
			t.fresh = now
		}
		t.gradients, t.training, t.sealed, t.spends = s.loss != nil, s.loss != nil, false, false
	}
	team.Do(cores, tasks, task)
}

// doUpdate reads parameter i anew.
func (s *Shards) doUpdate(_, i int) { s.readings.update(s.stale[i]) }

// doShard computes shard i without gradients.
func (s *Shards) doShard(worker, i int) {
	t, lo, hi := s.tapes[worker], i*s.step, min((i+1)*s.step, s.rows)
	t.rewind()
	t.Seed(s.Seed, lo, hi)
	s.value(t, lo, hi)
}

// doLane adds up the losses and gradients of lane i.
func (s *Shards) doLane(worker, i int) {
	t := s.tapes[worker]
	if !t.sealed { // the first lane of this tape
		for _, p := range s.params {
			t.Param(p)
		}
		t.sealed, t.spends = true, true
	}
	l := s.lanes[i]
	if s.readings.precision == Float32 {
		l.f32 = resize(l.f32, s.size)
		bind(t, s.params, l.f32)
	} else {
		l.f64 = resize(l.f64, s.size)
		bind(t, s.params, l.f64)
	}
	l.loss = 0
	shards := (s.rows + s.train - 1) / s.train
	lo, hi := i*shards/s.used*s.train, min((i+1)*shards/s.used*s.train, s.rows)
	for ; lo < hi; lo += s.train {
		t.rewind()
		end := min(lo+s.train, hi)
		t.Seed(s.Seed, lo, end)
		loss := s.loss(t, lo, end)
		t.propagate(loss, 1)
		l.loss += loss.At(0, 0)
	}
	for _, p := range s.params {
		if v := t.leaves[p]; v.unset { // it had no part in the loss
			clear(v.f32.grad)
			clear(v.f64.grad)
			v.unset = false
		}
	}
}

// bind makes sums the place of the gradients of params, one after the other.
func bind[T kernel.Float](t *Tape, params []*Param, sums []T) {
	for _, p := range params {
		v := t.leaves[p]
		of[T](v).grad, v.unset = sums[:len(p.Data):len(p.Data)], true
		sums = sums[len(p.Data):]
	}
}

// doSum sets the gradients of part i of the parameters to scale times their sums over the lanes.
func (s *Shards) doSum(_, i int) {
	first, end := i*s.size/s.parts, (i+1)*s.size/s.parts
	at := 0
	for _, p := range s.params {
		n := len(p.Data)
		if at >= first && (at < end || end == s.size) {
			s.sumParam(p, at)
		}
		at += n
	}
}

// sumParam sets the gradient of p, which is at the given place of the lanes.
func (s *Shards) sumParam(p *Param, at int) {
	if p.Frozen {
		clear(p.Grad)
	} else if s.readings.precision == Float32 {
		if sum := sumLanes(s, at, len(p.Grad), func(l *sums) []float32 { return l.f32 }); p.plain() {
			kernel.ScaleConvert64(p.Grad, s.scale, sum)
		} else {
			setGrad(p, sum, s.scale)
		}
	} else if sum := sumLanes(s, at, len(p.Grad), func(l *sums) []float64 { return l.f64 }); p.plain() {
		kernel.Scale(p.Grad, s.scale, sum)
	} else {
		setGrad(p, sum, s.scale)
	}
}

// sumLanes adds up n elements of the lanes from place at on, in the first of them.
func sumLanes[T kernel.Float](s *Shards, at, n int, elements func(*sums) []T) []T {
	sum := elements(s.lanes[0])[at : at+n]
	for _, l := range s.lanes[1:s.used] {
		kernel.Add(sum, sum, elements(l)[at:at+n])
	}
	return sum
}

// setGrad sets Grad to factor times g, a gradient of p on a tape.
func setGrad[T kernel.Float](p *Param, g []T, factor float64) {
	clear(p.Grad)
	addGrad(p, g, factor)
}
