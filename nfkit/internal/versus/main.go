// Versus runs the same models in nfkit and in plain PyTorch, one after the other in alternation on two cores, and prints
// how many times as fast nfkit is: medians of the same number of measurements on either side, and their ratio.
//
//	go run ./nfkit/internal/versus                  # everything; some minutes
//	go run ./nfkit/internal/versus -only tutorial   # the rows whose name matches
//	go run ./nfkit/internal/versus -table wide      # many components and units, few rows, slow directions
//	go run ./nfkit/internal/versus -table energy    # densities without data: reverse KL, Hamiltonian chains
//	go run ./nfkit/internal/versus -plots FOLDER    # without PyTorch: pictures of cost against rows, dimension, width, layers and cores
//	go run ./nfkit/internal/versus -table families  # monotone networks, continuous flows, flow matching
//
// It needs Python with PyTorch: on Debian, apt-get install python3-torch libopenblas0-pthread. PyTorch is given one and two threads,
// of which the faster is quoted, and OpenBLAS one: with more, both would wait for the same cores.
//
// Before anything is timed, both sides compute the same numbers from the same weights and rows, which go from one to the other in a
// file: the losses of three training steps, so that gradients and optimiser are compared as well.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"runtime"

	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/internal/versus/workload"
)

// cores is how many cores either side may use.
var cores = min(2, runtime.NumCPU())

func main() {
	log.SetFlags(0)
	log.SetPrefix("versus: ")
	pairs := flag.Int("n", 7, "number of measurements of either side; 0 compares the numbers that both find, and measures nothing")
	which := flag.String("table", "usual", "the rows to choose from: usual, wide, energy or families")
	only := flag.String("only", "", "regular expression: the rows to measure; empty means all")
	python := flag.String("python", "", "the Python that has PyTorch; empty means python3, or else that of the system")
	pictures := flag.String("plots", "", "folder for pictures of what sizes cost, and a page; nothing else is measured then")
	memory := flag.String("memory", "", "task whose memory to measure in this process, for its own use")
	flag.Parse()
	pick, err := regexp.Compile(*only)
	tables := map[string]table{"usual": {workload.Table, figures}, "wide": {workload.WideTable, wideFigures}, "energy": {rows: workload.EnergyTable},
		"families": {rows: workload.FamilyTable}}
	if err != nil || *pairs < 0 || tables[*which].rows == nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "versus: want usual, wide, energy or families for -table, a regular expression for -only, a number for -n, and no arguments")
		flag.Usage()
		os.Exit(2)
	}
	runtime.GOMAXPROCS(cores)
	switch {
	case *memory != "":
		err = measureMemory(*memory)
	case *pictures != "":
		err = plots(*pictures)
	default:
		err = run(tables[*which], *pairs, *python, pick)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// table is what there is to measure.
type table struct {
	rows    []workload.Row
	figures []figure
}

// run prints all that is asked for.
func run(from table, pairs int, python string, pick *regexp.Regexp) error {
	var t *torch
	fmt.Print(machine())
	var lines []line
	for _, row := range from.rows {
		for _, p := range []ad.Precision{ad.Float32, ad.Float64} {
			name := fmt.Sprintf("%v/%v", row, p)
			if row.Ratio[p] == 0 || !pick.MatchString(name) {
				continue
			}
			if t == nil {
				var err error
				if t, err = startTorch(python); err != nil {
					return err
				}
				defer t.stop()
				fmt.Printf("PyTorch %s\n\n", t.version)
			}
			log.Println(name)
			m, x := newModel(row)
			if err := agree(row, p, m, x, t); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if pairs == 0 {
				continue
			}
			l, err := compare(row, p, m, x, pairs, t)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			lines = append(lines, l)
		}
	}
	if len(lines) > 0 {
		fmt.Print(text(lines))
	}
	for _, f := range from.figures {
		if pairs == 0 || !pick.MatchString(f.name) {
			continue
		}
		log.Println(f.name)
		value, err := f.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		fmt.Printf("%s: %s\n", f.name, value)
	}
	return nil
}
