package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/nfkit/nfkit-go/nfkit/internal/cputime"
	"github.com/nfkit/nfkit-go/nfkit/nfplot"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// toy is a density in the plane, and how far a model may stay above its entropy.
type toy struct {
	name   string
	target targets.Target
	goal   float64
}

// toyTargets are the densities of package targets in two dimensions. Those with edges, and spirals, have goals of their own.
var toyTargets = []toy{
	{"uniform_normal", targets.UniformNormal{}, 0.005},
	{"two_moons", targets.TwoMoons{}, 0.01},
	{"moons", targets.Moons{}, 0.01},
	{"circles", targets.Circles{}, 0.01},
	{"pinwheel", targets.Pinwheel{}, 0.01},
	{"eight_gaussians", targets.CircularGaussianMixture{}, 0.01},
	{"rings", targets.RingMixture{}, 0.01},
	{"two_modes", targets.TwoModes{Scale: 0.2}, 0.01}, // the zero value is two_moons
	{"funnel", targets.Funnel{}, 0.01},
	{"rosenbrock", targets.Rosenbrock{}, 0.01},
	{"sinusoidal", targets.Sinusoidal{}, 0.01},
	{"sinusoidal_gap", targets.SinusoidalGap{}, 0.01},
	{"sinusoidal_split", targets.SinusoidalSplit{}, 0.01},
	{"smiley", targets.Smiley{}, 0.01},
	{"swiss_roll", targets.SwissRoll{}, 0.01},
	{"blobs", targets.Blobs{}, 0.01},
	{"gmm40", targets.GMM40{}, 0.01},
	{"double_well", targets.DoubleWell{}, 0.01},
	{"spirals", targets.Spirals{}, 0.02},
	{"checkerboard", targets.Checkerboard{}, 0.05},
}

// quickToys are the targets of -quick.
var quickToys = []string{"uniform_normal", "moons", "pinwheel", "eight_gaussians"}

// toys trains each family on each target and prints the table of the worst seeds. It returns an error where no family reaches the goal of a target
// with all seeds.
//
//	go run ./nfkit/internal/learn toys            # all, with five seeds: hours
//	go run ./nfkit/internal/learn toys -quick     # one seed, four targets, shorter
//	go run ./nfkit/internal/learn toys -families nsf,cnf -targets moons -seeds 2
//
// With a folder, what a training reaches is kept there, and a training of which there is something is not repeated; so the table can be made in parts:
//
//	go run ./nfkit/internal/learn toys -o toys -families nsf -seeds 1
//	go run ./nfkit/internal/learn toys -o toys -gather -seeds 1 -picture toys.png
func toys(args []string, out, progress io.Writer) error {
	f := flag.NewFlagSet("learn toys", flag.ContinueOnError)
	f.SetOutput(progress)
	quick := f.Bool("quick", false, "one seed, a few targets, a fifth of the steps")
	seeds := f.Int("seeds", 5, "number of seeds")
	seconds := f.Float64("seconds", 120, "time of processors of a training, after which it is cut short: a minute of two")
	families := f.String("families", "", "names, separated by commas; all by default")
	names := f.String("targets", "", "names, separated by commas; all by default")
	folder := f.String("o", "", "folder for what each training reaches; what it has is not repeated")
	gather := f.Bool("gather", false, "train nothing: show what the folder has of all seeds asked for")
	picture := f.String("picture", "", "file for a picture of the table, .png, .svg or .pdf")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	scale := 1.0
	if *quick {
		scale, *seeds = 0.2, 1
		if *names == "" {
			*names = strings.Join(quickToys, ",")
		}
	}
	chosenFamilies, err := choose("family", *families, toyFamilies, func(f toyFamily) string { return f.name })
	if err != nil {
		return err
	}
	chosenTargets, err := choose("target", *names, toyTargets, func(t toy) string { return t.name })
	if err != nil {
		return err
	}
	if *seeds < 1 || !(*seconds > 0) {
		return fmt.Errorf("got %d seeds and %v seconds, want one or more, and a positive time", *seeds, *seconds)
	}
	if *folder != "" && *quick || *gather && *folder == "" {
		return fmt.Errorf("got -quick %t, -gather %t and the folder %q, want no -quick with a folder, and a folder with -gather", *quick, *gather, *folder)
	}
	results, worst := toyResults(*folder), map[[2]string]toyCell{}
	counts := map[[2]string]int{}
	for seed := range uint64(*seeds) {
		for _, family := range chosenFamilies {
			for _, t := range chosenTargets {
				cell, ok, err := results.load(family.name, t.name, seed)
				if err != nil {
					return err
				}
				if !ok && *gather {
					continue
				}
				if !ok {
					if cell, err = learnToy(family, t.target, scale, *seconds, seed); err != nil {
						return fmt.Errorf("%s on %s, seed %d: %w", family.name, t.name, seed, err)
					}
					fmt.Fprintf(progress, "%-18s %-18s seed %d: %s ± %.4f nats above %.4f, %.0f s, of processors %.0f s\n",
						t.name, family.name, seed, cell, cell.err, t.target.Entropy(), cell.seconds, cell.cpu)
					if err := results.save(family.name, t.name, seed, cell); err != nil {
						return err
					}
				}
				key := [2]string{family.name, t.name}
				if counts[key]++; counts[key] == 1 || !(cell.above <= worst[key].above) && !math.IsNaN(worst[key].above) {
					worst[key] = cell
				}
			}
		}
	}
	for key, n := range counts { // what has not all seeds has no worst one
		if n < *seeds {
			delete(worst, key)
		}
	}
	if *picture != "" {
		if err := nfplot.Save(*picture, toyPicture(chosenFamilies, chosenTargets, worst, *seeds)); err != nil {
			return err
		}
	}
	return printToys(out, chosenFamilies, chosenTargets, worst)
}

