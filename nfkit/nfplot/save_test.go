package nfplot

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	dir := t.TempDir()
	p := New("A curve", "x", "y", Curve("sin", math.Sin, 0, 6, Solid(Blue)))
	figure := Panels(maps(2, "Map")...)
	for name, start := range map[string]string{"a.png": "\x89PNG", "a.svg": "<?xml", "a.pdf": "%PDF", "A.PNG": "\x89PNG"} {
		for _, d := range []Drawing{p, figure, BlueRed("z").Bar(), Animate(p, p)} {
			path := filepath.Join(dir, name)
			if err := Save(path, d); err != nil {
				t.Errorf("Save(%s, %T): %v", name, d, err)
				continue
			}
			if file, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(file, []byte(start)) {
				t.Errorf("Save(%s, %T) wrote %.20q (%v), want it to start with %q", name, d, file, err, start)
			}
		}
	}
	if err := Save(filepath.Join(dir, "a.html"), Animate(p, p)); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	p := New("", "x", "y")
	for name, want := range map[string]string{
		"a.gif":      `a.gif: the format ".gif" is unknown for a *plot.Plot: want .png, .svg or .pdf`,
		"a":          `the format "" is unknown`,
		"a.html":     `the format ".html" is unknown for a *plot.Plot`,
		"none/a.png": "there is no folder",
	} {
		if err := Save(filepath.Join(dir, name), p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Save(%s): error %v, want %q in it", name, err, want)
		}
	}
	// A file that cannot be replaced, because it is a folder with something in it, stays.
	folder := filepath.Join(dir, "folder.png")
	if err := os.MkdirAll(filepath.Join(folder, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Save(folder, p); err == nil {
		t.Error("Save over a folder: no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}
