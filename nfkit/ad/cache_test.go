package ad_test

import (
	"sync"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// An evaluator of a cache knows of each change that it is told of, in each way in which it can be told.
func TestCacheFollowsChanges(t *testing.T) {
	for _, p := range []ad.Precision{ad.Float64, ad.Float32} {
		w := ad.NewMaskedParam(1, 2, []float64{1, 2}, []float64{1, 1})
		cache, guard := ad.NewCache(p), ad.NewGuard([]*ad.Param{w})
		value := func() (y float64) {
			cache.Shards(2).Each(1, func(tape *ad.Tape, _, _ int) {
				y = tape.Const(1, 2, []float64{1, 10}).Linear(w, nil).At(0, 0)
			})
			return y
		}
		want := func(what string, y float64) {
			t.Helper()
			if got := value(); got != y {
				t.Errorf("%v: after %s the value is %v, want %v", p, what, got, y)
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
