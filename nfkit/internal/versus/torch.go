package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

//go:embed torch.py
var script string

// torch is a process that runs the models in PyTorch.
type torch struct {
	version string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// request is what torch.py reads.
type request struct {
	Do        string        `json:"do"` // version, build or time
	Threads   int           `json:"threads"`
	File      string        `json:"file,omitempty"` // weights, and rows as x
	Kind      workload.Kind `json:"kind,omitempty"`
	Mix       workload.Mix  `json:"mix,omitempty"`
	Layers    int           `json:"layers,omitempty"`
	Task      workload.Task `json:"task,omitempty"`
	Precision string        `json:"precision,omitempty"`
	Rate      float64       `json:"rate,omitempty"`  // learning rate
	Decay     float64       `json:"decay,omitempty"` // weight decay
	Steps     int           `json:"steps,omitempty"` // to check
	Repeat    int           `json:"repeat,omitempty"`
	Draws     int           `json:"draws"` // of chains
	Leapfrogs int           `json:"leapfrogs"`
	StepSize  float64       `json:"step_size"`
}

// reply is what it answers.
type reply struct {
	Error   string
	Version string
	Check   []float64
	Seconds float64
}

// findPython returns the given Python, or one that can import torch.
func findPython(python string) (string, error) {
	candidates := []string{python}
	if python == "" {
		candidates = []string{"python3", "/usr/bin/python3"} // a Python of the user's own may hide that of the system
	}
	for _, c := range candidates {
		if exec.Command(c, "-c", "import torch").Run() == nil {
			return c, nil
		}
	}
	return "", fmt.Errorf("no PyTorch in %s: install it, on Debian with apt-get install python3-torch libopenblas0-pthread, or name a Python that has it with -python",
		strings.Join(candidates, " or "))
}

// startTorch starts Python with the script.
func startTorch(python string) (*torch, error) {
	python, err := findPython(python)
	if err != nil {
		return nil, err
	}
	t := &torch{cmd: exec.Command(python, "-u", "-c", script)}
	t.cmd.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1")
	t.cmd.Stderr = os.Stderr
	in, err := t.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.in, t.out = in, bufio.NewReader(out)
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	r, err := t.ask(request{Do: "version", Threads: 1})
	if err != nil {
		return nil, errors.Join(err, t.stop())
	}
	t.version = r.Version
	return t, nil
}

// stop ends the process.
func (t *torch) stop() error {
	return errors.Join(t.in.Close(), t.cmd.Wait())
}

func (t *torch) ask(q request) (r reply, err error) {
	text, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	if _, err := t.in.Write(append(text, '\n')); err != nil {
		return r, fmt.Errorf("PyTorch's process does not read: %w", err)
	}
	answer, err := t.out.ReadBytes('\n')
	if err != nil {
		return r, fmt.Errorf("PyTorch's process does not answer: %w", err)
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return r, fmt.Errorf("PyTorch's process answers %q: %w", answer, err)
	}
	if r.Error != "" {
		return r, fmt.Errorf("PyTorch: %s", r.Error)
	}
	return r, nil
}

// build makes the model of a row from a file, and returns the numbers by which it is compared.
func (t *torch) build(row workload.Row, p ad.Precision, file string) ([]float64, error) {
	r, err := t.ask(request{Do: "build", Threads: cores, File: file, Kind: row.Kind, Mix: row.Mix, Layers: row.Layers, Task: row.Task,
		Precision: p.String(), Rate: workload.LearningRate, Decay: workload.WeightDecay, Steps: checkSteps,
		Draws: workload.Draws, Leapfrogs: workload.Leapfrogs, StepSize: workload.StepSize})
	return r.Check, err
}

// time returns the seconds of a step.
func (t *torch) time(threads, repeat int) (float64, error) {
	r, err := t.ask(request{Do: "time", Threads: threads, Repeat: repeat})
	return r.Seconds, err
}
