package main

import (
	"slices"
	"strings"
	"testing"
)

const overridden = `// Settings.
%noautoget
!echo const fake = 1 \
const alsoFake = 2
const epochs = 1000 // of 512 rows
const (
	rate, decay = 1e-3, 1e-5
	name        = "a\tb" // const inComment = 1
	big         float64 = 1
	limit       = 2 * time.Second
	on          = true
	bits        = 1 << 10
	first       = iota
	second
)
const raw = ` + "`const inString = 3`" + `
func f() { const inner = 7; _ = inner }
`

func TestConstants(t *testing.T) {
	var got []string
	for _, v := range constants(overridden) {
		if overridden[v.start:v.end] != v.text {
			t.Errorf("the place of %s holds %q, want %q", v.name, overridden[v.start:v.end], v.text)
		}
		got = append(got, v.name+" = "+v.text)
	}
	want := []string{"epochs = 1000", "rate = 1e-3", "decay = 1e-5", `name = "a\tb"`, "big = 1", "limit = 2 * time.Second",
		"on = true", "bits = 1 << 10", "first = iota", "raw = `const inString = 3`", "inner = 7"}
	if !slices.Equal(got, want) {
		t.Errorf("constants are\n%q\nwant\n%q", got, want)
	}
	if got := constants("%%bash\nconst x = 1\n"); len(got) != 0 {
		t.Errorf("a shell cell has the constants %v, want none", got)
	}
	if got := constants("%% --flag=1\nconst x = 1\nfmt.Println(x)"); len(got) != 1 {
		t.Errorf("a cell with a body has the constants %v, want one", got)
	}
}

func TestOverride(t *testing.T) {
	for _, c := range []struct{ name, value, old, want string }{
		{"epochs", "50", "epochs = 1000 //", "epochs = 50 //"},
		{"epochs", "2*25", "epochs = 1000 //", "epochs = 2*25 //"},
		{"decay", "0", "1e-3, 1e-5", "1e-3, 0.0"},
		{"rate", "1", "1e-3, 1e-5", "1.0, 1e-5"},
		{"rate", "-(1+2)", "1e-3, 1e-5", "1.0*(-(1+2)), 1e-5"},
		{"rate", "0.5", "1e-3, 1e-5", "0.5, 1e-5"},
		{"name", "plain", `"a\tb"`, `"plain"`},
		{"name", `"quoted\n"`, `"a\tb"`, `"quoted\n"`},
		{"big", "0.25", "float64 = 1", "float64 = 0.25"},
		{"limit", "time.Minute", "2 * time.Second", "time.Minute"},
		{"on", "false", "= true", "= false"},
		{"bits", "8", "1 << 10", "8"},
		{"inner", "8", "inner = 7", "inner = 8"},
	} {
		nb := newNotebook("var x int", overridden)
		if err := nb.apply([]override{{c.name, c.value}}); err != nil {
			t.Errorf("setting %s to %s: %v", c.name, c.value, err)
			continue
		}
		if got, want := nb.cells[1].source(), strings.Replace(overridden, c.old, c.want, 1); got != want {
			t.Errorf("setting %s to %s gives\n%s\nwant\n%s", c.name, c.value, got, want)
		}
		if got := nb.cells[0].source(); got != "var x int" {
			t.Errorf("another cell becomes %q", got)
		}
	}
}

func TestOverrideErrors(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"epoch", "5", "no constant epoch to set; it has:\n  big = 1\n"},
		{"x", "5", "no constant x"},
		{"epochs", "5.5", "cannot set epochs = 1000 to 5.5: got a number with a point, want an integer"},
		{"epochs", `"5"`, "want an integer"},
		{"rate", "fast +", "not a Go expression"},
		{"rate", "true", "got true or false, want a number with a point"},
		{"on", "1", "got an integer, want true or false"},
	} {
		nb := newNotebook(overridden, "var x = 1")
		err := nb.apply([]override{{"bits", "8"}, {c.name, c.value}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("setting %s to %s: %v, want an error with %q", c.name, c.value, err, c.want)
		}
		if nb.cells[0].source() != overridden {
			t.Errorf("setting %s to %s fails but changes the notebook", c.name, c.value)
		}
	}
}

// A constant keeps the type that its value gives it, so that what uses it still compiles.
func TestOverrideKeepsTheType(t *testing.T) {
	for _, c := range []struct{ old, value, want string }{
		{"uint64(3)", "5", "uint64(5)"},
		{"uint64(3)", "uint64(5)", "uint64(5)"},
		{"uint64(1) << 3", "1 << 4", "uint64(1 << 4)"},
		{"float32(1)", "2", "float32(2)"},
		{`len("abc")`, "4", "int(4)"},
		{"2 * time.Second", "3 * time.Minute", "3 * time.Minute"},
		{"2 * time.Second", "5", "time.Duration(5)"},
		{"time.Duration(4)", "5", "time.Duration(5)"},
		{"Colour(2)", "1", "Colour(1)"},
		{`Name("a")`, `"b"`, `Name("b")`},
		{"2 * base", "1.5", "0*(2 * base) + 1.5"},
		{"2 * base", "other", "other"},
	} {
		nb := newNotebook("const x = " + c.old)
		if err := nb.apply([]override{{"x", c.value}}); err != nil {
			t.Errorf("setting %s to %s: %v", c.old, c.value, err)
		} else if got := nb.cells[0].source(); got != "const x = "+c.want {
			t.Errorf("setting %s to %s gives %s, want %s", c.old, c.value, got, c.want)
		}
	}
	declared := newNotebook("const x Colour = 2")
	if err := declared.apply([]override{{"x", "1"}}); err != nil || declared.cells[0].source() != "const x Colour = 1" {
		t.Errorf("a declared type: %q, %v", declared.cells[0].source(), err)
	}
	for _, c := range []struct{ old, value, want string }{
		{"uint64(3)", "-1", "cannot set x = uint64(3) to -1: no such uint64"},
		{"uint8(3)", "300", "no such uint8"},
		{"uint64(3)", "1.5", "want an integer"},
	} {
		nb := newNotebook("const x = " + c.old)
		if err := nb.apply([]override{{"x", c.value}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("setting %s to %s: %v, want an error with %q", c.old, c.value, err, c.want)
		}
	}
}

// A constant that several cells declare is set in all of them.
func TestOverrideRepeated(t *testing.T) {
	nb := newNotebook("const n = 1\nfunc f() { const n = 2 }", "const n = 3")
	if err := nb.apply([]override{{"n", "10"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := nb.cells[0].source()+"|"+nb.cells[1].source(), "const n = 10\nfunc f() { const n = 10 }|const n = 10"; got != want {
		t.Errorf("the sources are %q, want %q", got, want)
	}
}
