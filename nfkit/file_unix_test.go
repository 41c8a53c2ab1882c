//go:build unix

package nfkit

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What is not a regular file is refused at once by whatever saves or loads, and stays what it is. Links are followed.
func TestSaveLoadOtherThanFiles(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	Check(syscall.Mkfifo(in("pipe"), 0o666))
	Check(os.Symlink("nothing", in("dangling")))
	Check(os.Symlink("loop", in("loop")))
	m := newTwoTensors()
	point := Checkpoint{Model: m}
	for name, want := range map[string]struct{ save, load string }{
		os.DevNull:     {"this is a device", "this is a device"},
		in("pipe"):     {"this is a named pipe", "this is a named pipe"},
		in("dangling"): {"a link to nothing", "no such file"},
		in("loop"):     {"round in a circle", "too many levels"},
	} {
		before, err := os.Lstat(name)
		Check(err)
		mustFail(t, Save(name, m), "nfkit: Save "+name, want.save)
		mustFail(t, point.Save(name), "nfkit: Checkpoint.Save "+name, want.save)
		mustFail(t, Load(name, m), "nfkit: Load "+name, want.load)
		mustFail(t, point.Load(name), "nfkit: Checkpoint.Load "+name, want.load)
		if after, err := os.Lstat(name); err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s became %v, %v", name, after.Mode(), err)
		}
	}
	path, link := in("flow.safetensors"), in("link")
	Check(Save(path, m))
	Check(os.Chmod(path, 0o600))
	Check(os.Symlink("flow.safetensors", link))
	m.w.Data[0] = 7
	Check(Save(link, m))
	loaded := newTwoTensors()
	Check(Load(path, loaded))
	if info, err := os.Lstat(path); loaded.w.Data[0] != 7 || err != nil || info.Mode() != 0o600 {
		t.Errorf("after a save through a link the file has w[0] = %v, mode %v, %v, want 7, 0600", loaded.w.Data[0], info.Mode(), err)
	}
}
