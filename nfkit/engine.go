package nfkit

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// engine evaluates functions of rows that depend on some parameters, and their gradients, on all cores. All views of a model share one.
// Evaluations run at the same time; a training step, and whoever changes parameters, waits for them and they for it.
type engine struct {
	state     State
	params    []*ad.Param
	guard     *ad.Guard
	width     int // of the widest layer
	observers []Observer
	preparers []Preparer
	observer  *ad.Tape // takes whole batches to observers; made when it is needed

	trainers [2]*ad.Shards // by precision; they read parameters anew in each step, whoever changed them

	mu         sync.Mutex
	evaluators [2]evaluators
}

// evaluators are those in one precision. They share a cache of the parameters.
type evaluators struct {
	cache *ad.Cache
	stale bool         // the cache may be of parameters that have changed without a word,
	since uint64       // unless there have been more writes under the guard than these
	busy  int          // evaluators of the cache at work
	free  []*ad.Shards // those without work
}

// newEngine returns the engine of what has the given state and parts, and rows of the given width.
func newEngine(s State, width int, parts ...any) *engine {
	e := &engine{state: s, params: s.Params(), width: width}
	e.guard = ad.NewGuard(e.params)
	layersOf(s, func(layer any) {
		if o, ok := layer.(Observer); ok {
			e.observers = append(e.observers, o)
		}
		if p, ok := layer.(Preparer); ok {
			e.preparers = append(e.preparers, p)
		}
		if w, ok := layer.(Wide); ok {
			e.width = max(e.width, w.Width())
		}
	}, parts...)
	return e
}

// take returns an evaluator and its cache, both of which are to be given back by put.
func (e *engine) take(p ad.Precision) (*ad.Shards, *ad.Cache) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := &e.evaluators[p]
	v.stale = v.stale && v.since == e.guard.Writes()
	switch {
	case v.cache == nil || v.stale && v.busy > 0: // those at work go on with what they have
		*v = evaluators{cache: ad.NewCache(p)}
	case v.stale:
		v.cache.Renew()
		v.stale = false
	}
	v.busy++
	if n := len(v.free); n > 0 {
		s := v.free[n-1]
		v.free = v.free[:n-1]
		return s, v.cache
	}
	return v.cache.Shards(e.width), v.cache
}

// put ends the work of s, which is kept for the next who takes one if it is whole, unless there are as many as can run at the same time.
func (e *engine) put(p ad.Precision, s *ad.Shards, c *ad.Cache, whole bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := &e.evaluators[p]
	if c != v.cache {
		return
	}
	v.busy--
	if whole && len(v.free) < runtime.GOMAXPROCS(0) {
		v.free = append(v.free, s)
	}
}

// forget makes evaluations to come read the parameters anew, as they may have changed without a word: an optimiser of the user's own follows each
// gradient, and losses are compared at parameters that are changed by hand.
func (e *engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for p := range e.evaluators {
		e.evaluators[p].stale, e.evaluators[p].since = true, e.guard.Writes()
	}
}

// each runs f on all cores, without gradients.
func (e *engine) each(p ad.Precision, n int, seed [2]uint64, f func(t *ad.Tape, lo, hi int)) {
	e.guard.RLock()
	defer e.guard.RUnlock()
	e.run(p, n, seed, f)
}

// eachNesting is each for an f that calls functions of the user's, which may evaluate the same parameters. It reads them anew.
func (e *engine) eachNesting(p ad.Precision, n int, seed [2]uint64, f func(t *ad.Tape, lo, hi int)) {
	e.guard.RLockNesting()
	defer e.guard.RUnlockNesting()
	e.forget()
	e.run(p, n, seed, f)
}

func (e *engine) run(p ad.Precision, n int, seed [2]uint64, f func(t *ad.Tape, lo, hi int)) {
	s, cache := e.take(p)
	whole := false
	defer func() { e.put(p, s, cache, whole) }()
	s.Seed = seed
	s.Each(n, f)
	whole = true
}

// checker names where a loss stopped being finite.
type checker interface {
	// check returns loss, with an error if it is not finite.
	check(loss float64) (float64, error)
}

