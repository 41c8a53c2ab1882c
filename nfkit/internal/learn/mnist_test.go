package main

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// blots are images with a bright square in a place that depends on the digit.
func blots(n int, r *rand.Rand) labelled {
	l := labelled{pixels: mat.NewDense(n, mnistShape.Size(), nil)}
	for i := range n {
		k := r.IntN(10)
		l.digits = append(l.digits, k)
		for y := range 8 {
			for x := range 8 {
				l.pixels.Set(i, mnistShape.Index(2*k+y, 4+k+x, 0), float64(r.IntN(256)))
			}
		}
	}
	return l
}

// Each part runs on images like those of MNIST, and goes on to the same number from where it was stopped.
func TestMNISTParts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	d := digits{blots(900, r), blots(12, r), blots(12, r)}
	for _, p := range mnistParts {
		var out bytes.Buffer
		run := mnistRun{seed: 3, small: true, out: &out}
		want, err := p.learn(d, run)
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		if math.IsNaN(want) || math.IsInf(want, 0) {
			t.Errorf("%s reaches %v", p.name, want)
		}
		if p.name == "gaussian" {
			continue
		}
		run.folder = t.TempDir()
		for _, run.stop = range []int{2, 0} {
			got, err := p.learn(d, run)
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			if run.stop == 0 && got != want {
				t.Errorf("%s reaches %v after a break, %v without", p.name, got, want)
			}
		}
	}
}

// Without the module, the message says where the images come from and why they cannot be had.
func TestMNISTModuleErrors(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod -modcacherw") // a cache that can be removed
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOPROXY", "off")
	if _, err := loadMNIST(); err == nil || !strings.Contains(err.Error(), mnistModule) || !strings.Contains(err.Error(), "GOPROXY=off") {
		t.Errorf("without a network the error is %v", err)
	}
	t.Setenv("PATH", "")
	if _, err := loadMNIST(); err == nil || !strings.Contains(err.Error(), mnistModule) || !strings.Contains(err.Error(), "executable file not found") {
		t.Errorf("without the go command the error is %v", err)
	}
}

// Other images than those that were published are no data.
func TestModuleDataChecksum(t *testing.T) {
	if _, err := moduleData([]byte(`{"Dir": "/x", "Sum": "h1:other="}`), "", nil); err == nil || !strings.Contains(err.Error(), "has the checksum h1:other=, want "+mnistSum) {
		t.Errorf("got error %v", err)
	}
	if folder, err := moduleData([]byte(`{"Dir": "/x", "Sum": "`+mnistSum+`"}`), "", nil); err != nil || folder != filepath.Join("/x", "data") {
		t.Errorf("got %v, %v", folder, err)
	}
}

func TestReadLabelledErrors(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, content ...byte) {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(want string) {
		t.Helper()
		if _, err := readLabelled(folder, "few", 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	fails("few-images-idx3-ubyte.gz: no such file")
	write("few-images-idx3-ubyte.gz", 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5)
	fails("few-images-idx3-ubyte.gz: item 0 of 1: the file is truncated")
	write("few-images-idx3-ubyte.gz", 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6)
	fails("few-labels-idx1-ubyte.gz: no such file")
	write("few-labels-idx1-ubyte.gz", 0, 0, 8, 1, 0, 0, 0, 1, 7)
	fails("has 1 images of 2 pixels and 1×1 labels, want 2 of 784, and a label each")
}

func TestMNISTArguments(t *testing.T) {
	for args, want := range map[string]string{
		"mnist none":               `mnist has no part "none"; parts: gaussian, maf, conv`,
		"mnist -stop 3 maf":        "got -steps 0 and -stop 3 with folder \"\"",
		"mnist -folder x -stop -1": "got -steps 0 and -stop -1",
		"mnist -steps -1":          "got -steps -1 and",
		"mnist -none":              "not defined",
	} {
		if err := command(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", args, err, want)
		}
	}
}
