package tables

import (
	"fmt"
	"math"
	"strconv"
)

// Column is the name and type of a column. [Real], [Whole], [Positive], [Bounded] and [Circular] make them.
type Column struct {
	Name   string
	Kind   string  // "real", "whole", "positive", "bounded" or "circular"
	Lo, Hi float64 // the bounds; infinite where there is none
}

// Real returns a column of any numbers.
func Real(name string) Column { return Column{Name: name, Kind: "real"}.checked("Real") }

// Whole returns a column of the whole numbers from lo to hi, both of which occur. hi may be +Inf, and then lo −Inf. It panics when lo and hi are
// neither whole, and at most 2³² in size, nor infinite, or not in order.
func Whole(name string, lo, hi float64) Column { return Column{name, "whole", lo, hi}.checked("Whole") }

// Positive returns a column of numbers that are more than 0.
func Positive(name string) Column { return Column{Name: name, Kind: "positive"}.checked("Positive") }

// Bounded returns a column of numbers between lo and hi, neither of which occurs. It panics when they are not finite or not in order.
func Bounded(name string, lo, hi float64) Column {
	return Column{name, "bounded", lo, hi}.checked("Bounded")
}

// Circular returns a column of points of a circle: numbers that differ by hi − lo are the same point, and samples are from lo, which occurs, to
// hi, which does not. It panics when they are not finite or not in order.
func Circular(name string, lo, hi float64) Column {
	return Column{name, "circular", lo, hi}.checked("Circular")
}

// checked returns the column with the bounds that its kind has, and panics where it cannot have its own.
func (c Column) checked(caller string) Column {
	c, err := c.valid()
	if err != nil {
		panic(fmt.Sprintf("tables: %s: %v", caller, err))
	}
	return c
}

// valid is checked for a column of a file.
func (c Column) valid() (Column, error) {
	inf := math.Inf(1)
	switch c.Kind {
	case "real":
		c.Lo, c.Hi = -inf, inf
	case "positive":
		c.Lo, c.Hi = 0, inf
	case "bounded", "circular":
		if !(c.Lo < c.Hi) || !isFinite(c.Hi-c.Lo) {
			return c, fmt.Errorf("got column %q from %v to %v, want two finite numbers in order", c.Name, c.Lo, c.Hi)
		}
	case "whole":
		finite := isWhole(c.Lo) && isWhole(c.Hi) && c.Lo <= c.Hi
		if !finite && !(c.Hi == inf && (c.Lo == -inf || isWhole(c.Lo))) {
			return c, fmt.Errorf("got column %q from %v to %v, want whole numbers of at most 2³² in order; the upper one may be +Inf, and then the lower one −Inf",
				c.Name, c.Lo, c.Hi)
		}
	default:
		return c, fmt.Errorf("got column %q of kind %q, want one that Real, Whole, Positive, Bounded or Circular made", c.Name, c.Kind)
	}
	return c, nil
}

// String describes the column.
func (c Column) String() string { return strconv.Quote(c.Name) + " (" + c.typeText() + ")" }

func (c Column) typeText() string {
	switch {
	case c.Kind == "real", c.Kind == "positive", c.Kind == "whole" && math.IsInf(c.Lo, -1):
		return c.Kind
	case math.IsInf(c.Hi, 1):
		return fmt.Sprintf("%s, from %v", c.Kind, c.Lo)
	}
	return fmt.Sprintf("%s, from %v to %v", c.Kind, c.Lo, c.Hi)
}

// fits reports whether the column can have the value x.
func (c Column) fits(x float64) bool {
	switch {
	case !isFinite(x):
		return false
	case c.Kind == "whole":
		return isWhole(x) && c.Lo <= x && x <= c.Hi
	case c.Kind == "circular":
		return true
	}
	return c.Lo < x && x < c.Hi
}

// wrap returns the number in [Lo, Hi) that is the same point of a circle, and x for columns of other kinds.
func (c Column) wrap(x float64) float64 {
	if c.Kind != "circular" || c.Lo <= x && x < c.Hi {
		return x
	}
	turn := c.Hi - c.Lo
	r := math.Mod(x-c.Lo, turn)
	if r < 0 {
		r += turn
	}
	if y := c.Lo + r; y < c.Hi {
		return y
	}
	return c.Lo // rounding brought it to the other end
}

// guess returns the type of a column with the given values, as the package says.
func guess(name string, values []float64) Column {
	whole, binary, least := true, true, math.Inf(1)
	for _, x := range values {
		whole = whole && isWhole(x)
		binary = binary && (x == 0 || x == 1)
		least = min(least, x)
	}
	switch {
	case binary:
		return Whole(name, 0, 1)
	case whole && least >= 0:
		return Whole(name, 0, math.Inf(1))
	case whole:
		return Whole(name, math.Inf(-1), math.Inf(1))
	case least > 0:
		return Positive(name)
	}
	return Real(name)
}

const maxWhole = 1 << 32 // above it, noise added to a whole number would be too coarse

func isWhole(x float64) bool { return x == math.Trunc(x) && math.Abs(x) <= maxWhole }

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
