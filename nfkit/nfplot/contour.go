package nfplot

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Levels returns the values of the density f above which the given shares of its mass on the grid lie, one for each share:
// the borders of its regions of highest density, to be drawn by [Contour]. In two dimensions a normal distribution has the
// shares 0.393 and 0.865 within one and two standard deviations. A value that is not finite has no mass. The level is NaN
// where f has no mass. It panics when a share is not between 0 and 1, or the grid has less than two X or Y.
func (f Field) Levels(shares ...float64) []float64 {
	f.check("Field.Levels")
	if len(f.X) < 2 || len(f.Y) < 2 {
		panic(fmt.Sprintf("nfplot: Field.Levels: got a grid of %d×%d, want 2 or more on each side", len(f.X), len(f.Y)))
	}
	type part struct{ value, mass float64 }
	var parts []part
	total := 0.0
	wx, wy := trapezoids(f.X), trapezoids(f.Y)
	_, top := finiteRange(f.Z)
	for i, v := range f.Z {
		if v > 0 && isFinite(v) {
			mass := v / top * wx[i%len(f.X)] * wy[i/len(f.X)]
			parts = append(parts, part{v, mass})
			total += mass
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(b.value, a.value) })
	levels := make([]float64, len(shares))
	for i, share := range shares {
		if !(share > 0 && share < 1) {
			panic(fmt.Sprintf("nfplot: Field.Levels: got the share %v, want one between 0 and 1", share))
		}
		levels[i] = math.NaN()
		sum := 0.0
		for k, p := range parts {
			sum += p.mass
			if sum >= share*total {
				levels[i] = p.value
				if k+1 < len(parts) { // between the last value inside and the first outside
					levels[i] = p.value/2 + parts[k+1].value/2
				}
				break
			}
		}
	}
	return levels
}

// trapezoids returns the weights of the trapezoidal rule, in lengths of the axis.
func trapezoids(x []float64) []float64 {
	w := make([]float64, len(x))
	whole := x[len(x)-1]/2 - x[0]/2
	for i := range x[1:] {
		half := (x[i+1]/2 - x[i]/2) / whole / 2
		w[i] += half
		w[i+1] += half
	}
	return w
}

// Contour returns the layer that draws the lines on which the field has one of the levels, by linear interpolation between
// neighbours on the grid. A square of the grid with a corner that is not finite has no lines. A name puts it in the legend.
//
//	nfplot.Contour("", f, nfplot.Solid(nfplot.Black), f.Levels(0.5, 0.9)...)
func Contour(name string, f Field, style draw.LineStyle, levels ...float64) Layer {
	f.check("Contour")
	return &contour{name: name, field: f, style: style, levels: levels}
}

type contour struct {
	name   string
	field  Field
	style  draw.LineStyle
	levels []float64
}

// DataRange implements plot.DataRanger.
func (c *contour) DataRange() (xmin, xmax, ymin, ymax float64) {
	return heat{field: c.field}.DataRange()
}

// Plot implements plot.Plotter.
func (c *contour) Plot(canvas draw.Canvas, p *plot.Plot) {
	place := placer(canvas, p)
	for _, level := range c.levels {
		if !isFinite(level) {
			continue
		}
		for _, path := range isolines(c.field, level) {
			points := make([]vg.Point, len(path))
			for i, at := range path {
				points[i] = place(at[0], at[1])
			}
			canvas.StrokeLines(c.style, canvas.ClipLinesXY(points)...)
		}
	}
}

// Thumbnail implements plot.Thumbnailer.
func (c *contour) Thumbnail(canvas *draw.Canvas) { (&line{style: c.style}).Thumbnail(canvas) }

func (c *contour) legendName() string { return c.name }

// side is a side of a grid's squares: from the point to its right neighbour, or to the one above.
type side struct {
	point int
	up    bool
}

// isolines returns the lines on which f is the level, each as a sequence of points (x, y).
func isolines(f Field, level float64) [][][2]float64 {
	n := len(f.X)
	next := map[side][]side{} // each crossing of a side and the one or two that it is joined with
	var order []side
	join := func(a, b side) {
		for _, s := range []side{a, b} {
			if next[s] == nil {
				order = append(order, s)
			}
		}
		next[a], next[b] = append(next[a], b), append(next[b], a)
	}
	for j := range len(f.Y) - 1 {
		for i := range n - 1 {
			k := j*n + i
			corners := [4]float64{f.Z[k], f.Z[k+1], f.Z[k+n+1], f.Z[k+n]} // counter-clockwise
			sides := [4]side{{k, false}, {k + 1, true}, {k + n, false}, {k, true}}
			var crossed []side
			mean, finite := 0.0, true
			for s, v := range corners {
				mean += v / 4
				finite = finite && isFinite(v)
				if v >= level != (corners[(s+1)%4] >= level) {
					crossed = append(crossed, sides[s])
				}
			}
			switch {
			case !finite:
			case len(crossed) == 2:
				join(crossed[0], crossed[1])
			case len(crossed) == 4 && (mean >= level) == (corners[0] >= level): // a saddle: the first corner's side is joined through the middle
				join(crossed[0], crossed[1])
				join(crossed[2], crossed[3])
			case len(crossed) == 4:
				join(crossed[3], crossed[0])
				join(crossed[1], crossed[2])
			}
		}
	}

	at := func(s side) [2]float64 {
		i, j := s.point%n, s.point/n
		other := s.point + 1
		if s.up {
			other = s.point + n
		}
		a, b := f.Z[s.point], f.Z[other]
		t := (level/2 - a/2) / (b/2 - a/2) // a and b are on two sides of the level
		if math.IsNaN(t) {
			t = 0.5 // their difference underflows
		}
		if s.up {
			return [2]float64{f.X[i], f.Y[j]*(1-t) + f.Y[j+1]*t}
		}
		return [2]float64{f.X[i]*(1-t) + f.X[i+1]*t, f.Y[j]}
	}
	used := map[side]bool{}
	var lines [][][2]float64
	follow := func(s side) {
		if used[s] {
			return
		}
		first := s
		line := [][2]float64{at(s)}
		for more := true; more; {
			used[s] = true
			more = false
			for _, t := range next[s] {
				if !used[t] {
					line, s, more = append(line, at(t)), t, true
					break
				}
			}
		}
		if len(line) > 2 && slices.Contains(next[s], first) {
			line = append(line, line[0])
		}
		lines = append(lines, line)
	}
	for _, s := range order { // open lines from their ends first
		if len(next[s]) == 1 {
			follow(s)
		}
	}
	for _, s := range order {
		follow(s)
	}
	return lines
}
