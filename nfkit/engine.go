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

	mu   sync.Mutex
	free [2][]*ad.Shards // evaluators without work, by precision
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

// take returns an evaluator, which is to be given back by put.
func (e *engine) take(p ad.Precision) *ad.Shards {
	e.mu.Lock()
	defer e.mu.Unlock()
	free := &e.free[p]
	if n := len(*free); n > 0 {
		s := (*free)[n-1]
		*free = (*free)[:n-1]
		return s
	}
	return ad.NewShards(p, e.width)
}

// put keeps s for the next who takes one, unless there are as many as can run at the same time.
func (e *engine) put(p ad.Precision, s *ad.Shards) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.free[p]) < runtime.GOMAXPROCS(0) {
		e.free[p] = append(e.free[p], s)
	}
}

// each runs f on all cores, without gradients.
func (e *engine) each(p ad.Precision, n int, seed [2]uint64, f func(t *ad.Tape, lo, hi int)) {
	e.guard.RLock()
	defer e.guard.RUnlock()
	e.run(p, n, seed, f)
}

// eachNesting is each for an f that calls functions of the user's, which may evaluate the same parameters.
func (e *engine) eachNesting(p ad.Precision, n int, seed [2]uint64, f func(t *ad.Tape, lo, hi int)) {
	e.guard.RLockNesting()
	defer e.guard.RUnlockNesting()
	e.run(p, n, seed, f)
}

func (e *engine) run(p ad.Precision, n int, seed [2]uint64, f func(t *ad.Tape, lo, hi int)) {
	s := e.take(p)
	s.Seed = seed
	s.Each(n, f)
	e.put(p, s)
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
	s := e.take(p)
	s.Seed = seed
	sum := s.Gradient(n, e.params, scale, loss)
	e.put(p, s)
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
	e.guard.LockData()
	defer e.guard.UnlockData()
	return e.observer.EndObserving()
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
