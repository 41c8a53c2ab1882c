package nfkit

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/nfkit/nfkit-go/nfkit/internal/tensorfile"
)

// compare returns an error that says how the tensors of a file differ from s in name, shape or type: first where parts
// that are counted are not as many, then part by part.
func compare(stored []tensorfile.Tensor, s State) error {
	byName := make(map[string]tensorfile.Tensor, len(stored))
	inFile, inModel := map[string]bool{}, map[string]bool{} // names, and their beginnings: of those in the file, what the model has
	got, want := make([]string, len(stored)), make([]string, len(s))
	for i, t := range s {
		want[i] = t.Name
		for part := range beginnings(t.Name) {
			inModel[part] = true
		}
	}
	for i, t := range stored {
		byName[t.Name], got[i] = t, t.Name
		for part := range beginnings(t.Name) {
			if !inModel[part] {
				break // nor has the model what begins so
			}
			inFile[part] = true
		}
	}
	faults, explained := compareNumbered(got, want, inModel)
	var missing, unexpected absent
	for _, t := range s {
		got, ok := byName[t.Name]
		delete(byName, t.Name)
		switch {
		case explained(t.Name):
		case !ok:
			missing.add(t.Name, t.Shape, inFile)
		case !slices.Equal(got.Shape, t.Shape):
			faults = append(faults, fmt.Sprintf("%s has %s in the file, %s in the model", t.Name, shapeText(got.Shape), shapeText(t.Shape)))
		case t.Ints != nil && !got.DType.Whole():
			faults = append(faults, fmt.Sprintf("%s has type %s in the file, whole numbers in the model", t.Name, got.DType))
		}
	}
	for _, t := range stored {
		if _, ok := byName[t.Name]; ok && !explained(t.Name) {
			unexpected.add(t.Name, t.Shape, inModel)
		}
	}
	for _, part := range missing.parts {
		faults = append(faults, fmt.Sprintf("the file has no %s (%s)", shown(part), missing.text(part)))
	}
	for _, part := range unexpected.parts {
		faults = append(faults, fmt.Sprintf("the model has no %s (%s in the file)", shown(part), unexpected.text(part)))
	}
	return refusal("the file is of another architecture", faults)
}

// beginnings yields a, a.b and a.b.c of the name a.b.c.
func beginnings(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range name {
			if name[i] == '.' && !yield(name[:i]) {
				return
			}
		}
		yield(name)
	}
}

// absent is the largest parts of which one side has nothing.
type absent struct {
	parts  []string
	shapes map[string][][]int
}

// add counts a tensor that is not among the names there.
func (a *absent) add(name string, shape []int, there map[string]bool) {
	part := name
	for b := range beginnings(name) {
		if !there[b] {
			part = b
			break
		}
	}
	if a.shapes == nil {
		a.shapes = map[string][][]int{}
	}
	if a.shapes[part] == nil {
		a.parts = append(a.parts, part)
	}
	a.shapes[part] = append(a.shapes[part], shape)
}

func (a *absent) text(part string) string {
	if shapes := a.shapes[part]; len(shapes) > 1 {
		return fmt.Sprintf("%d tensors", len(shapes))
	}
	return shapeText(a.shapes[part][0])
}

// compareNumbered says where the two lists of names have parts of a list with other numbers: flows.0, flows.1, …
// inModel has the beginnings of want. explained reports whether a name is of such a part.
func compareNumbered(got, want []string, inModel map[string]bool) (faults []string, explained func(name string) bool) {
	numbersInModel, lists := numbered(want, inModel)
	numbersInFile, _ := numbered(got, inModel)
	slices.SortStableFunc(lists, func(a, b string) int { return strings.Count(a, ".") - strings.Count(b, ".") }) // the outermost say most
	parts := map[string]bool{}
	explained = func(name string) bool {
		for part := range beginnings(name) {
			if parts[part] || !inModel[part] {
				return parts[part]
			}
		}
		return false
	}
	for _, list := range lists {
		f, m := numbersInFile[list], numbersInModel[list]
		if f == nil || explained(list) || len(f) == len(m) && !slices.ContainsFunc(numbersOf(f), func(n int) bool { return !m[n] }) {
			continue
		}
		faults = append(faults, fmt.Sprintf("the file has %s %s, the model %s", list, numbersText(f), numbersText(m)))
		for _, side := range []map[int]bool{f, m} {
			for n := range side {
				if f[n] != m[n] {
					parts[list+"."+strconv.Itoa(n)] = true
				}
			}
		}
	}
	return faults, explained
}

// numbered returns the numbers that stand behind those beginnings of the names that are known, and these beginnings in
// order.
func numbered(names []string, known map[string]bool) (numbers map[string]map[int]bool, lists []string) {
	numbers = map[string]map[int]bool{}
	for _, name := range names {
		list := ""
		for part := range beginnings(name) {
			n, err := strconv.Atoi(part[min(len(part), len(list)+1):])
			if err == nil && n >= 0 && list != "" && part != name {
				if numbers[list] == nil {
					numbers[list] = map[int]bool{}
					lists = append(lists, list)
				}
				numbers[list][n] = true
			}
			if list = part; !known[list] {
				break
			}
		}
	}
	return numbers, lists
}

func numbersOf(set map[int]bool) []int {
	numbers := make([]int, 0, len(set))
	for n := range set {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// numbersText writes numbers as 3, 0 to 7, or 0, 2, 4 to 30.
func numbersText(set map[int]bool) string {
	n := numbersOf(set)
	last := len(n) - 1
	switch {
	case last == 0:
		return strconv.Itoa(n[0])
	case n[last]-n[0] == last:
		return fmt.Sprintf("%d to %d", n[0], n[last])
	case last < 4:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", ", "), "[]")
	}
	return fmt.Sprintf("%d, %d, %d to %d", n[0], n[1], n[2], n[last])
}

// shown returns a name from a file as a message can hold it.
func shown(name string) string {
	const most = 80
	if len(name) > most {
		name = name[:most] + "…"
	}
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

// refusal returns an error with the first few faults and the number of the others, nil if there is none.
func refusal(what string, faults []string) error {
	const most = 6
	if len(faults) == 0 {
		return nil
	}
	if more := len(faults) - most; more > 1 {
		faults = append(slices.Clone(faults[:most]), fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%s; nothing was changed:\n  %s", what, strings.Join(faults, "\n  "))
}

// shapeText writes a shape as 3×4.
func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "a single number"
	}
	var b strings.Builder
	for i, d := range shape {
		if i > 0 {
			b.WriteString("×")
		}
		b.WriteString(strconv.Itoa(d))
	}
	switch {
	case len(shape) == 1 && shape[0] == 1:
		b.WriteString(" number")
	case len(shape) == 1:
		b.WriteString(" numbers")
	}
	return b.String()
}