// step is the training step of all objectives, but for what the optimiser does. It prepares layers, shows observers the batch, and returns
// scale times the sum over n rows of loss, a 1×1 sum over rows lo to hi; gradients are set to those of the result. The error says what
// a layer cannot observe, where the loss stopped being finite, or which parameter has a gradient that is not.
func (e *engine) step(p ad.Precision, n int, scale float64, src rand.Source, loss func(t *ad.Tape, lo, hi int) *ad.Value, c checker) (float64, error) {
	seed := newSeed(src)
	if err := e.begin(n, seed, loss); err != nil {
		return math.NaN(), err
	}
	sum, bad := e.gradient(p, n, scale, seed, loss)
	if l, err := c.check(scale * sum); err != nil {
		return l, err
	}
	return scale * sum, bad
}

// gradient returns the sum of loss and sets the gradients of scale times the sum. The error names a parameter whose gradient is not finite.
func (e *engine) gradient(p ad.Precision, n int, scale float64, seed [2]uint64, loss func(t *ad.Tape, lo, hi int) *ad.Value) (float64, error) {
	e.guard.LockGrad()
	defer e.guard.UnlockGrad()
	e.guard.RLockNesting()
	defer e.guard.RUnlockNesting()
	if e.trainers[p] == nil {
		e.trainers[p] = ad.NewShards(p, e.width)
	}
	e.trainers[p].Seed = seed
	sum := e.trainers[p].Gradient(n, e.params, scale, loss)
	e.forget()
	return sum, e.checkGradient()
}

// newSeed draws what the randomness of one call comes from.
func newSeed(src rand.Source) [2]uint64 { return [2]uint64{src.Uint64(), src.Uint64()} }

// begin prepares layers and shows observers the batch.
func (e *engine) begin(n int, seed [2]uint64, loss func(t *ad.Tape, lo, hi int) *ad.Value) error {
	if e.preparers == nil && e.observers == nil {
		return nil
	}
	e.guard.LockGrad()
	defer e.guard.UnlockGrad()
	if e.preparers != nil {
		e.prepare()
	}
	if !e.observing() {
		return nil
	}
	e.observe(n, seed, loss)
	return e.endObserving()
}

// endObserving lets layers take what they have seen.
func (e *engine) endObserving() error {
	e.guard.LockData()
	defer e.guard.UnlockData()
	err := e.observer.EndObserving()
	if !e.toObserve() {
		e.observer = nil // it has the memory of a whole batch
	}
	return err
}

// rest lets go of what training steps have in common: sums of gradients, and the memory of their tapes. The next step makes it anew.
func (e *engine) rest() {
	e.guard.LockGrad()
	defer e.guard.UnlockGrad()
	e.trainers, e.observer = [2]*ad.Shards{}, nil
}

// prepare prepares layers.
func (e *engine) prepare() {
	e.guard.LockData()
	defer e.guard.UnlockData()
	for _, p := range e.preparers {
		p.Prepare()
	}
}

// observe takes the batch through all layers, which write nothing yet: loss may call functions of the user's that evaluate the same parameters.
func (e *engine) observe(n int, seed [2]uint64, loss func(t *ad.Tape, lo, hi int) *ad.Value) {
	e.guard.RLockNesting()
	defer e.guard.RUnlockNesting()
	if e.observer == nil {
		e.observer = ad.NewEvalTape(ad.Float64)
	}
	t := e.observer
	t.Reset()
	t.SetTraining(true) // each layer is shown what it will get in the training step
	t.BeginObserving()
	t.Seed(seed, 0, n)
	loss(t, 0, n)
}

// observing reports whether a layer has something left to observe.
func (e *engine) observing() bool {
	e.guard.RLock()
	defer e.guard.RUnlock()
	return e.toObserve()
}

// toObserve is observing for one who holds a lock.
func (e *engine) toObserve() bool {
	for _, o := range e.observers {
		if o.Observing() {
			return true
		}
	}
	return false
}

// checkGradient returns an error that names the first parameter whose gradient is not finite.
func (e *engine) checkGradient() error {
	for _, p := range e.params {
		if nonFinite(p.Grad) < 0 {
			continue
		}
		for _, t := range e.state {
			if t.Param == p {
				return &NonFiniteError{What: "gradient", Where: t.Name, Row: -1}
			}
		}
	}
	return nil
}
