package main

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/cputime"
	"github.com/nfkit/nfkit-go/nfkit/internal/kernel"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

// curve is what steps cost against a size.
type curve struct {
	name      string
	precision ad.Precision
	x         []float64
	rows      []workload.Row
	seconds   []float64 // of processor time, on one core if nothing else is said
	ceiling   []float64 // operations that a core can do in a second, at about the same time
	single    []float64 // seconds on one core, where the others are on two
	bytes     []float64
}

// sweep returns the rows of a curve, one for each size.
func sweep(name string, p ad.Precision, sizes []int, row func(size int) workload.Row) *curve {
	c := &curve{name: fmt.Sprintf("%s, %v", name, p), precision: p}
	for _, size := range sizes {
		c.x, c.rows = append(c.x, float64(size)), append(c.rows, row(size))
	}
	return c
}

// measure fills in what the steps cost.
func (c *curve) measure() error {
	for i, row := range c.rows {
		log.Printf("%s at %.0f", c.name, c.x[i])
		before := cpuCeiling(c.precision)
		seconds, err := cpuCost(row, c.precision, 1)
		if err != nil {
			return err
		}
		c.seconds = append(c.seconds, seconds)
		c.ceiling = append(c.ceiling, (before+cpuCeiling(c.precision))/2)
	}
	return nil
}

// per returns the cost of each step over a size of it.
func (c *curve) per(unit float64, size func(row workload.Row) int) []float64 {
	var y []float64
	for i, row := range c.rows {
		y = append(y, c.seconds[i]/unit/float64(size(row)))
	}
	return y
}

// share returns the part of the ceiling that each step reaches, in per cent.
func (c *curve) share() []float64 {
	var y []float64
	for i, row := range c.rows {
		y = append(y, 100*row.Flop()/c.seconds[i]/c.ceiling[i])
	}
	return y
}

// measureSecond fills in what the steps cost on two cores, and on one.
func (c *curve) measureSecond() error {
	for i, row := range c.rows {
		log.Printf("%s on two cores at %.0f", c.name, c.x[i])
		single, err := cpuCost(row, c.precision, 1)
		if err != nil {
			return err
		}
		double, err := cpuCost(row, c.precision, 2)
		if err != nil {
			return err
		}
		c.seconds, c.single = append(c.seconds, double), append(c.single, single)
	}
	return nil
}

// measureMemory fills in what the steps need.
func (c *curve) measureMemory() error {
	log.Printf("memory of %s", c.name)
	for _, row := range c.rows {
		bytes, err := heldBytes(row, c.precision)
		if err != nil {
			return err
		}
		c.bytes = append(c.bytes, bytes)
	}
	return nil
}

// over returns the memory of each step in units of its own.
func (c *curve) over(unit func(row workload.Row) float64) []float64 {
	var y []float64
	for i, row := range c.rows {
		y = append(y, c.bytes[i]/unit(row))
	}
	return y
}

// ratio returns the processor time on two cores over that on one.
func (c *curve) ratio() []float64 {
	var y []float64
	for i, s := range c.seconds {
		y = append(y, s/c.single[i])
	}
	return y
}

// cpuCost returns the processor time of a step on the given number of cores: the least of a few measurements, since other work on the same
// machine can only add to it.
func cpuCost(row workload.Row, p ad.Precision, procs int) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	runtime.GC()
	step := row.Step(row.New(rand.NewPCG(1, 2)), p, row.Rows(row.N, rand.NewPCG(5, 6)))
	first := cputime.Seconds()
	if err := step(); err != nil { // makes what the others find
		return 0, err
	}
	const (
		long   = 0.06 // seconds of a measurement
		enough = 0.25 // of all of them, after which there is no further one
		ages   = 5.0  // of a step whose beginning does not count
	)
	best := cputime.Seconds() - first
	if best > ages {
		return best, nil
	}
	for begin := cputime.Seconds(); cputime.Seconds() < begin+enough; {
		repeat, start := 0, cputime.Seconds()
		for {
			if err := step(); err != nil {
				return 0, err
			}
			if repeat++; repeat%8 == 1 && cputime.Seconds() > start+long {
				break
			}
		}
		best = min(best, (cputime.Seconds()-start)/float64(repeat))
	}
	return best, nil
}

// cpuCeiling returns how many floating-point operations of multiply-adds a core does in a second of processor time, NaN in a build
// without assembly.
func cpuCeiling(p ad.Precision) float64 {
	loops := kernel.MulAddLoops[float64]()
	if p == ad.Float32 {
		loops = kernel.MulAddLoops[float32]()
	}
	best := math.NaN()
	for _, loop := range loops {
		for range 8 {
			start := cputime.Seconds()
			flop := loop(300_000)
			if rate := flop / (cputime.Seconds() - start); !(rate <= best) {
				best = rate
			}
		}
	}
	return best
}

// heldBytes returns the memory that a step needs beside its rows and results: what model and optimiser hold, and all that the first step takes.
func heldBytes(row workload.Row, p ad.Precision) (float64, error) {
	x := row.Rows(row.N, rand.NewPCG(5, 6))
	before := heap()
	step := row.Step(row.New(rand.NewPCG(1, 2)), p, x)
	built := heap()
	if err := step(); err != nil {
		return 0, err
	}
	bytes := float64(built.HeapAlloc) - float64(before.HeapAlloc) + float64(heap().TotalAlloc-built.TotalAlloc)
	if row.Task == workload.LogProb {
		bytes -= float64(8 * row.N) // the results
	}
	runtime.KeepAlive(step)
	runtime.KeepAlive(x)
	return bytes, nil
}

// heap returns what is in use, without garbage.
func heap() (s runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what finalizers and pools held as well
	runtime.ReadMemStats(&s)
	return s
}

// parameterBytes returns the size of the parameters of a row's model, in float64.
func parameterBytes(row workload.Row) float64 {
	n := 0
	for _, p := range row.New(rand.NewPCG(1, 2)).Params() {
		n += len(p.Data)
	}
	return float64(8 * n)
}
