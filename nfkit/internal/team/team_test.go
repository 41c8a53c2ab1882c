package team

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counts runs Do and returns how often each task ran. It reports workers that do not exist or do two things at once.
func counts(t *testing.T, workers, tasks int) []int32 {
	t.Helper()
	done := make([]int32, tasks)
	busy := make([]atomic.Bool, workers)
	Do(workers, tasks, func(worker, i int) {
		if worker < 0 || worker >= workers || busy[worker].Swap(true) {
			t.Errorf("%d workers: worker %d does not exist or has two tasks at once", workers, worker)
			return
		}
		atomic.AddInt32(&done[i], 1)
		if i%3 == 0 {
			runtime.Gosched()
		}
		busy[worker].Store(false)
	})
	return done
}

func wantOnce(t *testing.T, workers int, done []int32) {
	t.Helper()
	for i, n := range done {
		if n != 1 {
			t.Errorf("%d workers: task %d of %d ran %d times, want once", workers, i, len(done), n)
		}
	}
}

// Every task runs once, whether the members are awake, have gone, or are new.
func TestDo(t *testing.T) {
	for _, pause := range []time.Duration{0, linger / 2, linger, 2 * linger} {
		for _, workers := range []int{1, 2, 3, 8, 2} {
			for _, tasks := range []int{0, 1, 2, 7, 100} {
				wantOnce(t, workers, counts(t, workers, tasks))
				time.Sleep(pause)
			}
		}
	}
}

// Calls from several goroutines, and from tasks, do not meet.
func TestDoAtOnce(t *testing.T) {
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				wantOnce(t, 4, counts(t, 4, 10))
			}
		})
	}
	wait.Wait()
	inner := make([][]int32, 6)
	Do(3, len(inner), func(_, i int) { inner[i] = counts(t, 2, 5) })
	for _, done := range inner {
		wantOnce(t, 2, done)
	}
}

// Where members of another team keep the cores busy, a call runs on its caller's goroutine alone, and all is given back in the end.
func TestCoresAreShared(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var start, end sync.WaitGroup
	start.Add(2)
	end.Add(2)
	Do(2, 2, func(_, _ int) {
		start.Done()
		start.Wait() // each worker has one of the tasks
		Do(2, 50, func(worker, _ int) {
			if worker != 0 {
				t.Errorf("worker %d has a task, although both cores are busy", worker)
			}
			runtime.Gosched()
		})
		end.Done()
		end.Wait() // and keeps it until the other is done
	})
	if n := reserved.Load(); n != 0 {
		t.Errorf("%d members are reserved after the end, want 0", n)
	}
}

// A panic reaches the caller after all tasks that have begun have ended, from whichever goroutine it comes.
func TestPanic(t *testing.T) {
	for task := range 4 {
		var running atomic.Int32
		var start sync.WaitGroup
		start.Add(4) // so that each worker has one of the tasks
		got := func() (got any) {
			defer func() { got = recover() }()
			Do(4, 4, func(_, i int) {
				running.Add(1)
				defer running.Add(-1)
				start.Done()
				start.Wait()
				if i == task {
					panic(fmt.Sprint("task ", i))
				}
				time.Sleep(time.Millisecond)
			})
			return nil
		}()
		if want := fmt.Sprint("task ", task); got != want {
			t.Errorf("the panic is %v, want %q", got, want)
		}
		if n := running.Load(); n != 0 {
			t.Errorf("%d tasks run after the panic of task %d", n, task)
		}
		wantOnce(t, 4, counts(t, 4, 20))
	}
}

// A task that ends its goroutine is an error, and does not keep the next call waiting.
func TestGoexit(t *testing.T) {
	for range 3 {
		var start sync.WaitGroup
		start.Add(2)
		got := func() (got any) {
			defer func() { got = recover() }()
			Do(2, 2, func(worker, _ int) {
				start.Done()
				start.Wait() // each worker has one of the tasks
				if worker == 1 {
					runtime.Goexit()
				}
			})
			return nil
		}()
		if text, _ := got.(string); !strings.Contains(text, "runtime.Goexit") {
			t.Errorf("the panic is %v, want one about runtime.Goexit", got)
		}
		wantOnce(t, 4, counts(t, 4, 20))
	}
}

// Members end when they have had no work for a while.
func TestMembersGo(t *testing.T) {
	before := runtime.NumGoroutine()
	counts(t, 4, 100)
	for runtime.NumGoroutine() > before { // for ever, if they stay
		time.Sleep(linger)
	}
}

func TestDoAllocatesNothing(t *testing.T) {
	nothing := func(int, int) {}
	Do(2, 10, nothing)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const calls = 1000
	for range calls {
		Do(2, 10, nothing)
	}
	runtime.ReadMemStats(&after)
	if n := float64(after.Mallocs-before.Mallocs) / calls; n > 0.1 {
		t.Errorf("a call allocates %v times, want 0", n)
	}
}

// The time from a call to its end, right after the one before.
func BenchmarkDo(b *testing.B) {
	nothing := func(int, int) {}
	for b.Loop() {
		Do(runtime.GOMAXPROCS(0), 100, nothing)
	}
}
