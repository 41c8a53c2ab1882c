package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/sweep"
)

// constants are the whole numbers of a training.
type constants map[string]int

// with returns c with some numbers in place of its own.
func (c constants) with(changed constants) constants {
	c = maps.Clone(c)
	maps.Copy(c, changed)
	return c
}

// training is that of one model of a recipe, and the numbers that it reaches.
type training struct {
	train     func(seed uint64, c constants) (*nf.NormalizingFlow, map[string]float64, error)
	constants constants // of the recipe
}

// trainings are the recipes of which single models can be trained. One more is a line here, and the function that it names.
var trainings = map[string]training{
	"tutorial":        {tutorialTraining, tutorialConstants},
	"nsf_tutorial":    {nsfTraining, nsfConstants},
	"readme_twomoons": {twoMoonsTraining, twoMoonsConstants},
	"planar_reverse":  {planarTraining, planarConstants},
}

// single trains one model of the recipe with seed and constants as set says, NAME=VALUE each, and keeps the result in folder.
func single(name string, set []string, folder string, out io.Writer) error {
	t, ok := trainings[name]
	if !ok {
		return fmt.Errorf("%s is not for single models; these are: %s", name, strings.Join(slices.Sorted(maps.Keys(trainings)), ", "))
	}
	var seed uint64
	changed := constants{}
	for _, arg := range set {
		key, value, ok := strings.Cut(arg, "=")
		var err error
		switch _, known := t.constants[key]; {
		case !ok:
			err = errors.New("want NAME=VALUE")
		case key == "seed":
			seed, err = strconv.ParseUint(value, 0, 64)
		case !known:
			err = fmt.Errorf("%s has no such constant; it has seed, %s", name, strings.Join(slices.Sorted(maps.Keys(t.constants)), ", "))
		default:
			changed[key], err = strconv.Atoi(value)
			if err == nil && changed[key] < 1 {
				err = errors.New("want 1 or more")
			}
		}
		if err != nil {
			return fmt.Errorf("-set %s: %w", arg, err)
		}
	}
	c := t.constants.with(changed)
	model, numbers, err := t.train(seed, c)
	if err != nil {
		return err
	}
	r := sweep.Result{Name: name, Seed: seed, Constants: map[string]any{}, Numbers: numbers}
	for key, value := range c {
		r.Constants[key] = value
	}
	for _, key := range slices.Sorted(maps.Keys(numbers)) {
		fmt.Fprintf(out, "%s, seed %d: %s = %.4f\n", name, seed, key, numbers[key])
	}
	return r.Save(folder, model)
}
