// Package wholefile writes files whole or not at all, and opens files for reading that cannot hang the reader.
//
// Errors do not name the file, which the caller knows.
package wholefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Write makes what write writes the contents of the file at path. It goes to a temporary file in the same folder, which
// takes the place of the old one once it is safely on disk: after an error, a panic or the end of the process, what was
// at path before is still there.
//
// A link is followed and stays a link. The permissions of a file that exists are kept, a new one has those that the
// umask leaves. It is an error when the file is not a regular one, or may not be written. Temporary files that killed
// writers of the same file have left are removed; those of writers at work are not touched.
func Write(path string, write func(io.Writer) error) (err error) {
	target, old, err := resolve(path)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o666)
	if old != nil {
		mode = old.Mode().Perm()
	}
	folder := filepath.Dir(target)
	removeAbandoned(target)
	f, err := create(target, mode)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s; create it first (%w)", folder, cause(err))
	case err != nil:
		return fmt.Errorf("cannot write to the folder %s: %w", folder, cause(err))
	}
	done := false
	defer func() { // in a panic as well
		f.Close() // on Windows for the second time
		if !done {
			os.Remove(f.Name())
			err = cause(err)
		}
	}()
	if old != nil {
		if err := keepMode(f, mode); err != nil {
			return err
		}
	}
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // which does not rename an open file; elsewhere closing gives up the lock
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return err
	}
	done = true
	return nil
}

// Open opens a regular file for reading. It is an error when path is anything else: a pipe would hang the reader, and a
// device has no end.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, cause(err)
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	return f, nil
}

// resolve returns the name behind all links, and the file that is there; nil if there is none.
func resolve(path string) (target string, old fs.FileInfo, err error) {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return "", nil, errors.New("this is not the name of a file")
	}
	old, err = os.Stat(path)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return "", nil, errors.New("its links lead round in a circle, want a file")
	case errors.Is(err, fs.ErrNotExist):
		if to, err := os.Readlink(path); err == nil {
			return "", nil, fmt.Errorf("it is a link to %s, where there is nothing; remove the link or create the file", to)
		}
		return path, nil, nil
	case err != nil:
		return path, nil, nil // such as a file in the place of the folder, which the attempt to write there tells
	}
	if err := regular(old); err != nil {
		return "", nil, err
	}
	if target, err = filepath.EvalSymlinks(path); err != nil {
		return "", nil, cause(err)
	}
	f, err := os.OpenFile(target, os.O_WRONLY, 0) // a new file would take the place of one that is protected
	if err != nil {
		return "", nil, cause(err)
	}
	f.Close()
	return target, old, nil
}

// regular returns an error that says what info is, unless it is a regular file.
func regular(info fs.FileInfo) error {
	kind := ""
	switch m := info.Mode(); {
	case m.IsRegular():
		return nil
	case m.IsDir():
		kind = "folder"
	case m&fs.ModeNamedPipe != 0:
		kind = "named pipe"
	case m&fs.ModeSocket != 0:
		kind = "socket"
	case m&fs.ModeDevice != 0:
		kind = "device"
	default:
		kind = "special file"
	}
	return fmt.Errorf("this is a %s, want a regular file", kind)
}

// The name of a temporary file is a dot, the name of the file, a dot, tempDigits random digits and tempEnd.
const (
	tempDigits = 16
	tempEnd    = ".tmp"
)

// tempStart returns the beginning of the names of temporary files for target, short enough for any file system.
func tempStart(target string) string {
	const most = 200 // of the 255 bytes that a name may have
	name := filepath.Base(target)
	return "." + name[:min(len(name), most)] + "."
}

// create creates a temporary file for target, and locks it for as long as it is open.
func create(target string, mode fs.FileMode) (*os.File, error) {
	for {
		name := fmt.Sprintf("%s%0*x%s", tempStart(target), tempDigits, rand.Uint64(), tempEnd)
		f, err := os.OpenFile(filepath.Join(filepath.Dir(target), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, err
		}
		lock(f)
		opened, err := f.Stat()
		if err == nil {
			var found fs.FileInfo
			if found, err = os.Lstat(f.Name()); err == nil && os.SameFile(opened, found) {
				return f, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			os.Remove(f.Name())
			return nil, err
		}
		// Another writer saw the file before it was locked, and removed it.
	}
}

// keepMode gives f the permissions that the umask took. Not all file systems can, and most need not.
func keepMode(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() == mode {
		return err
	}
	return f.Chmod(mode)
}

// removeAbandoned removes temporary files for target whose writers are no more. What it cannot do, it leaves.
func removeAbandoned(target string) {
	folder, err := os.Open(filepath.Dir(target))
	if err != nil {
		return
	}
	defer folder.Close()
	for {
		names, err := folder.Readdirnames(1000)
		for _, name := range names {
			if isTemp(name, tempStart(target)) {
				removeIfAbandoned(filepath.Join(folder.Name(), name))
			}
		}
		if err != nil {
			return
		}
	}
}

func isTemp(name, start string) bool {
	digits, ok := strings.CutPrefix(name, start)
	digits, end := strings.CutSuffix(digits, tempEnd)
	return ok && end && len(digits) == tempDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

func removeIfAbandoned(name string) {
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	if abandoned(f) {
		os.Remove(name)
	}
}

// cause takes the operation and the name of the file, which the caller gives, from an error of the system.
func cause(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
