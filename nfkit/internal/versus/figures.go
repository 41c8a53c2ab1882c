package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

// figure is something that is measured of nfkit alone.
type figure struct {
	name    string
	measure func() (string, error)
}

var figures = []figure{
	{"1000 epochs of the tutorial in float64", epochs},
	{"Peak resident memory of training the tutorial's model", func() (string, error) { return memory("train", "below 64 MiB") }},
	{"Peak resident memory of evaluating 10 million rows", func() (string, error) { return memory("evaluate", "the same for any number of rows") }},
}

// epochs trains the tutorial's model as the tutorial does, each step on new rows.
func epochs() (string, error) {
	start := time.Now()
	if err := train(1000); err != nil {
		return "", err
	}
	return fmt.Sprintf("%.2f s, wanted at most 3 s", time.Since(start).Seconds()), nil
}

func train(epochs int) error {
	src := rand.NewPCG(1, 2)
	m := workload.Tutorial.New(src)
	adam := nf.NewAdam(m.Params(), &nf.AdamOptions{WeightDecay: workload.WeightDecay})
	objective := m.NLL(nil)
	for range epochs {
		if _, err := objective.LossGrad(workload.Tutorial.Rows(512, src), src); err != nil {
			return err
		}
		adam.Step()
	}
	return nil
}

// evaluate computes the log-density of 100 000 new rows, as many times as it is told, and calls after each time.
func evaluate(batches int, after func(rows int) error) error {
	const n = 100_000
	src := rand.NewPCG(1, 2)
	m, dst := workload.Tutorial.New(src), make([]float64, n)
	for k := range batches {
		m.LogProbTo(dst, workload.Tutorial.Rows(n, src))
		if err := after((k + 1) * n); err != nil {
			return err
		}
	}
	return nil
}

// memory measures a task in a process of its own.
func memory(task, wanted string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(program, "-memory", task)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	return strings.TrimSpace(string(text)) + ", wanted " + wanted, err
}

// measureMemory does a task and prints the peak resident memory of this process.
func measureMemory(task string) error {
	if task == "train" {
		if err := train(1000); err != nil {
			return err
		}
		mib, err := peakMemory()
		fmt.Printf("%.0f MiB", mib)
		return err
	}
	return evaluate(100, func(rows int) error {
		if rows != 1_000_000 && rows != 10_000_000 {
			return nil
		}
		mib, err := peakMemory()
		fmt.Printf("%.0f MiB after %d million ", mib, rows/1_000_000)
		return err
	})
}

// peakMemory returns the most memory that this process had in MiB, as Linux tells.
func peakMemory() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("the peak memory is read from Linux's /proc: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return float64(kib) / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM")
}
