package nfplot

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func labels(ticks []plot.Tick) string {
	var l []string
	for _, t := range ticks {
		l = append(l, t.Label)
	}
	return strings.Join(l, " ")
}

func TestLinearTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0, 1, 7, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{-3, 6, 9, "−2 0 2 4 6"},
		{-3, 6, 10, "−3 −2 −1 0 1 2 3 4 5 6"},
		{-0.5, 2.1, 3, "0 1 2"},
		{0, 0.4, 9, "0.00 0.05 0.10 0.15 0.20 0.25 0.30 0.35 0.40"},
		{1, 1000, 0, "200 400 600 800 1000"},
		{0, 3e-7, 4, "0 1e−07 2e−07 3e−07"},
		{0, 4e6, 3, "0 2e+06 4e+06"},
		{1e6, 1e6 + 2, 3, "1000000 1000001 1000002"},
		{1, 1, 5, ""}, {2, 1, 5, ""}, {0, inf, 5, ""}, {nan, 1, 5, ""}, {-1e308, 1e308, 5, "−1e+308 −5e+307 0 5e+307 1e+308"}, {0, 5e-324, 5, ""},
		{-math.MaxFloat64, math.MaxFloat64, 3, "−1e+308 0 1e+308"}, {0, 1e-300, 3, "0 5e−301 1e−300"},
	} {
		if got := labels(linearTicks{c.n}.Ticks(c.lo, c.hi)); got != c.want {
			t.Errorf("linearTicks{%d}.Ticks(%v, %v) = %q, want %q", c.n, c.lo, c.hi, got, c.want)
		}
	}
}

func TestLinearTicksStayInside(t *testing.T) {
	for _, hi := range []float64{1e-12, 0.1 + 0.2, 7, 1e17} {
		for _, tick := range (linearTicks{}).Ticks(-hi, hi) {
			if tick.Value < -hi || tick.Value > hi {
				t.Errorf("tick %v outside ±%v", tick.Value, hi)
			}
		}
	}
	if n := len(linearTicks{}.Ticks(1e17, 1e17+64)); n > 10 {
		t.Errorf("%d ticks where the numbers have no room for them, want a few", n)
	}
}

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{1.5, 5.1, 7, "1.5 2 3 4 5"},
		{1.6, 2.4, 4, "1.6 1.8 2.0 2.2 2.4"},
		{0.01, 100, 7, "0.01 0.1 1 10 100"},
		{0.5, 60, 7, "0.5 1 2 5 10 20 50"},
		{1e-10, 1e10, 5, "1e−08 0.0001 1 10000 1e+08"},
		{-1, 5, 7, ""}, {0, 5, 7, ""}, {3, 3, 7, ""}, {1, inf, 7, ""},
	} {
		if got := labels(logTicks{c.n}.Ticks(c.lo, c.hi)); got != c.want {
			t.Errorf("logTicks{%d}.Ticks(%v, %v) = %q, want %q", c.n, c.lo, c.hi, got, c.want)
		}
	}
}

func TestTicksAreNeverMissing(t *testing.T) {
	for n := 3; n <= 9; n++ {
		for lo := 1e-6; lo < 1e6; lo *= 1.37 {
			for f := 1.01; f < 1e13; f *= 1.7 {
				if got := len(logTicks{n}.Ticks(lo, lo*f)); got < 2 || got > n+2 {
					t.Errorf("logTicks{%d}.Ticks(%v, %v): %d ticks", n, lo, lo*f, got)
				}
			}
		}
	}
}
