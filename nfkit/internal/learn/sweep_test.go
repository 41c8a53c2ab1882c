//go:build unix

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/sweep"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

const cluster = "../../../binder/cluster/"

// asCommand makes the test program behave as the command itself, so that it can be run many times at once.
const asCommand = "NFKIT_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// recipeCommand returns the command that the recipes for Kubernetes and Slurm run for each index, which is the same.
func recipeCommand(t *testing.T) string {
	t.Helper()
	var commands []string
	for _, name := range []string{"job.yaml", "array.sbatch"} {
		text, err := os.ReadFile(cluster + name)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`sh,? -c,? '([^']+)'`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s runs no command", name)
		}
		commands = append(commands, string(found[1]))
	}
	if commands[0] != commands[1] {
		t.Fatalf("the recipes run\n%s\nand\n%s", commands[0], commands[1])
	}
	return commands[0]
}

// Eight runs of the recipes' command at the same time, one of which is killed in the middle and run again, are gathered without loss, and the
// mixture of their models is one density.
func TestSweep(t *testing.T) {
	const small = "-set couplings=1 -set steps=2 -set rows=8 -set held=100"
	goRun := "go run ./nfkit/internal/learn"
	command := recipeCommand(t)
	if !strings.HasPrefix(command, goRun+" ") {
		t.Fatalf("the recipes run %s, want %s", command, goRun)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = strings.Replace(command, goRun, "'"+program+"' "+small, 1)
	results := t.TempDir()
	run := func(index int, command string) *exec.Cmd {
		cmd := exec.Command(cluster+"run-one", results, fmt.Sprint(index), "sh", "-c", command)
		cmd.Env = append(os.Environ(), asCommand+"=1")
		return cmd
	}
	all := func(kill int) {
		t.Helper()
		var cmds []*exec.Cmd
		for index := range 8 {
			c := command
			if index == kill { // when the weights are there, and nothing else has happened
				c += "; kill -KILL $PPID"
			}
			cmd := run(index, c)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds = append(cmds, cmd)
		}
		for index, cmd := range cmds {
			if err := cmd.Wait(); (err != nil) != (index == kill) {
				t.Errorf("run %d: %v", index, err)
			}
		}
	}
	all(3)
	settings, leftOut, err := sweep.Gather(results, 8)
	if err != nil || len(leftOut) != 1 || !strings.HasPrefix(leftOut[0], "3: it was started and has not ended; what it has written is in .3.") {
		t.Fatalf("where run 3 was killed, these are left out: %q (%v)", leftOut, err)
	}
	if n := len(settings[0].Runs); n != 7 {
		t.Fatalf("where run 3 was killed, there are %d runs", n)
	}
	before := modTimes(t, results)
	all(-1)
	for index, at := range modTimes(t, results) {
		if index != 3 && at != before[index] {
			t.Errorf("run %d was run again", index)
		}
	}
	settings, leftOut, err = sweep.Gather(results, 8)
	if err != nil || len(leftOut) > 0 || len(settings) != 1 || len(settings[0].Runs) != 8 {
		t.Fatalf("after it was run again, gathered %v without %q (%v)", settings, leftOut, err)
	}
	entries, err := os.ReadDir(results)
	if err != nil || len(entries) != 8 {
		t.Errorf("%d entries are left, want 8 (%v)", len(entries), err)
	}
	seeds := map[uint64]bool{}
	for _, r := range settings[0].Runs {
		seeds[r.Seed] = true
	}
	if len(seeds) != 8 {
		t.Errorf("the seeds are %v", seeds)
	}

	path := filepath.Join(results, "ensemble.safetensors")
	if err := settings[0].SaveEnsemble(path); err != nil {
		t.Fatal(err)
	}
	var models []*nf.NormalizingFlow
	for _, r := range settings[0].Runs {
		model, _, err := tutorialTraining(r.Seed, tutorialConstants.with(constants{"couplings": 1, "steps": 2, "rows": 8, "held": 100}))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, model)
	}
	x := targets.UniformNormal{}.Sample(50, rand.NewPCG(1, 2))
	want := nf.NewEnsemble(models).LogProb(x) // the same seeds give the same models
	ensemble := nf.NewEnsemble(slices.Clone(models)).Clone()
	for _, p := range ensemble.Params() {
		for i := range p.Data {
			p.Data[i] = math.Pi
		}
	}
	if err := nf.Load(path, ensemble); err != nil {
		t.Fatal(err)
	}
	if got := ensemble.LogProb(x); !slices.Equal(got, want) {
		t.Error("the mixture that was gathered is not that of the models")
	}
}

// modTimes returns when the result of each run was written.
func modTimes(t *testing.T, results string) (times [8]int64) {
	t.Helper()
	for index := range times {
		if info, err := os.Stat(filepath.Join(results, fmt.Sprint(index), "result.json")); err == nil {
			times[index] = info.ModTime().UnixNano()
		}
	}
	return times
}
