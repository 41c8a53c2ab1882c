package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

// text returns the lines as a table in Markdown. Behind a ratio is the range of the middle half of the pairs.
func text(lines []line) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "|\t| nfkit\t| PyTorch\t| times as fast\t| wanted\t| GFLOP/s\t| of the ceiling\t| wanted\t| second core\t| allocations\t| time goes to\t|")
	fmt.Fprintln(w, "|"+strings.Repeat(" ---\t|", 11))
	for _, l := range lines {
		wanted := fmt.Sprintf("%g", l.Ratio[l.precision])
		share := "–"
		if s := l.Share[l.precision]; s > 0 {
			share = percent(s)
		}
		ours, speed := l.ours.median(), "–"
		if l.Flop() > 0 {
			speed = fmt.Sprintf("%.0f", l.Flop()/ours/1e9)
		}
		fmt.Fprintf(w, "| %v/%v\t| %s\t| %s, %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %.2f\t| %d\t| %s\t|\n",
			l.Row, l.precision, duration(ours), duration(l.theirs.median()), count(l.threads, "thread"), l.ratio(), wanted,
			speed, l.share(), share, l.single.median()/ours, l.allocations, l.limit())
	}
	w.Flush()
	for _, l := range lines {
		if l.Task == workload.Hamiltonian {
			steps := float64(l.N * (workload.Draws + 1) * workload.Leapfrogs)
			fmt.Fprintf(&b, "%v/%v: %.2f million leapfrog steps a second, PyTorch %.2f.\n", l.Row, l.precision, steps/l.ours.median()/1e6, steps/l.theirs.median()/1e6)
		}
	}
	for _, p := range []ad.Precision{ad.Float32, ad.Float64} {
		b.WriteString(worst(lines, p))
	}
	if i := slices.IndexFunc(lines, func(l line) bool { return l.ceiling.median() == 0 }); i >= 0 {
		fmt.Fprintln(&b, "The ceiling is not measured: this build has no assembly.")
	}
	for _, p := range []ad.Precision{ad.Float32, ad.Float64} {
		var all series
		for _, l := range lines {
			if l.precision == p && l.ceiling.median() > 0 {
				all = append(all, l.ceiling...)
			}
		}
		if len(all) > 0 {
			fmt.Fprintf(&b, "Ceiling of multiply-adds in %v on %s: %.0f GFLOP/s.\n", p, count(cores, "core"), all.median()/1e9)
		}
	}
	return b.String() + "\n"
}

// worst returns a sentence on the line in a precision in which nfkit is slowest beside PyTorch; none if there are no lines.
func worst(lines []line, p ad.Precision) string {
	var found *line
	n := 0
	for i, l := range lines {
		if l.precision != p {
			continue
		}
		if n++; found == nil || l.times() < found.times() {
			found = &lines[i]
		}
	}
	if found == nil {
		return ""
	}
	return fmt.Sprintf("The worst of %s in %v: %v, %s, %.2f times as fast.\n", count(n, "row"), p, found.Row, duration(found.ours.median()), found.times())
}

// limit returns what the time goes to, and for few rows how fast weights are read.
func (l *line) limit() string {
	if l.weights > 0 {
		return l.spends + "; " + l.reads()
	}
	return l.spends
}

// times returns how many times as fast as PyTorch nfkit is: the ratio of the medians.
func (l *line) times() float64 { return l.theirs.median() / l.ours.median() }

// ratio returns the ratio of the medians, and the range of the middle half of the ratios of the pairs.
func (l *line) ratio() string {
	var pairs series
	for i, s := range l.theirs {
		pairs = append(pairs, s/l.ours[i])
	}
	slices.Sort(pairs)
	quarter := len(pairs) / 4
	return fmt.Sprintf("%.2f (%.2f–%.2f)", l.times(), pairs[quarter], pairs[len(pairs)-1-quarter])
}

// share returns the part of the ceiling that a step reaches.
func (l *line) share() string {
	if l.ceiling.median() == 0 || l.Flop() == 0 {
		return "–"
	}
	return percent(l.Flop() / l.ours.median() / l.ceiling.median())
}

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

func duration(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.3g ms", 1e3*seconds)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
