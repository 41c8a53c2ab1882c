package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// energyNames are the names of each density, and of each with a seed.
func energyNames() []string {
	var names []string
	for _, e := range energies {
		names = append(names, e.name)
		for seed := range max(e.seeds, 3) {
			names = append(names, fmt.Sprint(e.name, "/", seed))
		}
	}
	return names
}

// energy is a density that is learned without data, and what shows how well.
type energy struct {
	name  string
	learn func(seed uint64) ([]figure, error)
	seeds int // at least 3
}

// figure is a number that a recipe reaches. Those that are not known are NaN.
type figure struct {
	quantity         string
	exact, published float64
	lo, hi           float64 // wanted
	got              float64
}

var energies = []energy{
	{name: "many_well", learn: manyWell},
	{name: "forty_modes", learn: fortyModes, seeds: 5},
	{name: "double_well", learn: doubleWell},
	{name: "eight_schools", learn: eightSchools},
}

// energyTable learns the energies with the given names, all if there are none, and prints what they come to.
func energyTable(names []string, out io.Writer) error {
	for _, n := range names {
		if !slices.Contains(energyNames(), n) {
			return fmt.Errorf("there is no energy %q; energies: %s", n, strings.Join(energyNames(), ", "))
		}
	}
	fmt.Fprintf(out, "%-14s %4s %-34s %11s %11s %11s %11s %11s %8s\n", "energy", "seed", "quantity", "exact", "published", "at least", "at most", "ours", "seconds")
	var missed []string
	for _, e := range energies {
		for seed := range uint64(max(e.seeds, 3)) {
			if len(names) > 0 && !slices.Contains(names, e.name) && !slices.Contains(names, fmt.Sprint(e.name, "/", seed)) {
				continue
			}
			start := time.Now()
			figures, err := e.learn(seed)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", e.name, seed, err)
			}
			seconds := fmt.Sprintf("%.0f", time.Since(start).Seconds())
			for _, f := range figures {
				fmt.Fprintf(out, "%-14s %4d %-34s %11s %11s %11s %11s %11.4f %8s\n", e.name, seed, f.quantity, known(f.exact), known(f.published), known(f.lo), known(f.hi), f.got, seconds)
				seconds = ""
				if !(f.got >= f.lo && f.got <= f.hi) {
					missed = append(missed, fmt.Sprintf("%s, seed %d: %s", e.name, seed, f.quantity))
				}
			}
		}
	}
	if missed != nil {
		return fmt.Errorf("the goal is missed by %s", strings.Join(missed, "; "))
	}
	return nil
}

// known returns a number as a cell of the table, empty for one that is not known.
func known(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return fmt.Sprintf("%.4f", x)
}

var (
	unknown = math.NaN()
	inf     = math.Inf(1)
)
