package ad

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Guard keeps those who read a set of parameters and the one who writes them apart: many may read at a time, or one write. Whoever evaluates
// holds RLock; whoever computes gradients holds LockGrad, and RLock as well; whoever changes elements of Param.Data holds Lock, which is LockGrad
// and LockData. Parameters of one model have one guard, whoever asks; so a model and an optimiser of its parameters find the same one.
//
// A writer who waits goes before readers who come after him. Whoever may evaluate once more while he evaluates, as one does who calls a
// function of the user's, holds RLockNesting: while he does, others need not wait for the writer, who waits for them.
type Guard struct{ locks []*guard } // in the order of their numbers, so that two that overlap cannot wait for each other

type guard struct {
	gradients sync.Mutex
	number    uint64
	writes    atomic.Uint64 // that have ended

	mu      sync.Mutex
	changed sync.Cond // of what follows
	readers int
	nesting int // readers who may come back before they go
	waiting int // writers
	writing bool
}

func newGuard() *guard {
	g := &guard{}
	g.changed.L = &g.mu
	return g
}

func (g *guard) rLock(nesting int) {
	g.mu.Lock()
	for g.writing || g.waiting > 0 && g.nesting == 0 {
		g.changed.Wait()
	}
	g.readers++
	g.nesting += nesting
	g.mu.Unlock()
}

func (g *guard) rUnlock(nesting int) {
	g.mu.Lock()
	g.readers--
	g.nesting -= nesting
	if g.readers == 0 {
		g.changed.Broadcast()
	}
	g.mu.Unlock()
}

func (g *guard) lock() {
	g.mu.Lock()
	g.waiting++
	for g.writing || g.readers > 0 {
		g.changed.Wait()
	}
	g.waiting--
	g.writing = true
	g.mu.Unlock()
}

func (g *guard) unlock() {
	g.writes.Add(1)
	changes.Add(1)
	g.mu.Lock()
	g.writing = false
	g.changed.Broadcast()
	g.mu.Unlock()
}

var (
	guards     atomic.Uint64
	guardMutex sync.Mutex // for Param.guard
)

// NewGuard returns the guard of params. Those that have none get one together, which all guards of them share from now on.
func NewGuard(params []*Param) *Guard {
	guardMutex.Lock()
	defer guardMutex.Unlock()
	fresh := newGuard()
	g := &Guard{}
	for _, p := range params {
		p.guard.CompareAndSwap(nil, fresh)
		if l := p.guard.Load(); !slices.Contains(g.locks, l) {
			g.locks = append(g.locks, l)
		}
	}
	if len(params) == 0 {
		g.locks = append(g.locks, fresh)
	}
	fresh.number = guards.Add(1)
	slices.SortFunc(g.locks, func(a, b *guard) int { return int(a.number) - int(b.number) })
	return g
}

// Lock waits until nobody else reads or writes parameters or their gradients.
func (g *Guard) Lock() {
	g.LockGrad()
	g.LockData()
}

// Unlock ends what Lock began.
func (g *Guard) Unlock() {
	g.UnlockData()
	g.UnlockGrad()
}

// LockData waits until nobody else reads or writes parameters. It is for one who holds LockGrad, and does not hold RLock.
func (g *Guard) LockData() {
	for _, l := range g.locks {
		l.lock()
	}
}

// UnlockData ends what LockData began.
func (g *Guard) UnlockData() {
	for _, l := range g.locks {
		l.unlock()
	}
}

// Writes returns how often Lock has been held, by whomever: another number says that parameters may have changed.
func (g *Guard) Writes() (n uint64) {
	for _, l := range g.locks {
		n += l.writes.Load()
	}
	return n
}

// LockGrad waits until nobody else computes gradients of the parameters, or changes the parameters.
func (g *Guard) LockGrad() {
	for _, l := range g.locks {
		l.gradients.Lock()
	}
}

// UnlockGrad ends what LockGrad began.
func (g *Guard) UnlockGrad() {
	for _, l := range g.locks {
		l.gradients.Unlock()
	}
}

// RLock waits until nobody else writes.
func (g *Guard) RLock() { g.rLock(0) }

// RUnlock ends what RLock began.
func (g *Guard) RUnlock() { g.rUnlock(0) }

// RLockNesting is RLock for one who may hold RLock or RLockNesting once more before RUnlockNesting, on this or another goroutine.
func (g *Guard) RLockNesting() { g.rLock(1) }

// RUnlockNesting ends what RLockNesting began.
func (g *Guard) RUnlockNesting() { g.rUnlock(1) }

func (g *Guard) rLock(nesting int) {
	for _, l := range g.locks {
		l.rLock(nesting)
	}
}

func (g *Guard) rUnlock(nesting int) {
	for _, l := range g.locks {
		l.rUnlock(nesting)
	}
}