// choose returns the elements with the given names, all if there are none.
func choose[T any](what, names string, all []T, name func(T) string) ([]T, error) {
	if names == "" {
		return all, nil
	}
	var chosen []T
	for _, n := range strings.Split(names, ",") {
		i := slices.IndexFunc(all, func(e T) bool { return name(e) == n })
		if i < 0 {
			var known []string
			for _, e := range all {
				known = append(known, name(e))
			}
			return nil, fmt.Errorf("there is no %s %q; known are %s", what, n, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// learnToy trains a family once. Differences of log-densities at the same points have much less spread than the likelihood.
func learnToy(family toyFamily, target targets.Target, scale, seconds float64, seed uint64) (toyCell, error) {
	start, cpu := time.Now(), cputime.Seconds()
	ctx, cancel := withProcessors(seconds)
	defer cancel()
	model, err := family.train(ctx, target, scale, rand.NewPCG(seed, 0))
	if err != nil {
		return toyCell{}, err
	}
	cell := toyCell{seconds: time.Since(start).Seconds(), cpu: cputime.Seconds() - cpu, cut: ctx.Err() != nil}
	held := target.Sample(heldOut, rand.NewPCG(0, 1))
	difference := target.LogProb(held)
	for i, l := range model.LogProb(held) {
		difference[i] -= l
	}
	cell.above, cell.err = stat.MeanStdDev(difference, nil)
	cell.err /= math.Sqrt(float64(len(difference)))
	return cell, nil
}

// printToys prints a row for each family, and what the targets want.
func printToys(out io.Writer, families []toyFamily, chosen []toy, worst map[[2]string]toyCell) error {
	row := func(name string, cell func(t toy) string) {
		fmt.Fprintf(out, "%-18s", name)
		for _, t := range chosen {
			fmt.Fprintf(out, " %*s", max(len(t.name), 9), cell(t))
		}
		fmt.Fprintln(out)
	}
	row("nats above", func(t toy) string { return t.name })
	row("entropy", func(t toy) string { return fmt.Sprintf("%.4f", t.target.Entropy()) })
	row("goal", func(t toy) string { return fmt.Sprintf("%.3f", t.goal) })
	for _, f := range families {
		row(f.name, func(t toy) string { return worst[[2]string{f.name, t.name}].String() })
	}
	var missed []string
	for _, t := range chosen {
		if !slices.ContainsFunc(families, func(f toyFamily) bool {
			c, ok := worst[[2]string{f.name, t.name}]
			return ok && c.above <= t.goal
		}) {
			missed = append(missed, t.name)
		}
	}
	if missed != nil {
		return fmt.Errorf("no family reaches the goal of %s", strings.Join(missed, ", "))
	}
	return nil
}
