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
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/cputime"
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

// wideFigures are those of the wide table.
var wideFigures = []figure{
	{"Rows scored by 16 goroutines, one at a time, beside those of one goroutine", goroutines},
}

// goroutines scores rows of a model on one goroutine and on many, in alternation.
func goroutines() (string, error) {
	var text []string
	for _, row := range workload.OneRow {
		m, x := newModel(workload.Row{Task: row.Task, Model: row.Model, N: 256})
		m = m.WithPrecision(ad.Float32)
		n := 256
		score := func(goroutines int) (seconds, cpu float64) {
			start, before := time.Now(), cputime.Seconds()
			workload.Score(m, x, n, goroutines)
			return time.Since(start).Seconds() / float64(n), (cputime.Seconds() - before) / float64(n)
		}
		score(1) // what a first call takes is no part of a row
		one, _ := score(1)
		n = max(n, int(0.3/one))
		var times, work series
		for range 7 {
			one, cpu := score(1)
			many, cpuMany := score(16)
			times, work = append(times, one/many), append(work, cpuMany/cpu)
		}
		text = append(text, fmt.Sprintf("%s %.2f times (processor time of a row %.2f times)", row.Name, times.median(), work.median()))
	}
	return strings.Join(text, ", ") + "; wanted at least 1.9 on 2 cores", nil
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
