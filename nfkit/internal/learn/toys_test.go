package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
		"-gather": "a folder with -gather", "-quick -o here": "no -quick with a folder",
		"-families none": `there is no family "none"`, "-targets moon": `there is no target "moon"`, "-seeds 0": "got 0 seeds", "-seconds -1": "-1 seconds",
	} {
		if err := toys(strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("toys %s: got the error %v, want one with %s", args, err, want)
		}
	}
}

// What a folder has is not trained again, and what it lacks is blank when results are gathered; the worst seed counts, also one that is not a number.
func TestToyParts(t *testing.T) {
	dir := t.TempDir()
	results := toyResults(filepath.Join(dir, "results"))
	for _, c := range []struct {
		family, target string
		seed           uint64
		cell           toyCell
	}{
		{"nsf", "moons", 0, toyCell{0.0021, 0.0002, 40, 80, false}},
		{"nsf", "moons", 1, toyCell{0.0034, 0.0002, 60, 120, true}},
		{"naf", "moons", 0, toyCell{math.NaN(), math.NaN(), 40, 80, false}},
		{"naf", "moons", 1, toyCell{0.5, 0.1, 40, 80, false}},
		{"nsf", "pinwheel", 0, toyCell{0.001, 0.0002, 40, 80, false}},
	} {
		if err := results.save(c.family, c.target, c.seed, c.cell); err != nil {
			t.Fatal(err)
		}
	}
	picture := filepath.Join(dir, "toys.png")
	gather := []string{"-o", string(results), "-families", "nsf,naf", "-seeds", "2", "-gather", "-picture", picture, "-targets"}
	var out strings.Builder
	if err := toys(append(gather, "moons,pinwheel"), &out, io.Discard); err == nil || err.Error() != "no family reaches the goal of pinwheel" {
		t.Errorf("got the error %v", err)
	}
	rows := strings.Split(out.String(), "\n")
	if got := strings.Fields(rows[3]); !slices.Equal(got, []string{"nsf", "0.0034*", "-"}) {
		t.Errorf("got the row %q", got)
	}
	if got := strings.Fields(rows[4]); !slices.Equal(got, []string{"naf", "NaN", "-"}) {
		t.Errorf("got the row %q", got)
	}
	if png, err := os.ReadFile(picture); err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) {
		t.Errorf("the picture has %d bytes, with error %v", len(png), err)
	}
	if err := toys([]string{"-o", string(results), "-families", "nsf", "-seeds", "2", "-targets", "moons"}, io.Discard, io.Discard); err != nil {
		t.Errorf("with all results there, got the error %v", err)
	}
	if err := os.WriteFile(results.path("nsf", "moons", 0), []byte("above"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := toys(append(gather, "moons"), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "moons_nsf_0.txt") {
		t.Errorf("of a broken file, got the error %v", err)
	}
}

var _ nf.Sampler = standardized{}
