package main

import (
	"strings"
	"testing"
)

// saying returns a notebook whose cell has printed text, with one number of the tolerance 0.1.
func saying(text string) *notebook {
	nb := newNotebook("%%\n")
	nb.cells[0].setOutputs([]map[string]any{{"output_type": "stream", "name": "stdout", "text": text}})
	object(nb.metadata(), "nfkit")["book"] = map[string]any{"line": "a line", "minutes": 1, "picture": map[string]any{"figure": 1},
		"numbers": []any{map[string]any{"name": "ln Z", "printed": `ln Z = (\S+)`, "exact": "0", "tolerance": 0.1}}}
	return nb
}

func TestCompareResults(t *testing.T) {
	first := saying("ln Z = 7\nln Z = -1.5 ± 0.1\n") // the last one counts
	a, err := decodeAbout(object(first.metadata(), "nfkit")["book"])
	if err != nil {
		t.Fatal(err)
	}
	table, err := writeResults([]chapter{{name: "01_some", about: a, nb: first}})
	if want := "file,number,value,exact,published,tolerance\n01_some.ipynb,ln Z,-1.5,0,,0.1\n"; err != nil || string(table) != want {
		t.Fatalf("the table is\n%s(%v), want\n%s", table, err, want)
	}
	for text, ok := range map[string]bool{"ln Z = -1.5": true, "ln Z = -1.4": true, "ln Z = -1.6": true, "ln Z = -1.39": false,
		"ln Z = 1.5": false, "ln Z = NaN": false, "ln Z = -Inf": false} {
		list, err := compareResults(table, "/x/01_some.ipynb", saying(text))
		if err != nil || len(list) != 1 || list[0].ok != ok {
			t.Errorf("%s: %+v, %v, want ok = %v", text, list, err, ok)
		}
	}
	for _, c := range []struct {
		file, text, want string
	}{
		{"01_some.ipynb", "nothing", "does not print ln Z"},
		{"01_some.ipynb", "ln Z = many", `prints ln Z = "many", want a number`},
		{"02_other.ipynb", "ln Z = 1", "no row for ln Z"},
	} {
		if _, err := compareResults(table, c.file, saying(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v, want an error with %q", c.file, c.text, err, c.want)
		}
	}
	if _, err := compareResults(table, "01_some.ipynb", newNotebook("const n = 1")); err == nil {
		t.Error("a notebook without numbers is checked")
	}
}

// A run outside of a tolerance fails, and says by how much.
func TestCheckCommand(t *testing.T) {
	t.Parallel()
	nb := saying("")
	nb.cells[0].setSource("%%\nfmt.Println(\"ln Z =\", 1.25)")
	if _, err := execute(t, nb, testLimit); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{"1.3": "", "1.5": "ln Z: 1.25, in the table 1.5 ± 0.1"} {
		table := []byte("file,number,value,exact,published,tolerance\n01_some.ipynb,ln Z," + value + ",0,,0.1\n")
		said := ""
		err := checkResults(table, "01_some.ipynb", nb, func(s string) { said += s })
		if got := errorText(err); got != want || !strings.Contains(said, "ln Z: 1.25, in the table "+value) {
			t.Errorf("with %s in the table: the error is %q, want %q; it says %q", value, got, want, said)
		}
	}
	for _, args := range []string{"-check -set a=1", "-all 01_tutorial"} {
		if status, _, stderr := runCommand(t, strings.Fields(args)...); status != statusUsage || !strings.Contains(stderr, "exclude each other") {
			t.Errorf("%s: exit status %d, %s", args, status, stderr)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
