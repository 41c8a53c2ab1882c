package grids_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nfkit/nfkit-go/nfkit/grids"
	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

// idx is a file of two images of 2×3 pixels.
var idx = []byte{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 2, 3, 4, 5, 255, 254, 253, 252, 251, 250}

func compressed(t *testing.T, b []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	z := gzip.NewWriter(&buffer)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func TestReadIDX(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images")
	want := mat.NewDense(2, 6, []float64{0, 1, 2, 3, 4, 5, 255, 254, 253, 252, 251, 250})
	for _, content := range [][]byte{idx, compressed(t, idx)} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		if x, err := grids.ReadIDX(path, 0); err != nil || !mat.Equal(x, want) {
			t.Errorf("got %v and error %v", x, err)
		}
		for most, rows := range map[int]int{1: 1, 2: 2, 3: 2} {
			if x, err := grids.ReadIDX(path, most); err != nil || !mat.Equal(x, want.Slice(0, rows, 0, 6)) {
				t.Errorf("of at most %d rows: got %v and error %v", most, x, err)
			}
		}
	}
	if got := testkit.Panic(func() { _, _ = grids.ReadIDX(path, -1) }); !strings.HasPrefix(got, "grids: ReadIDX: got most = -1") {
		t.Errorf("got panic %q", got)
	}
	labels := []byte{0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9}
	if err := os.WriteFile(path, labels, 0o666); err != nil {
		t.Fatal(err)
	}
	if x, err := grids.ReadIDX(path, 0); err != nil || !mat.Equal(x, mat.NewDense(3, 1, []float64{7, 8, 9})) {
		t.Errorf("got labels %v and error %v", x, err)
	}
}

func TestReadIDXErrors(t *testing.T) {
	folder := t.TempDir()
	with := func(at int, b byte) []byte {
		c := bytes.Clone(idx)
		c[at] = b
		return c
	}
	zipped := compressed(t, idx)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":         {nil, "the file is truncated"},
		"sizes":         {idx[:9], "the file is truncated"},
		"last row":      {idx[:len(idx)-1], "item 1 of 2: the file is truncated"},
		"no rows":       {idx[:16], "item 0 of 2: the file is truncated"},
		"gzip":          {zipped[:len(zipped)-9], "the file is truncated"},
		"gzip's start":  {zipped[:5], "the file is truncated"},
		"longer":        {append(bytes.Clone(idx), 0), "goes on after its 2 items"},
		"other format":  {[]byte("P5 28 28"), "starts with 50 35 20 32, want 00 00 08"},
		"floats":        {with(2, 13), "starts with 00 00 0d 03, want 00 00 08"},
		"no dimension":  {with(3, 0), "starts with 00 00 08 00, want 00 00 08"},
		"no items":      {with(7, 0), "has 0 items of 6 numbers"},
		"many":          {with(4, 255), "has 4278190082 items of 6 numbers"},
		"long":          {with(8, 255), "has items of shape [4278190082 3]"},
		"empty items":   {with(11, 0), "has items of shape [0 3]"},
		"many, all say": {with(5, 9), "item 2 of 589826: the file is truncated"},
	} {
		path := filepath.Join(folder, "file")
		if err := os.WriteFile(path, c.content, 0o666); err != nil {
			t.Fatal(err)
		}
		for most := range 3 {
			x, err := grids.ReadIDX(path, most)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "grids: ReadIDX: ") {
				t.Errorf("%s: got %v and error %v, want %q", name, x, err, c.want)
			}
		}
	}
	if _, err := grids.ReadIDX(filepath.Join(folder, "none"), 0); !os.IsNotExist(err) && (err == nil || !strings.Contains(err.Error(), "none")) {
		t.Errorf("a missing file gives the error %v", err)
	}
}
