package continuous

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The assignment is the best of all.
func TestAssign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 6; n++ {
		c := make([]float64, n*n)
		for k := range c {
			c[k] = r.NormFloat64()
		}
		sum := func(p []int) (s float64) {
			for i, j := range p {
				s += c[i*n+j]
			}
			return s
		}
		best := math.Inf(1)
		var search func(p []int, k int)
		search = func(p []int, k int) {
			if k == n {
				best = min(best, sum(p))
			}
			for i := k; i < n; i++ {
				p[k], p[i] = p[i], p[k]
				search(p, k+1)
				p[k], p[i] = p[i], p[k]
			}
		}
		p := make([]int, n)
		for i := range p {
			p[i] = i
		}
		search(p, 0)
		if got := sum(assign(n, func(i, j int) float64 { return c[i*n+j] })); math.Abs(got-best) > 1e-12 {
			t.Errorf("%d things: cost %v, want %v", n, got, best)
		}
	}
	for _, c := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 1e299} {
		if p := slices.Sorted(slices.Values(assign(3, func(i, j int) float64 { return c }))); !slices.Equal(p, []int{0, 1, 2}) {
			t.Errorf("with costs %v the partners are %v, want each once", c, p)
		}
	}
}

// The prices prove an assignment of many things: no row finds a better column than its own, up to rounding. Costs are those of points that are spread,
// in clusters, on a grid with many ties, all the same, of very different sizes, and numbers that are no distances.
func TestAssignMany(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 256
	points := func(draw func(k int) float64) (x [n][2]float64) {
		for k := range x {
			x[k] = [2]float64{draw(k), draw(k)}
		}
		return x
	}
	distances := func(from, to func(k int) float64) func(i, j int) float64 {
		x, y := points(from), points(to)
		return func(i, j int) float64 { return squaredDistance(x[i][:], y[j][:]) }
	}
	spread := func(int) float64 { return r.NormFloat64() }
	clusters := func(k int) float64 { return float64(k%8) + 1e-3*r.NormFloat64() }
	grid := func(int) float64 { return float64(r.IntN(4)) }
	wild := func(int) float64 { return math.Exp(20 * r.NormFloat64()) }
	numbers := make([]float64, n*n)
	for k := range numbers {
		numbers[k] = r.NormFloat64()
	}
	for name, cost := range map[string]func(i, j int) float64{
		"spread": distances(spread, spread), "to clusters": distances(spread, clusters), "clusters": distances(clusters, clusters),
		"grid": distances(grid, grid), "to a grid": distances(spread, grid), "wild": distances(wild, wild),
		"one place":  func(int, int) float64 { return 3 },
		"of rows":    func(i, _ int) float64 { return float64(i) },
		"of columns": func(_, j int) float64 { return float64(j) },
		"numbers":    func(i, j int) float64 { return numbers[i*n+j] },
	} {
		a := newAssignment(n, cost)
		a.solve()
		sorted := slices.Sorted(slices.Values(a.column))
		for k, j := range sorted {
			if j != k {
				t.Fatalf("%s: the partners are %v, want each once", name, a.column)
			}
		}
		largest := slices.Max(a.cost)
		for i, own := range a.column {
			for j, c := range a.costs(i) {
				if gain := a.costs(i)[own] - a.price[own] - (c - a.price[j]); gain > 1e-12*largest {
					t.Errorf("%s: row %d has column %d, and gains %v with %d", name, i, own, gain, j)
				}
			}
		}
	}
}

// A step of flow matching pairs 512 points.
func BenchmarkAssign(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	x := make([][2]float64, 512)
	for k := range x {
		x[k] = [2]float64{r.NormFloat64(), r.NormFloat64()}
	}
	for b.Loop() {
		assign(256, func(i, j int) float64 { return squaredDistance(x[i][:], x[256+j][:]) })
	}
}
