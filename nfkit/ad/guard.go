package ad

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Guard keeps those who read a set of parameters and the one who writes them apart: many may read at a time, or one write. Whoever evaluates
// holds RLock; whoever computes gradients holds LockGrad, and RLock as well; whoever changes elements of Param.Data holds Lock, which is both
// locks. Parameters of one model have one guard, whoever asks; so a model and an optimiser of its parameters find the same one.
type Guard struct{ locks []*guard } // in the order of their numbers, so that two that overlap cannot wait for each other

type guard struct {
	sync.RWMutex
	gradients sync.Mutex
	number    uint64
}

var (
	guards     atomic.Uint64
	guardMutex sync.Mutex // for Param.guard
)

// NewGuard returns the guard of params. Those that have none get one together, which all guards of them share from now on.
func NewGuard(params []*Param) *Guard {
	guardMutex.Lock()
	defer guardMutex.Unlock()
	fresh := &guard{}
	g := &Guard{}
	for _, p := range params {
		if p.guard == nil {
			p.guard = fresh
		}
		if !slices.Contains(g.locks, p.guard) {
			g.locks = append(g.locks, p.guard)
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
	for _, l := range g.locks {
		l.Lock()
	}
}

// Unlock ends what Lock began.
func (g *Guard) Unlock() {
	for _, l := range g.locks {
		l.Unlock()
	}
	g.UnlockGrad()
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
func (g *Guard) RLock() {
	for _, l := range g.locks {
		l.RLock()
	}
}

// RUnlock ends what RLock began.
func (g *Guard) RUnlock() {
	for _, l := range g.locks {
		l.RUnlock()
	}
}
