package ad_test

import (
	"sync"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Evaluators of a cache, old and new ones, know of each change that the cache is told of, in each way in which it can be told.
func TestCacheFollowsChanges(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		w := ad.NewMaskedParam(1, 2, []float64{1, 2}, []float64{1, 1})
		cache, guard := ad.NewCache(p), ad.NewGuard([]*ad.Param{w})
		output := func(tape *ad.Tape) *ad.Value { return tape.Const(1, 2, []float64{1, 10}).Linear(w, nil) }
		old := cache.Shards(2)
		want := func(what string, y float64) {
			t.Helper()
			for _, s := range []*ad.Shards{old, cache.Shards(2)} {
				var got float64
				s.Each(1, func(tape *ad.Tape, _, _ int) { got = output(tape).At(0, 0) })
				if got != y {
					t.Errorf("%v: after %s the value is %v, want %v", p, what, got, y)
				}
			}
		}
		want("the start", 21)
		w.Data[0] = 3
		w.Changed()
		want("Changed", 23)
		guard.Lock()
		w.Data[1] = 4
		guard.Unlock()
		want("a write under the guard", 43)
		w.Arrange(nil, []int{1, 0})
		want("Arrange", 34)
		for range 2 {
			old.Gradient(1, []*ad.Param{w}, 1, func(tape *ad.Tape, _, _ int) *ad.Value { return output(tape) })
			want("a gradient", 34)
			if w.Grad[0] != 10 || w.Grad[1] != 1 {
				t.Errorf("%v: the gradient is %v, want 10 and 1", p, w.Grad)
			}
		}
		w.Data[0] = 5
		want("a change that nobody told of", 34)
		cache.Renew()
		want("Renew", 54)
	}
}

// A parameter that stays what it is is read once, whatever the number of evaluators.
func TestCacheReadsOnce(t *testing.T) {
	w := ad.NewParam(1, 1, []float64{1})
	cache := ad.NewCache(ad.Float32)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			s := cache.Shards(1)
			for range 100 {
				s.Each(300, func(tape *ad.Tape, _, _ int) {
					if got := tape.Param(w).At(0, 0); got != 1 {
						t.Errorf("the parameter is %v, want 1", got)
					}
				})
			}
		})
	}
	wait.Wait()
	w.Data[0] = 2 // without a word: what was read before stands
	cache.Shards(1).Each(1, func(tape *ad.Tape, _, _ int) {
		if got := tape.Param(w).At(0, 0); got != 1 {
			t.Errorf("the parameter was read again: %v", got)
		}
	})
}
