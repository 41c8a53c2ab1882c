//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wholefile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/nfkit/nfkit-go/nfkit/internal/testkit"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// holds fails unless path has the contents want and its folder nothing but names.
func holds(t *testing.T, path, want string, names ...string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s has %q, %v, want %q", path, got, err, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("the folder has %q, want %q", got, names)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWriteIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	must(t, Write(path, text("old")))
	holds(t, path, "old", "a")

	full := errors.New("no space left on device")
	err := Write(path, func(w io.Writer) error { return errors.Join(text("ne")(w), full) })
	if !errors.Is(err, full) {
		t.Errorf("got error %v, want %v", err, full)
	}
	holds(t, path, "old", "a")

	testkit.WantPanic(t, "interrupted", func() {
		Write(path, func(w io.Writer) error { text("ne")(w); panic("interrupted") })
	})
	holds(t, path, "old", "a")

	must(t, Write(path, text("new")))
	holds(t, path, "new", "a")
}

// A disk that is full for the process itself: the limit on the size of files stands for it.
func TestWriteToAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	must(t, Write(path, text("old")))
	out, err := helper(t, "full", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("got %q, %v, want an error that says file too large", out, err)
	}
	holds(t, path, "old", "a")
}

func TestModesAreKept(t *testing.T) {
	folder := t.TempDir()
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o664, 0o755} {
		path := filepath.Join(folder, mode.String())
		must(t, os.WriteFile(path, nil, mode))
		must(t, os.Chmod(path, mode)) // whatever the umask
		must(t, Write(path, func(w io.Writer) error {
			if info, err := w.(*os.File).Stat(); err != nil || info.Mode().Perm()&^mode != 0 {
				t.Errorf("the temporary file for one of mode %v has %v, %v", mode, info.Mode(), err)
			}
			return nil
		}))
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("the mode %v became %v, %v", mode, info.Mode(), err)
		}
	}
	for umask, want := range map[string]fs.FileMode{"027": 0o640, "077": 0o600, "000": 0o666} {
		path := filepath.Join(folder, umask)
		cmd := helper(t, "write", path)
		cmd.Args = append([]string{"sh", "-c", `umask "$0"; exec "$@"`, umask}, cmd.Args...)
		cmd.Path = "/bin/sh"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("with umask %s a new file has mode %v, %v, want %v", umask, info.Mode(), err, want)
		}
	}
}

func TestLinksAreFollowed(t *testing.T) {
	folder, other := t.TempDir(), t.TempDir()
	path, link, linked := filepath.Join(other, "a"), filepath.Join(folder, "link"), filepath.Join(folder, "linked")
	must(t, os.WriteFile(path, []byte("old"), 0o666))
	must(t, os.Symlink(path, linked))
	must(t, os.Symlink("linked", link)) // relative, to a link
	must(t, Write(link, text("new")))
	holds(t, path, "new", "a")
	for _, l := range []string{link, linked} {
		if info, err := os.Lstat(l); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s became %v, %v", l, info.Mode(), err)
		}
	}
}

// What is not a regular file is refused by both, at once, and stays what it is.
func TestOtherThanRegularFiles(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	must(t, os.Mkdir(in("folder"), 0o777))
	must(t, syscall.Mkfifo(in("pipe"), 0o666))
	must(t, os.Symlink("pipe", in("to a pipe")))
	must(t, os.Symlink("nothing", in("dangling")))
	must(t, os.Symlink("loop", in("loop")))
	must(t, os.Symlink("left", in("right")))
	must(t, os.Symlink("right", in("left")))
	must(t, os.WriteFile(in("file"), nil, 0o666))
	for name, want := range map[string]struct{ write, open string }{
		in("folder"):                   {"this is a folder", "this is a folder"},
		in("pipe"):                     {"this is a named pipe", "this is a named pipe"},
		in("to a pipe"):                {"this is a named pipe", "this is a named pipe"},
		os.DevNull:                     {"this is a device", "this is a device"},
		in("dangling"):                 {"a link to nothing", "no such file"},
		in("loop"):                     {"round in a circle", "too many levels"},
		in("left"):                     {"round in a circle", "too many levels"},
		in("none") + "/":               {"not the name of a file", "no such file"},
		"":                             {"not the name of a file", "no such file"},
		filepath.Join(in("none"), "a"): {"there is no folder " + in("none"), "no such file"},
		filepath.Join(in("file"), "a"): {"cannot write to the folder " + in("file"), "not a directory"},
	} {
		before, _ := os.Lstat(name)
		err := Write(name, text("new"))
		if err == nil || !strings.Contains(err.Error(), want.write) {
			t.Errorf("Write to %q: got %v, want an error that says %q", name, err, want.write)
		}
		if after, _ := os.Lstat(name); before != nil && after.Mode() != before.Mode() {
			t.Errorf("Write made %v of %q, which was %v", after.Mode(), name, before.Mode())
		}
		if f, err := Open(name); err == nil || !strings.Contains(err.Error(), want.open) {
			t.Errorf("Open of %q: got %v, %v, want an error that says %q", name, f, err, want.open)
		}
	}
	f, err := Open(in("file"))
	must(t, err)
	must(t, f.Close())
}

// The temporary file of a writer that was killed is removed by the next one; that of one at work is not, nor is
// anything else.
func TestKilledWriter(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a")
	must(t, os.WriteFile(path, []byte("old"), 0o666))
	others := []string{".a.0123.tmp", ".a.x123456789abcdef.tmp", ".b.0123456789abcdef.tmp"}
	for _, name := range others {
		must(t, os.WriteFile(filepath.Join(folder, name), nil, 0o666))
	}
	list := func(more ...string) []string { s := append(append(more, others...), "a"); slices.Sort(s); return s }

	cmd := helper(t, "hang", path)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	temp := filepath.Base(strings.TrimSpace(line))
	must(t, Write(path, text("while it is at work")))
	holds(t, path, "while it is at work", list(temp)...)
	must(t, cmd.Process.Kill())
	cmd.Wait()
	holds(t, path, "while it is at work", list(temp)...)
	must(t, Write(path, text("new")))
	holds(t, path, "new", list()...)
}

// Many writers of one file leave what one of them wrote, and none fails.
func TestWritersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 50 {
				if err := Write(path, text(strings.Repeat(string(rune('a'+i)), 1000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	b, err := os.ReadFile(path)
	must(t, err)
	holds(t, path, strings.Repeat(string(b[:1]), 1000), "a")
}

func TestLongName(t *testing.T) {
	name := strings.Repeat("n", 255)
	path := filepath.Join(t.TempDir(), name)
	must(t, Write(path, text("new")))
	holds(t, path, "new", name)
}

// helper returns a command that runs this test program as another process, which does what TestMain says.
func helper(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "WHOLEFILE_DO="+what, "WHOLEFILE_PATH="+path)
	return cmd
}

func TestMain(m *testing.M) {
	path := os.Getenv("WHOLEFILE_PATH")
	fail := func(err error) {
		if err != nil {
			println(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	switch os.Getenv("WHOLEFILE_DO") {
	case "write":
		fail(Write(path, text("new")))
	case "hang":
		fail(Write(path, func(w io.Writer) error {
			text("half")(w)
			os.Stdout.WriteString(w.(*os.File).Name() + "\n")
			select {}
		}))
	case "full":
		limit := syscall.Rlimit{Cur: 1000, Max: 1000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fail(err)
		}
		err := Write(path, text(strings.Repeat("x", 2000)))
		os.Stdout.WriteString(err.Error())
		os.Exit(0)
	}
	os.Exit(m.Run())
}
