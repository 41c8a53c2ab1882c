package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/sweep"
)

const gatherUsage = `usage: go run ./notebooks gather [flags] FOLDER

Reads what many runs have found, a folder each in FOLDER, as package nfkit/sweep
keeps it. Prints the mean of each number over the seeds of a setting with its standard
error, and the best run, and writes the models of the best setting to one file, which
nfkit.NewEnsemble loads as one density. A run that is missing or not whole is named, and
the exit status is then 1.

flags:
  -runs N      there should be N runs, 0 to N-1; without it, only gaps are noticed
  -by NUMBER   the number that says which is best, the least (nll, or the only one)
  -o FILE      where the models go (FOLDER/ensemble.safetensors)
`

// gatherSettings is what the command line of gather says.
type gatherSettings struct {
	folder, by, out string
	runs            int
}

// parseGatherArgs reads the command line that follows the word gather.
func parseGatherArgs(args []string) (*gatherSettings, error) {
	s := &gatherSettings{}
	f := flag.NewFlagSet("gather", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.IntVar(&s.runs, "runs", 0, "")
	f.StringVar(&s.by, "by", "", "")
	f.StringVar(&s.out, "o", "", "")
	folders, err := parseMixed(f, args)
	switch {
	case err != nil:
		return nil, err
	case len(folders) != 1:
		return nil, fmt.Errorf("got %d folders of results, want one", len(folders))
	case s.runs < 0:
		return nil, fmt.Errorf("got -runs %d, want 1 or more", s.runs)
	}
	s.folder = folders[0]
	if s.out == "" {
		s.out = filepath.Join(s.folder, "ensemble.safetensors")
	}
	return s, nil
}

// do gathers the results.
func (s *gatherSettings) do(_ context.Context, stdout io.Writer) error {
	settings, leftOut, err := sweep.Gather(s.folder, s.runs)
	if err != nil {
		return err
	}
	if len(settings) > 0 {
		err = s.summarize(settings, stdout)
	}
	switch {
	case len(leftOut) > 0:
		missed := fmt.Errorf("these runs of %s are left out:\n  %s", s.folder, strings.Join(leftOut, "\n  "))
		return errors.Join(err, missed)
	case len(settings) == 0:
		return fmt.Errorf("there are no results in %s", s.folder)
	}
	return err
}

// summarize prints what each setting reaches, and writes the models of the best.
func (s *gatherSettings) summarize(settings []sweep.Setting, stdout io.Writer) error {
	by, err := s.number(settings)
	if err != nil {
		return err
	}
	best := slices.MinFunc(settings, func(a, b sweep.Setting) int {
		x, _ := a.Mean(by)
		y, _ := b.Mean(by)
		return cmp.Compare(x, y)
	})
	for _, set := range settings {
		fmt.Fprintf(stdout, "%s%s, runs: %d\n", set.Name, constantsText(set.Constants), len(set.Runs))
		for _, number := range set.Numbers() {
			mean, standardError := set.Mean(number)
			least := set.Best(number)
			spread := fmt.Sprintf(" ± %.2g", standardError)
			if len(set.Runs) == 1 {
				spread = "" // one run says nothing about it
			}
			fmt.Fprintf(stdout, "  %s = %.6g%s, least %.6g in %s\n", number, mean, spread, least.Numbers[number], least.Folder)
		}
	}
	run := best.Best(by)
	fmt.Fprintf(stdout, "best %s: %s%s, seed %d, in %s\n", by, run.Name, constantsText(run.Constants), run.Seed, filepath.Join(run.Folder, run.Weights))
	if err := best.SaveEnsemble(s.out); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "mixture of %d models: %s\n", len(best.Runs), s.out)
	return nil
}

// number returns the name of the number by which settings are compared.
func (s *gatherSettings) number(settings []sweep.Setting) (string, error) {
	common := settings[0].Numbers()
	for _, set := range settings {
		common = slices.DeleteFunc(common, func(name string) bool { return !slices.Contains(set.Numbers(), name) })
	}
	switch {
	case s.by != "" && slices.Contains(common, s.by):
		return s.by, nil
	case s.by == "" && len(common) == 1:
		return common[0], nil
	case s.by == "" && slices.Contains(common, "nll"):
		return "nll", nil
	}
	return "", fmt.Errorf("which number says what is best? -by can be one of: %s", strings.Join(common, ", "))
}

// constantsText lists constants as a command line has them.
func constantsText(constants map[string]any) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(constants)) {
		fmt.Fprintf(&b, " %s=%v", name, constants[name])
	}
	return b.String()
}
