// Package team shares work out over the cores. Between two pieces of work its goroutines stay awake for a moment: to wake a sleeping core
// takes as long as a part of a training step.
package team

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// linger is how long a goroutine without work keeps its core busy before it gives it up.
const linger = 200 * time.Microsecond

// Do calls do for the tasks 0 to tasks−1, on at most the given number of goroutines, of which the caller's is one, and returns when all are done.
// They are fewer while the members of other teams keep the cores busy. Tasks begin in their order. worker, less than workers, tells which
// goroutine a task runs on: no two tasks of the same worker run at the same time. A panic in do reaches the caller when the other goroutines are
// done. Do allocates nothing in the long run, and may be called by several goroutines at once.
func Do(workers, tasks int, do func(worker, task int)) {
	n := reserve(min(workers, tasks) - 1)
	if n == 0 {
		for i := range tasks {
			do(0, i)
		}
		return
	}
	t := take()
	t.do, t.tasks = do, int64(tasks)
	t.next.Store(0)
	for len(t.members) < n {
		t.members = append(t.members, newMember(t, len(t.members)+1))
	}
	members := t.members[:n]
	t.running.Add(int32(n))
	t.wait.Add(n)
	for _, m := range members {
		m.call()
	}
	t.lead(members)
	var failure any
	for _, m := range members {
		if m.failure != nil {
			failure, m.failure = m.failure, nil
		}
	}
	t.put()
	if failure != nil {
		panic(failure)
	}
}

// reserved is the number of members, of all teams, that are called or at work.
var reserved atomic.Int32

// reserve returns how many members a call that wants n of them has: all if there are none at work, else one for each core that is left.
func reserve(n int) int {
	if n <= 0 {
		return 0
	}
	for {
		others := reserved.Load()
		if others > 0 {
			n = min(n, runtime.GOMAXPROCS(0)-1-int(others))
		}
		if n <= 0 {
			return 0
		}
		if reserved.CompareAndSwap(others, others+int32(n)) {
			return n
		}
	}
}

// free are the teams without work. The last one to become free is the first to be used again, as its members are awake.
var free struct {
	sync.Mutex
	teams []*team
}

// team is the work of one call of Do, and those who share it.
type team struct {
	do      func(worker, task int)
	tasks   int64
	next    atomic.Int64
	members []*member
	running atomic.Int32   // members at work
	wait    sync.WaitGroup // for them
}

func take() *team {
	free.Lock()
	defer free.Unlock()
	n := len(free.teams)
	if n == 0 {
		return &team{}
	}
	t := free.teams[n-1]
	free.teams = free.teams[:n-1]
	return t
}

func (t *team) put() {
	t.do = nil
	free.Lock()
	free.teams = append(free.teams, t)
	free.Unlock()
}

// lead does the caller's share and waits for that of the members, also when the caller's panics. The team is not used again then. It does not wait
// for a member that has not begun: there is nothing left to do.
func (t *team) lead(members []*member) {
	defer func() {
		for _, m := range members {
			if m.state.CompareAndSwap(called, waiting) {
				t.leave()
			}
		}
		if !await(&t.running, 0) {
			t.wait.Wait()
		}
	}()
	t.work(0)
}

// leave is the end of a member's share.
func (t *team) leave() {
	reserved.Add(-1)
	t.wait.Done()
	t.running.Add(-1)
}

// work takes tasks until none is left.
func (t *team) work(worker int) {
	for i := t.next.Add(1) - 1; i < t.tasks; i = t.next.Add(1) - 1 {
		t.do(worker, int(i))
	}
}

// What a member does.
const (
	gone    int32 = iota // it has no goroutine
	waiting              // its goroutine waits for work
	called               // it is to work
	working              // it does
)

// member is one of the goroutines beside the caller's.
type member struct {
	team    *team
	state   atomic.Int32
	failure any    // what its work panicked with
	run     func() // made once, so that to start it allocates nothing
}

func newMember(t *team, worker int) *member {
	m := &member{team: t}
	m.run = func() {
		for await(&m.state, called) || !m.state.CompareAndSwap(waiting, gone) {
			if m.state.CompareAndSwap(called, working) { // the caller may have finished in the meantime
				m.work(worker)
			}
		}
	}
	return m
}

// call sets the member to work.
func (m *member) call() {
	if !m.state.CompareAndSwap(waiting, called) {
		m.state.Store(called)
		go m.run()
	}
}

func (m *member) work(worker int) {
	state := gone // unless the work ends as it should, or with a panic, the goroutine ends here
	defer func() {
		if m.failure = recover(); m.failure != nil {
			state = waiting
		} else if state == gone {
			m.failure = "nfkit: a function that runs on all cores called runtime.Goexit, as FailNow and Fatal of package testing do"
		}
		m.state.Store(state)
		m.team.leave()
	}()
	m.team.work(worker)
	state = waiting
}

// await returns true as soon as v has the wanted value, or false if that takes too long.
func await(v *atomic.Int32, want int32) bool {
	for start := time.Now(); time.Since(start) < linger; {
		for range 64 {
			if v.Load() == want {
				return true
			}
		}
		runtime.Gosched() // to whatever else there is to do
	}
	return false
}
