package main

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/nfkit/nfkit-go/nfkit/nfplot"
)

// runInKernel runs the program as GoNB's kernel does, with the types of GoNB, and returns what it sends and what it prints.
func runInKernel(t *testing.T, program *exec.Cmd) (sent []*protocol.DisplayData, printed string) {
	t.Helper()
	dir := t.TempDir()
	there, back := filepath.Join(dir, "there"), filepath.Join(dir, "back")
	open := func(pipe string, how int) *os.File {
		f, err := os.OpenFile(pipe, how, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	if err := errors.Join(syscall.Mkfifo(there, 0o600), syscall.Mkfifo(back, 0o600)); err != nil {
		t.Fatal(err)
	}
	writer := open(there, os.O_RDWR) // so that the pipe has one until the program has ended, whether it opens the pipe or not
	in, out := gob.NewDecoder(open(there, os.O_RDONLY)), gob.NewEncoder(open(back, os.O_RDWR))
	program.Env = append(program.Environ(), protocol.GONB_PIPE_ENV+"="+there, protocol.GONB_PIPE_BACK_ENV+"="+back)
	var output bytes.Buffer
	program.Stdout, program.Stderr = &output, &output
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- program.Wait()
		writer.Close()
	}()
	for {
		data := &protocol.DisplayData{}
		if err := in.Decode(data); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, data)
		if v, ok := data.Data[protocol.MIMECommValue]; ok {
			request, ok := v.(protocol.CommValue)
			if _, number := request.Value.(int); !ok || request.Address != protocol.GonbuiSyncAddress || !number {
				t.Fatalf("got the request %#v, want one to synchronise, with a number", v)
			}
			if err := out.Encode(&protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: request.Value}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := <-ended; err != nil {
		t.Fatalf("the program fails: %v\n%s", err, output.String())
	}
	return sent, output.String()
}

// shownBy runs a program that prints nothing, and returns what it shows in words.
func shownBy(t *testing.T, program *exec.Cmd) (shown []string) {
	t.Helper()
	sent, printed := runInKernel(t, program)
	if !slices.Contains([]string{"", "PASS"}, strings.TrimSpace(printed)) {
		t.Fatalf("the program prints %q, want nothing", printed)
	}
	for _, data := range sent {
		if _, ok := data.Data[protocol.MIMECommValue]; ok {
			shown = append(shown, "sync")
			continue
		}
		var parts []string
		for kind, value := range data.Data {
			switch value := value.(type) {
			case []byte:
				parts = append(parts, fmt.Sprintf("%s %q %v", kind, value[1:4], data.Metadata[string(kind)]))
			default:
				parts = append(parts, fmt.Sprintf("%s %v", kind, value))
			}
		}
		slices.Sort(parts)
		shown = append(shown, strings.Join(parts, ", "))
	}
	return shown
}

// TestGonbReadsWhatIsShown runs a program that has nothing of GoNB in it.
func TestGonbReadsWhatIsShown(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "cell")
	const source = "github.com/nfkit/nfkit-go/nfkit/nfplot/testdata/cell"
	goCommand := func(args ...string) *exec.Cmd {
		cmd := exec.Command("go", args...)
		cmd.Dir = testTools(t).checkout
		return cmd
	}
	if output, err := goCommand("build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	if output, err := goCommand("list", "-deps", source).Output(); err != nil || strings.Contains(string(output), "janpfeifer") {
		t.Errorf("the program depends on GoNB, or go list fails: %v\n%s", err, output)
	}
	shown := shownBy(t, exec.Command(program))
	want := []string{"image/png \"PNG\" map[width:560]", "sync"}
	if len(shown) < 4 || !slices.Equal(shown[:2], want) || shown[len(shown)-1] != "sync" {
		t.Fatalf("got %q, want %q, states of the bar, and a sync", shown, want)
	}
	if last := shown[len(shown)-2]; !strings.HasSuffix(last, "text/plain 3/3, loss 0.3333") {
		t.Errorf("the last state of the bar is %q", last)
	}
}

// TestGonbuiInTheSameProgram runs this program, which has GoNB's package in it: both write to one pipe, and gonbui reads.
func TestGonbuiInTheSameProgram(t *testing.T) {
	if os.Getenv("NFPLOT_MIXED") != "" {
		p := nfplot.New("", "x", "y")
		gonbui.DisplayMarkdown("before")
		nfplot.Show(p)
		gonbui.DisplayHTML("between")
		gonbui.Sync()
		nfplot.Show(p)
		gonbui.Sync()
		return
	}
	program := exec.Command(os.Args[0], "-test.run=^TestGonbuiInTheSameProgram$")
	program.Env = append(os.Environ(), "NFPLOT_MIXED=1")
	figure := "image/png \"PNG\" map[width:560]"
	want := []string{"text/markdown before", figure, "text/html between", "sync", figure, "sync"}
	if shown := shownBy(t, program); !slices.Equal(shown, want) {
		t.Errorf("got %q, want %q", shown, want)
	}
}
