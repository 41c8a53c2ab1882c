package sweep

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// Run is the result of a run, and the folder that it is in.
type Run struct {
	Folder string
	Result
}

// Setting is what was run with the same name and constants, and other seeds.
type Setting struct {
	Name      string
	Constants map[string]any
	Runs      []Run // in the order of the folders' names, 9 before 10
}

// Gather reads the results in folder: those of its subfolders, each the result of one run. count is the number of runs that there should be, in
// subfolders 0, 1, …; 0 if that is not known.
//
// leftOut names each run that is not counted, and why: it has left nothing or not all, it was started and has not ended, it has the seed and
// constants of another one, or it lacks a number that others of its setting have. Where all names are whole numbers, those that are missing
// between them are named as well. err is that of reading the folder.
func Gather(folder string, count int) (settings []Setting, leftOut []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("sweep: Gather: %w", err)
	}
	var names []string
	started := map[string]string{} // by name of the run, where one that has not ended writes
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(folder, e.Name())); err != nil || !info.IsDir() {
			continue
		}
		if hidden, ok := strings.CutPrefix(e.Name(), "."); ok { // .NAME.XXXXXX, of run-one
			if name, _, ok := strings.Cut(hidden, "."); ok {
				started[name] = e.Name()
			}
		} else {
			names = append(names, e.Name())
		}
	}
	for name := range started {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	names = withMissing(names, count)
	slices.SortFunc(names, byNumber)

	leave := func(name string, format string, args ...any) {
		leftOut = append(leftOut, name+": "+fmt.Sprintf(format, args...))
	}
	at := map[string]int{}       // by setting, its place in settings
	first := map[string]string{} // by setting and seed, the run
	for _, name := range names {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			if where, ok := started[name]; ok {
				leave(name, "it was started and has not ended; what it has written is in %s", where)
			} else {
				leave(name, "there is no such folder")
			}
			continue
		}
		r, err := load(path)
		if err != nil {
			leave(name, "%v", err)
			continue
		}
		key := r.setting()
		seed := fmt.Sprint(key, r.Seed)
		if other, ok := first[seed]; ok {
			leave(name, "it has the seed and constants of %s", other)
			continue
		}
		first[seed] = name
		k, ok := at[key]
		if !ok {
			k = len(settings)
			at[key] = k
			settings = append(settings, Setting{Name: r.Name, Constants: r.Constants})
		}
		settings[k].Runs = append(settings[k].Runs, Run{path, r})
	}
	for k := range settings {
		s := &settings[k]
		all := s.Numbers()
		s.Runs = slices.DeleteFunc(s.Runs, func(r Run) bool {
			for _, number := range all {
				if _, ok := r.Numbers[number]; !ok {
					leave(filepath.Base(r.Folder), "it has no number %s, which others have", number)
					return true
				}
			}
			return false
		})
	}
	settings = slices.DeleteFunc(settings, func(s Setting) bool { return len(s.Runs) == 0 })
	slices.SortFunc(leftOut, byNumber)
	return settings, leftOut, nil
}

// setting returns what runs of one setting have in common, as a text.
func (r Result) setting() string {
	text, err := json.Marshal([]any{r.Name, r.Constants}) // names of constants are sorted
	if err != nil {
		panic(err) // it was read from such a text
	}
	return string(text)
}

// withMissing returns names and those that are missing: up to count and, if all names are whole numbers, between the least and the largest.
func withMissing(names []string, count int) []string {
	there, numbered := map[int]bool{}, []int{}
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil && strconv.Itoa(n) == name && n >= 0 {
			there[n] = true
			numbered = append(numbered, n)
		}
	}
	all := slices.Clone(names)
	add := func(from, to int) {
		for n := from; n < to; n++ {
			if !there[n] {
				there[n] = true
				all = append(all, strconv.Itoa(n))
			}
		}
	}
	add(0, count)
	if len(numbered) == len(names) && len(names) > 0 {
		add(slices.Min(numbered), min(slices.Max(numbered), slices.Min(numbered)+mostMissing))
	}
	return all
}

// mostMissing bounds how many runs are missed where nobody has said how many there should be.
const mostMissing = 100_000

// byNumber compares texts by the number that they begin with, and then as texts.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(leading(a), leading(b)), cmp.Compare(a, b))
}

// leading returns the number that s begins with, more than any if there is none.
func leading(s string) int {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return math.MaxInt
	}
	return n
}

// Numbers returns the names of all numbers of the runs, sorted.
func (s Setting) Numbers() []string {
	all := map[string]bool{}
	for _, r := range s.Runs {
		for name := range r.Numbers {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Mean returns the mean of a number over the runs, and its standard error: the standard deviation over √n, NaN for one run. Both are NaN for
// a number that a run has not.
func (s Setting) Mean(number string) (mean, standardError float64) {
	var x []float64
	for _, r := range s.Runs {
		v, ok := r.Numbers[number]
		if !ok {
			return math.NaN(), math.NaN()
		}
		x = append(x, v)
	}
	mean, deviation := stat.MeanStdDev(x, nil)
	return mean, stat.StdErr(deviation, float64(len(x)))
}

// Best returns the run in which a number is least, the first of several. It panics when there are no runs, or one has no such number.
func (s Setting) Best(number string) Run {
	if len(s.Runs) == 0 {
		panic("sweep: Setting.Best: got a setting without runs")
	}
	for _, r := range s.Runs {
		if _, ok := r.Numbers[number]; !ok {
			panic(fmt.Sprintf("sweep: Setting.Best: the run %s has no number %s", r.Folder, number))
		}
	}
	return slices.MinFunc(s.Runs, func(a, b Run) int { return cmp.Compare(a.Numbers[number], b.Numbers[number]) })
}
