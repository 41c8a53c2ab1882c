// Learn trains models from their recipes and prints how well they learned: a table to hold against the least that any
// model can reach, and against the reference. It fails when one has not learned what it should.
//
//	go run ./nfkit/internal/learn            # all recipes
//	go run ./nfkit/internal/learn tutorial   # one
//
// Other jobs have tables of their own, with arguments that -h shows:
//
//	go run ./nfkit/internal/learn sbi        # posteriors of simulators, in six tasks
//	go run ./nfkit/internal/learn energies   # densities that are learned without data
//	go run ./nfkit/internal/learn tables     # one's own data: flows beside what is there without them
//	go run ./nfkit/internal/learn mnist      # images of digits
//	go run ./nfkit/internal/learn phi4       # a lattice field theory, from its action
//	go run ./nfkit/internal/learn toys       # all families on all densities in the plane; -quick for a part
//	go run ./nfkit/internal/learn matching   # flow matching beside likelihood, for equal times
//
// With -o it trains one model, with a seed and constants that -set gives, and keeps what it reaches in a folder, for package sweep:
//
//	go run ./nfkit/internal/learn -set seed=3 -set steps=500 -o results/3 tutorial
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// recipe is a model and its training. Numbers are in nats; less is better.
type recipe struct {
	name      string
	train     func() (float64, error) // what the model reaches, on points that it was not trained with
	least     float64                 // the entropy of the target, or minus the logarithm of its normaliser
	reference float64                 // what the reference reaches
	goal      float64                 // what ours must reach
}

var recipes = []recipe{
	{"tutorial", tutorial, 1.6121, 1.659, 1.68},
	{"nsf_tutorial", nsfTutorial, 1.6121, 1.659, 1.625},
	{"readme_twomoons", readmeTwoMoons, 1.5711, 1.597, 1.60},
	{"planar_reverse", planarReverse, -0.8042, -0.594, -0.594},
	{"conditional_nsf", conditionalNSF, 2.2242, 2.255, 2.25},
	{"conditional_coupled_nsf", conditionalCoupledNSF, 2.2242, 2.246, 2.25},
	{"conditional_maf", conditionalMAF, 2.2242, 2.232, 2.25},
}

// tables are those of other jobs.
var tables = map[string]func(args []string, out io.Writer) error{
	"sbi":      sbi,
	"energies": energyTable,
	"tables":   datasetTable,
	"mnist":    mnist,
	"phi4":     phi4,
	"matching": matching,
	"toys":     func(args []string, out io.Writer) error { return toys(args, out, os.Stderr) },
}

// heldOut is the number of points on which a model is judged.
const heldOut = 100_000

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "learn: %v\n", err)
		os.Exit(1)
	}
}

// command does what args say.
func command(args []string, out io.Writer) error {
	if len(args) > 0 && tables[args[0]] != nil {
		return tables[args[0]](args[1:], out)
	}
	var set []string
	f := flag.NewFlagSet("learn", flag.ContinueOnError)
	f.SetOutput(out)
	folder := f.String("o", "", "train one model and keep its result in this folder")
	f.Func("set", "NAME=VALUE, the seed or a constant of that training; may be repeated", func(arg string) error {
		set = append(set, arg)
		return nil
	})
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	var names []string
	for _, r := range recipes {
		names = append(names, r.name)
	}
	for _, a := range f.Args() {
		if !slices.Contains(names, a) {
			return fmt.Errorf("there is no recipe %q; recipes: %s", a, strings.Join(names, ", "))
		}
	}
	switch {
	case *folder == "" && set == nil:
		return table(f.Args(), out)
	case *folder == "" || f.NArg() != 1:
		return errors.New("-set and -o are for one recipe: -set NAME=VALUE -o FOLDER RECIPE")
	}
	return single(f.Arg(0), set, *folder, out)
}

// table trains the recipes with the given names, all if there are none, and prints what they reach.
func table(names []string, out io.Writer) error {
	fmt.Fprintf(out, "%-24s %9s %9s %9s %9s %9s\n", "recipe", "least", "reference", "goal", "ours", "seconds")
	var missed []string
	for _, r := range recipes {
		if len(names) > 0 && !slices.Contains(names, r.name) {
			continue
		}
		start := time.Now()
		reached, err := r.train()
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Fprintf(out, "%-24s %9.4f %9.3f %9.3f %9.4f %9.0f\n", r.name, r.least, r.reference, r.goal, reached, time.Since(start).Seconds())
		if !(reached <= r.goal) {
			missed = append(missed, r.name)
		}
	}
	if missed != nil {
		return fmt.Errorf("the goal is missed by %s", strings.Join(missed, ", "))
	}
	return nil
}

// fit trains a model on fresh batches of data.
func fit(model *nf.NormalizingFlow, data nf.Sampler, steps, rows int, adam *nf.Adam, schedule func(step int) float64, src rand.Source) error {
	_, err := nf.Fit(context.Background(), model.NLL(nil), data, &nf.FitOptions{Steps: steps, BatchSize: rows, Adam: adam, Schedule: schedule}, src)
	return err
}
