package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parts are what a step spends its time on, by the functions that do it: the first expression that matches a name counts.
var parts = []struct {
	name      string
	functions *regexp.Regexp
}{
	{"packing weights", regexp.MustCompile(`/kernel\.(pack|\(\*?(Weights|Triangle)[^.]*\)\.Pack|convert32|Convert32)`)},
	{"products", regexp.MustCompile(`/kernel\.(panel|[dD]ense|dots|dotPairs|mul(Packed|Strided|Scratch|Dots|Few|Transposed)|Mul(T?Add|AddT)|add(Two|Pairs|Rest|Dots)|readable|gather|substitute|.*Triang)`)},
	{"splines", regexp.MustCompile(`/ad\.(.*[sS]pline|\(\*piece\)|\(\*inverse|findBin|bin|fractions|knot|slope|add(Piece|Knots|Slope)|between)`)},
	{"exp and the like", regexp.MustCompile(`/kernel\.(exp|log|tanh[36]|sigmoid[36]|softplus[36]|elu[36]|each|math)|^math\.`)},
	{"random numbers", regexp.MustCompile(`rand\.|/ad\.\(\*noise|fillNormal`)},
	{"the optimiser", regexp.MustCompile(`/kernel\.(adam|Adam)`)},
	{"element by element", regexp.MustCompile(`/kernel\.`)},
	{"moving memory", regexp.MustCompile(`^runtime\.mem|/ad\.(columns|copy|.*[cC]oncat|.*[sS]catter|.*[sS]lice)`)},
	{"gradients of parameters", regexp.MustCompile(`/ad\.(addGrad|setGrad|.*sumParam|.*read)`)},
	{"the runtime", regexp.MustCompile(`^(runtime|sync|internal|time)[./]`)},
	{"other operations", regexp.MustCompile(``)},
}

// spends returns what a step spends its time on: the largest parts of a profile of one core, in shares of the whole.
func spends(step func() error) (string, error) {
	folder, err := os.MkdirTemp("", "versus")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "cpu.pprof")
	if err := profile(path, step); err != nil {
		return "", err
	}
	text, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", "-unit=ms", path).Output()
	if err != nil {
		return "", fmt.Errorf("go tool pprof: %w", err)
	}
	return largest(string(text)), nil
}

// profile writes where a step spends its time, repeated for long enough.
func profile(path string, step func() error) (err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for start := time.Now(); time.Since(start) < 1500*time.Millisecond; {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// largest returns the largest parts in a table of go tool pprof -top: as many as make up three quarters of it, but no more than three.
func largest(table string) string {
	share := make([]float64, len(parts))
	var all float64
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasSuffix(fields[1], "%") {
			continue
		}
		ms, err := strconv.ParseFloat(strings.TrimSuffix(fields[0], "ms"), 64)
		if err != nil {
			continue
		}
		name := strings.Join(fields[5:], " ")
		if name == "runtime.asyncPreempt" { // interrupted, as the profile interrupts: it stands for whatever ran
			continue
		}
		for i, p := range parts {
			if p.functions.MatchString(name) {
				share[i] += ms
				break
			}
		}
		all += ms
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(share[j], share[i]) })
	var text []string
	sum := 0.0
	for _, i := range order[:3] {
		if sum < 0.75*all {
			text = append(text, fmt.Sprintf("%s %s", parts[i].name, percent(share[i]/all)))
		}
		sum += share[i]
	}
	return strings.Join(text, ", ")
}
