package nfplot

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/mat"
)

// Grid is a rectangle of points in the plane: every pair of an X and a Y, both ascending.
type Grid struct {
	X, Y []float64
}

// NewGrid returns nx evenly spaced coordinates from x0 to x1 and ny from y0 to y1, ends included.
// It panics when a limit is not finite, limits do not ascend, or a number of points is less than 1.
// One point is allowed, and then both limits of its axis must be equal.
func NewGrid(x0, x1 float64, nx int, y0, y1 float64, ny int) Grid {
	return Grid{X: span("x", x0, x1, nx), Y: span("y", y0, y1, ny)}
}

func span(axis string, lo, hi float64, n int) []float64 {
	switch {
	case n == 1 && lo == hi && !math.IsInf(lo, 0):
		return []float64{lo}
	case n > 1 && lo < hi && !math.IsInf(lo, 0) && !math.IsInf(hi, 0):
		x := floats.Span(make([]float64, n), lo/4, hi/4) // the length of the range may overflow
		floats.Scale(4, x)
		x[0], x[n-1] = lo, hi // quarters may underflow
		return x
	}
	panic(fmt.Sprintf("nfplot: NewGrid: got %d points from %s = %v to %v, want 2 or more on an ascending finite range", n, axis, lo, hi))
}

// Points returns the grid as a matrix of len(X)·len(Y) rows (x, y). X runs fastest.
func (g Grid) Points() *mat.Dense {
	p := mat.NewDense(len(g.X)*len(g.Y), 2, nil)
	for j, y := range g.Y {
		for i, x := range g.X {
			p.SetRow(j*len(g.X)+i, []float64{x, y})
		}
	}
	return p
}

// LogProber is a density in the plane: LogProb returns the log-density of each row of x. A model of two dimensions is one.
type LogProber interface {
	LogProb(x mat.Matrix) []float64
}

// Density returns the density of p on the grid, exp(LogProb): a log-density of −Inf is 0, NaN stays NaN.
func (g Grid) Density(p LogProber) Field {
	z := p.LogProb(g.Points())
	density := make([]float64, len(z))
	for i, v := range z {
		density[i] = math.Exp(v)
	}
	return g.Field(density)
}

// Eval returns the values of f on the grid.
func (g Grid) Eval(f func(x, y float64) float64) Field {
	z := make([]float64, 0, len(g.X)*len(g.Y))
	for _, y := range g.Y {
		for _, x := range g.X {
			z = append(z, f(x, y))
		}
	}
	return g.Field(z)
}

// Field returns the field with one value for each row of [Grid.Points]. It keeps the slice.
// It panics when the number of values is another.
func (g Grid) Field(values []float64) Field {
	f := Field{Grid: g, Z: values}
	f.check("Grid.Field")
	return f
}

// Field is a function's values on a grid: Z[j·len(X)+i] belongs to (X[i], Y[j]).
// Its parts are exported so that encoding/gob can keep it from one cell to the next.
type Field struct {
	Grid
	Z []float64
}

func (f Field) check(operation string) {
	if len(f.Z) != len(f.X)*len(f.Y) {
		panic(fmt.Sprintf("nfplot: %s: got %d values, want %d (a grid of %d×%d)", operation, len(f.Z), len(f.X)*len(f.Y), len(f.X), len(f.Y)))
	}
	for _, axis := range [][]float64{f.X, f.Y} {
		for i, v := range axis {
			if !isFinite(v) || i > 0 && v < axis[i-1] {
				panic(fmt.Sprintf("nfplot: %s: got the coordinate %v at place %d of an axis, want finite ones that ascend", operation, v, i))
			}
		}
	}
}

// AbsDiff returns |f − g| point by point. It panics when the grids differ in size.
func (f Field) AbsDiff(g Field) Field {
	f.check("Field.AbsDiff")
	if len(f.X) != len(g.X) || len(f.Y) != len(g.Y) || len(f.Z) != len(g.Z) {
		panic(fmt.Sprintf("nfplot: Field.AbsDiff: got a grid of %d×%d, want %d×%d", len(g.X), len(g.Y), len(f.X), len(f.Y)))
	}
	z := make([]float64, len(f.Z))
	for i, v := range f.Z {
		z[i] = math.Abs(v - g.Z[i])
	}
	return f.Field(z)
}

// MarginalX returns ∫ f(x, y) dy for each X, by the trapezoidal rule. It needs two or more Y.
func (f Field) MarginalX() []float64 {
	f.check("Field.MarginalX")
	m, column := make([]float64, len(f.X)), make([]float64, len(f.Y))
	for i := range m {
		for j := range column {
			column[j] = f.Z[j*len(f.X)+i]
		}
		m[i] = integrate.Trapezoidal(f.Y, column)
	}
	return m
}

// MarginalY returns ∫ f(x, y) dx for each Y, by the trapezoidal rule. It needs two or more X.
func (f Field) MarginalY() []float64 {
	f.check("Field.MarginalY")
	m := make([]float64, len(f.Y))
	for j := range m {
		m[j] = integrate.Trapezoidal(f.X, f.Z[j*len(f.X):(j+1)*len(f.X)])
	}
	return m
}

// Integral returns ∫∫ f dx dy by the trapezoidal rule. It needs two or more X and Y.
func (f Field) Integral() float64 {
	return integrate.Trapezoidal(f.X, f.MarginalX())
}

// finiteRange returns the smallest and the largest finite value of the samples; 0 and 0 if there is none.
func finiteRange(samples ...[]float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range samples {
		for _, x := range v {
			if isFinite(x) {
				lo, hi = min(lo, x), max(hi, x)
			}
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
