package continuous

import "math"

// assign returns the permutation j(i) of n things with the least Σ cost(i, j(i)): Jonker & Volgenant 1987, doi:10.1007/BF02278710. It costs O(n³) at
// most, about 10·n² for 256 points; gonum has no such algorithm. Costs that are not finite, or 10³⁰⁰ and more, count as the largest of the others.
func assign(n int, cost func(i, j int) float64) []int {
	a := newAssignment(n, cost)
	a.solve()
	return a.column
}

// assignment pairs rows and columns. Columns have prices such that none is better for a row, by cost less price, than the one it has: once all have
// one, the sum of costs is the least.
type assignment struct {
	n           int
	cost        []float64 // n×n
	price       []float64 // of each column
	column, row []int     // partners of rows and columns; −1 for none

	distance []float64 // of each column from a row that has none
	from     []int     // the row before a column on the way there
	order    []int     // the columns, by distance as far as it is known
}

func newAssignment(n int, cost func(i, j int) float64) *assignment {
	a := &assignment{n: n, cost: make([]float64, n*n), price: make([]float64, n), column: make([]int, n), row: make([]int, n),
		distance: make([]float64, n), from: make([]int, n), order: make([]int, n)}
	most := 0.0
	for i := range n {
		for j := range n {
			c := cost(i, j)
			a.cost[i*n+j] = c
			if usual(c) {
				most = max(most, c)
			}
		}
	}
	for k, c := range a.cost {
		if !usual(c) {
			a.cost[k] = most
		}
	}
	for j := range n {
		a.column[j], a.row[j], a.order[j] = -1, -1, j
	}
	return a
}

// usual reports whether costs can be added up along a path.
func usual(cost float64) bool { return math.Abs(cost) < 1e300 }

// solve pairs all rows.
func (a *assignment) solve() {
	for _, i := range a.reduceColumns() {
		a.augment(i)
	}
}

func (a *assignment) costs(i int) []float64 { return a.cost[i*a.n : (i+1)*a.n] }

// reduceColumns makes the least cost of each column its price and pairs it with that row, if that is free. It returns the other rows.
func (a *assignment) reduceColumns() (free []int) {
	best := a.from
	for i := range a.n {
		for j, c := range a.costs(i) {
			if i == 0 || c < a.price[j] {
				a.price[j], best[j] = c, i
			}
		}
	}
	for j, i := range best {
		if a.column[i] < 0 {
			a.row[j], a.column[i] = i, j
		}
	}
	for i, j := range a.column {
		if j < 0 {
			free = append(free, i)
		}
	}
	return free
}

// augment pairs a free row with the column at the end of the shortest path that alternates between what is not paired and what is, to one that is
// free, and moves the pairs on it by one.
func (a *assignment) augment(start int) {
	distance, price, from := a.distance, a.price, a.from
	for j := range distance {
		distance[j] = math.Inf(1)
	}
	i, end, way, known := start, -1, 0.0, 0 // order[:known] are the columns to which the shortest paths are known
	for i >= 0 {
		nearest, least := -1, math.Inf(1)
		costs := a.costs(i)
		for k, j := range a.order[known:] {
			d := way + costs[j] - price[j]
			if d < distance[j] {
				distance[j], from[j] = d, i
			} else {
				d = distance[j]
			}
			if d < least {
				nearest, least = known+k, d
			}
		}
		end = a.order[nearest]
		a.order[known], a.order[nearest] = end, a.order[known]
		known++
		if i = a.row[end]; i >= 0 {
			way = least - (a.costs(i)[end] - price[end])
		}
	}
	for _, j := range a.order[:known] {
		price[j] += distance[j] - distance[end]
	}
	for i != start {
		i = from[end]
		a.row[end] = i
		a.column[i], end = end, a.column[i]
	}
}
