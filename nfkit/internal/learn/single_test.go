package main

import (
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/sweep"
)

// Each recipe of which single models can be trained keeps what it reaches, with seed and constants as they were set.
func TestSingle(t *testing.T) {
	for name, training := range trainings {
		folder := t.TempDir()
		args := []string{"-o", folder, "-set", "seed=18446744073709551615"}
		for key := range training.constants {
			args = append(args, "-set", key+"=2")
		}
		if err := command(append(args, name), io.Discard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := sweep.Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		for key := range training.constants {
			if r.Constants[key] != 2.0 {
				t.Errorf("%s: the constant %s is %v, want 2", name, key, r.Constants[key])
			}
		}
		if r.Name != name || r.Seed != 1<<64-1 || r.Weights == "" || len(r.Numbers) == 0 {
			t.Errorf("the result is %+v", r)
		}
	}
	for name := range trainings {
		if !strings.Contains(command([]string{"none"}, io.Discard).Error(), name) {
			t.Errorf("%s is no recipe", name)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"none", `there is no recipe "none"; recipes: tutorial,`},
		{"-set seed=1 tutorial", "-set and -o are for one recipe"},
		{"-o X", "-set and -o are for one recipe"},
		{"-o X tutorial nsf_tutorial", "-set and -o are for one recipe"},
		{"-o X conditional_maf", "conditional_maf is not for single models; these are: nsf_tutorial,"},
		{"-o X -set seed tutorial", "-set seed: want NAME=VALUE"},
		{"-o X -set seed=-1 tutorial", "-set seed=-1: "},
		{"-o X -set steps=0 tutorial", "-set steps=0: want 1 or more"},
		{"-o X -set steps=1.5 tutorial", "-set steps=1.5: "},
		{"-o X -set K=3 tutorial", "-set K=3: tutorial has no such constant; it has seed, couplings, held, rows, steps"},
		{"-none", "not defined"},
	} {
		err := command(strings.Fields(strings.ReplaceAll(c.args, "X", folder)), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestConstantsWith(t *testing.T) {
	c := constants{"a": 1, "b": 2}
	if got := c.with(constants{"b": 3}); !maps.Equal(got, constants{"a": 1, "b": 3}) || c["b"] != 2 {
		t.Errorf("got %v of %v", got, c)
	}
}
