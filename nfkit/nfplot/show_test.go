//go:build unix

package nfplot

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// runCell runs the function with the name in a process of its own, as a GoNB kernel runs a cell: with two named pipes,
// answering its requests to synchronise. It returns what the cell displayed and what it printed.
func runCell(t *testing.T, name string) (shown []display, printed string) {
	t.Helper()
	dir := t.TempDir()
	there, back := filepath.Join(dir, "there"), filepath.Join(dir, "back")
	for _, path := range []string{there, back} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.Command(os.Args[0], "-test.run=^TestCell$")
	program.Env = append(os.Environ(), "NFPLOT_CELL="+name, pipeVariable+"="+there, pipeBackVariable+"="+back)
	var output strings.Builder
	program.Stdout, program.Stderr = &output, &output
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(there, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := os.OpenFile(back, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	gob.RegisterName(ourCommValueName, commValue{})
	gob.Register(map[string]int{})
	in, out := gob.NewDecoder(&renamed{r: bufio.NewReader(r)}), gob.NewEncoder(w)
	for {
		var data display
		if err := in.Decode(&data); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if v, ok := data.Data[mimeCommValue].(commValue); ok {
			if v.Address != syncAddress {
				t.Errorf("a request to %q, want %q", v.Address, syncAddress)
			}
			for _, answer := range []commValue{{Address: "#other", Value: v.Value}, {Address: syncAckAddress, Value: -1}, {Address: syncAckAddress, Value: v.Value}} {
				if err := out.Encode(answer); err != nil {
					t.Fatal(err)
				}
			}
			shown = append(shown, display{DisplayID: "sync"})
			continue
		}
		shown = append(shown, data)
	}
	if err := program.Wait(); err != nil {
		t.Fatalf("the cell failed: %v\n%s", err, output.String())
	}
	return shown, output.String()
}

// renamed reads the messages of a gob stream, each with its length in front, and exchanges gonb's name of a type for ours:
// a program that has gonb's package as well cannot register both types under one name.
type renamed struct {
	r       *bufio.Reader
	message []byte
}

func (m *renamed) Read(p []byte) (int, error) {
	if len(m.message) == 0 {
		head, err := m.r.Peek(1)
		if err != nil {
			return 0, err
		}
		length, prefix := int(head[0]), 1
		if head[0] > 127 { // the number of bytes, negated, and then the length
			prefix += 256 - length
			if head, err = m.r.Peek(prefix); err != nil {
				return 0, err
			}
			length = 0
			for _, b := range head[1:] {
				length = length<<8 | int(b)
			}
		}
		m.message = make([]byte, prefix+length)
		if _, err := io.ReadFull(m.r, m.message); err != nil {
			return 0, err
		}
		m.message = bytes.Replace(m.message, []byte(commValueName), []byte(ourCommValueName), 1)
	}
	n := copy(p, m.message)
	m.message = m.message[n:]
	return n, nil
}

var programs = map[string]func(){
	"figure": func() {
		p := New("", "x", "y", Curve("", math.Sin, 0, 6, Solid(Blue)))
		Show(p, Row(p, p))
	},
	"animation": func() {
		p := New("", "x", "y", Curve("", math.Sin, 0, 6, Solid(Blue)))
		Show(Animate(p, p))
	},
	"progress": func() {
		var losses []float64
		p := NewProgress(4)
		p.Live(func() Drawing { return Loss(losses) })
		for epoch := range p.Steps {
			losses = append(losses, 1/float64(epoch))
			p.Set("loss", losses[epoch-1])
			p.Set("<b>", 0)
		}
	},
}

// TestCell is the cell that runCell runs; by itself it checks that none of them does anything outside of a notebook.
func TestCell(t *testing.T) {
	if name := os.Getenv("NFPLOT_CELL"); name != "" {
		gonbIsLinked = func() bool { return false } // it may be, by another test
		programs[name]()
		return
	}
	for name := range programs {
		program := exec.Command(os.Args[0], "-test.run=^TestCell$")
		program.Env = append(os.Environ(), "NFPLOT_CELL="+name, pipeVariable+"=")
		if output, err := program.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != "PASS" {
			t.Errorf("%s outside of a notebook printed %q (%v), want nothing but PASS", name, output, err)
		}
	}
}

func TestShowInANotebook(t *testing.T) {
	shown, printed := runCell(t, "figure")
	if strings.TrimSpace(printed) != "PASS" {
		t.Errorf("the cell printed %q, want nothing but PASS", printed)
	}
	if len(shown) != 3 || shown[2].DisplayID != "sync" {
		t.Fatalf("%d messages, want two figures and a request to synchronise", len(shown))
	}
	for i, width := range []int{560, 920} {
		file, ok := shown[i].Data[mimePNG].([]byte)
		if !ok {
			t.Fatalf("figure %d has the types %v, want image/png", i, shown[i].Data)
		}
		if got := decode(t, file).Bounds().Dx(); got != 2*width {
			t.Errorf("figure %d: %d pixels wide, want %d", i, got, 2*width)
		}
		meta, ok := shown[i].Metadata["image/png"].(map[string]int)
		if !ok || meta["width"] != width {
			t.Errorf("figure %d: metadata %v, want a width of %d", i, shown[i].Metadata, width)
		}
	}
}

func TestShowAnimationInANotebook(t *testing.T) {
	shown, _ := runCell(t, "animation")
	if len(shown) != 2 {
		t.Fatalf("%d messages, want a page and a request to synchronise", len(shown))
	}
	if html, _ := shown[0].Data[mimeHTML].(string); !strings.Contains(html, "data-frames=") {
		t.Errorf("got %.60q, want an animation", html)
	}
}

func TestProgressInANotebook(t *testing.T) {
	shown, _ := runCell(t, "progress")
	var bar, figure []display
	for _, data := range shown[:len(shown)-1] {
		if _, ok := data.Data[mimePNG]; ok {
			figure = append(figure, data)
		} else {
			bar = append(bar, data)
		}
	}
	if shown[len(shown)-1].DisplayID != "sync" || len(bar) < 2 || len(figure) < 2 {
		t.Fatalf("%d states of the bar, %d of the figure, want two or more of each and a sync at the end", len(bar), len(figure))
	}
	for _, states := range [][]display{bar, figure} {
		for _, state := range states {
			if state.DisplayID == "" || state.DisplayID != states[0].DisplayID {
				t.Errorf("display id %q, want the same for all: %q", state.DisplayID, states[0].DisplayID)
			}
		}
	}
	last := bar[len(bar)-1].Data
	if got := last[mimePlain]; got != "4/4, loss 0.25, <b> 0" {
		t.Errorf("last text %q, want %q", got, "4/4, loss 0.25, <b> 0")
	}
	if html, _ := last[mimeHTML].(string); !strings.Contains(html, `value="4" max="4"`) || !strings.HasSuffix(html, "loss 0.25, &lt;b&gt; 0") {
		t.Errorf("last bar %q, want it full, and names as text", html)
	}
	want := PNG(Loss([]float64{1, 0.5, 1. / 3, 0.25}))
	if got, _ := figure[len(figure)-1].Data[mimePNG].([]byte); string(got) != string(want) {
		t.Error("the last figure is not that of all losses")
	}
}

// TestABrokenPipeIsSaidOnce runs cells whose kernel is gone: they go on.
func TestABrokenPipeIsSaidOnce(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, pipes := range [][2]string{{folder, file}, {filepath.Join(dir, "none"), file}, {file, filepath.Join(dir, "none")}, {file, os.DevNull}} {
		program := exec.Command(os.Args[0], "-test.run=^TestCell$")
		program.Env = append(os.Environ(), "NFPLOT_CELL=progress", pipeVariable+"="+pipes[0], pipeBackVariable+"="+pipes[1])
		output, err := program.CombinedOutput()
		if n := strings.Count(string(output), "nfplot: the notebook cannot be reached: "); err != nil || n != 1 {
			t.Errorf("pipes %q: %v, and the cell printed %q, want the error once", pipes, err, output)
		}
	}
}
