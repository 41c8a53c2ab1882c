package main

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// All targets are in the plane, and have names of their own; so have families.
func TestToys(t *testing.T) {
	seen := map[string]bool{}
	for _, toy := range toyTargets {
		if toy.target.Dim() != 2 || seen[toy.name] || !(toy.goal > 0) {
			t.Errorf("%s: dimension %d, twice %t, goal %v", toy.name, toy.target.Dim(), seen[toy.name], toy.goal)
		}
		seen[toy.name] = true
	}
	for _, f := range toyFamilies {
		if seen[f.name] {
			t.Errorf("two things have the name %s", f.name)
		}
		seen[f.name] = true
	}
	for _, name := range quickToys {
		if !seen[name] {
			t.Errorf("there is no target %s", name)
		}
	}
}

// Each family takes a step, and has a density.
func TestToyFamilies(t *testing.T) {
	x := targets.Moons{}.Sample(20, rand.NewPCG(1, 2))
	for _, f := range toyFamilies {
		if f.name == "gaussianize" || f.name == "mixture" { // their start takes seconds
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			m, err := f.train(context.Background(), targets.Moons{}, 0, rand.NewPCG(3, 4))
			if err != nil {
				t.Fatal(err)
			}
			if loss, err := m.NLL(nil).Loss(x, nil); err != nil || !(loss < 6) {
				t.Errorf("the loss is %v with error %v", loss, err)
			}
		})
	}
}

// The table has the worst seeds, and the error the targets whose goal no family reaches.
func TestToyTable(t *testing.T) {
	var out strings.Builder
	families := []toyFamily{{"one", nil}, {"other", nil}}
	chosen := []toy{{"moons", targets.Moons{}, 0.01}, {"pinwheel", targets.Pinwheel{}, 0.01}}
	err := printToys(&out, families, chosen, map[[2]string]toyCell{
		{"one", "moons"}: {above: 0.02}, {"other", "moons"}: {above: 0.009}, {"one", "pinwheel"}: {above: 0.3, cut: true}, {"other", "pinwheel"}: {above: 0.011},
	})
	if err == nil || err.Error() != "no family reaches the goal of pinwheel" {
		t.Errorf("got the error %v", err)
	}
	for _, want := range []string{"moons", "1.0076", "0.0090", "0.3000*"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got the table\n%s\nwant %s in it", out.String(), want)
		}
	}
	for args, want := range map[string]string{
		"-families none": `there is no family "none"`, "-targets moon": `there is no target "moon"`, "-seeds 0": "got 0 seeds", "-seconds -1": "-1 seconds",
	} {
		if err := toys(strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("toys %s: got the error %v, want one with %s", args, err, want)
		}
	}
}

var _ nf.Sampler = standardized{}
