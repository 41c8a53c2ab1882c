package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	nf "github.com/nfkit/nfkit-go/nfkit"
)

// mnistPart is a model of MNIST and what it has to reach on the test images.
type mnistPart struct {
	name      string
	quantity  string
	published float64
	lo, hi    float64 // wanted
	learn     func(d digits, run mnistRun) (float64, error)
}

var mnistParts = []mnistPart{
	// The published numbers are those of Papamakarios et al. 2017, arXiv:1705.07057, table 2, and of Kingma & Dhariwal 2018, arXiv:1807.03039, as Grathwohl et al. 2019 cite
	// them, arXiv:1810.01367, table 2. The full Gaussian shows that the images are prepared as there.
	{"gaussian", "nats of a full Gaussian", -1366.9, -1368.5, -1365.5, mnistGaussian},
	{"maf", "nats of 5 autoregressive layers", -1272.7, -1272.7, inf, mnistMAF},
	{"conv", "bits per dimension of convolutions", 1.05, math.Inf(-1), 1.15, mnistConv},
}

// mnistRun is how a part is trained.
type mnistRun struct {
	seed   uint64
	folder string // of checkpoints; empty for none
	small  bool   // a few steps of a small model
	steps  int    // of a training; 0 for as many as the recipe says
	stop   int    // the step after which to leave the rest for another time; 0 for none
	out    io.Writer
}

// mnist trains models of the images of MNIST, and prints what they reach on the test images.
func mnist(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("learn mnist", flag.ContinueOnError)
	flags.SetOutput(out)
	run := mnistRun{out: out}
	flags.Uint64Var(&run.seed, "seed", 0, "of parameters and noise")
	flags.StringVar(&run.folder, "folder", "", "where checkpoints are, from which a training goes on")
	flags.IntVar(&run.steps, "steps", 0, "steps of a training in place of the recipe's")
	flags.IntVar(&run.stop, "stop", 0, "the step to stop after, or one more than there have been; with -folder, the next run goes on from there")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(mnistParts, func(p mnistPart) bool { return p.name == name }) {
			return fmt.Errorf("mnist has no part %q; parts: gaussian, maf, conv", name)
		}
	}
	if min(run.steps, run.stop) < 0 || run.stop > 0 && run.folder == "" {
		return fmt.Errorf("mnist: got -steps %d and -stop %d with folder %q, want none negative, and a folder to go on from", run.steps, run.stop, run.folder)
	}
	d, err := loadMNIST()
	if err != nil {
		return err
	}
	return mnistTable(d, run, flags.Args())
}

// mnistTable learns the parts with the given names, all if there are none.
func mnistTable(d digits, run mnistRun, names []string) error {
	var lines []string
	var missed []string
	for _, p := range mnistParts {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		start := time.Now()
		got, err := p.learn(d, run)
		if err != nil {
			return fmt.Errorf("mnist, %s: %w", p.name, err)
		}
		lines = append(lines, fmt.Sprintf("%-10s %-36s %11s %11s %11s %11.4f %8.0f\n", p.name, p.quantity, known(p.published), known(p.lo), known(p.hi), got, time.Since(start).Seconds()))
		if !(got >= p.lo && got <= p.hi) {
			missed = append(missed, p.name)
		}
	}
	fmt.Fprintf(run.out, "%-10s %-36s %11s %11s %11s %11s %8s\n%s", "part", "quantity", "published", "at least", "at most", "ours", "seconds", strings.Join(lines, ""))
	if missed != nil {
		return fmt.Errorf("the goal is missed by %s", strings.Join(missed, ", "))
	}
	return nil
}

// or returns the steps that were asked for, or else those of a recipe.
func (run mnistRun) or(steps int) int {
	if run.steps > 0 {
		return run.steps
	}
	return steps
}

// fit trains a model, goes on from the checkpoint of the part if there is one, and keeps one at each validation. quantity turns the loss of a validation
// into what the part is judged by.
func (run mnistRun) fit(part string, model *nf.NormalizingFlow, data nf.Sampler, rows *nf.Rows, quantity func(loss float64) float64, opts nf.FitOptions) error {
	src := rand.NewPCG(run.seed, 2)
	opts.Adam = nf.NewAdam(model.Params(), nil)
	point := nf.Checkpoint{Model: model, Adam: opts.Adam, Source: src, Data: rows}
	path := filepath.Join(run.folder, part+".safetensors")
	if run.folder != "" {
		if err := os.MkdirAll(run.folder, 0o777); err != nil {
			return err
		}
		if err := point.Load(path); err == nil {
			fmt.Fprintf(run.out, "%s: goes on from %s\n", part, path)
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	start := time.Now()
	opts.OnStep = func(s nf.Step) error {
		stop := run.stop > 0 && s.Number >= run.stop
		if !math.IsNaN(s.Validation) {
			fmt.Fprintf(run.out, "%s: step %d of %d, validation %.4f after %.0f s\n", part, s.Number, s.Of, quantity(s.Validation), time.Since(start).Seconds())
		}
		if run.folder != "" && (stop || !math.IsNaN(s.Validation)) {
			if err := point.Save(path); err != nil {
				return err
			}
		}
		if stop {
			return nf.ErrStop
		}
		return nil
	}
	_, err := nf.Fit(context.Background(), model.NLL(nil), data, &opts, src)
	return err
}
