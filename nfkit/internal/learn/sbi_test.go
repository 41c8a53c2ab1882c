package main

import (
	"io"
	"strings"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/targets/simulators"
)

func TestSBIArguments(t *testing.T) {
	for args, want := range map[string]string{"sbi moons": `no task "moons"`, "sbi -observations 11": "11 observations", "sbi -seeds 0": "0 seeds", "sbi -seed 1": "not defined"} {
		if err := command(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("learn %s: error %v, want one with %q", args, err, want)
		}
	}
	for _, task := range simulators.All() {
		if p := published[task.Name()]; len(p) != 2 {
			t.Errorf("%s has no published score at two budgets: %v", task.Name(), p)
		}
	}
}
