// Command browser makes a page in which a flow learns, in the browser itself, a density that the visitor picks or draws:
//
//	go run ./notebooks/browser               # and serves it at http://localhost:8000
//	go run ./notebooks/browser -o FOLDER     # for any server of files
//
// The page is the program in folder flow, compiled to WebAssembly and compressed, the loader of the Go release and the files in folder page. It
// asks for nothing else, and its content security policy allows nothing else.
package main

import (
	"bytes"
	"compress/gzip"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	address = "localhost:8000"
	most    = 1_500_000 // bytes of the page, compressed
)

func main() {
	out := flag.String("o", "", "write the page to `FOLDER`, and do not serve it")
	flag.Parse()
	err := fmt.Errorf("got the arguments %q, want none but -o FOLDER", flag.Args())
	if flag.NArg() == 0 {
		err = run(*out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

// run makes the page, and writes it to the folder or, if there is none, serves it.
func run(folder string) error {
	files, err := page()
	if err != nil {
		return err
	}
	size := 0
	for _, b := range files {
		size += len(compress(b))
	}
	if size > most {
		return fmt.Errorf("the page has %d bytes, compressed, want %d at most", size, most)
	}
	size = (size + 999) / 1000
	if folder == "" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		fmt.Printf("%d files, %d kB compressed, at http://%s; Ctrl-C ends it\n", len(files), size, address)
		return http.Serve(listener, serve(files))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d files, %d kB compressed, in %s\n", len(files), size, folder)
	return nil
}

// serve returns what serves the files.
func serve(files map[string][]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "index.html"
		}
		if b, ok := files[name]; ok {
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
			return
		}
		http.NotFound(w, r)
	})
}

//go:embed page
var static embed.FS

// page returns the files of the page by name.
func page() (map[string][]byte, error) {
	files := map[string][]byte{}
	names, err := fs.Glob(static, "page/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if files[path.Base(name)], err = static.ReadFile(name); err != nil {
			return nil, err
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	const loader = "wasm_exec.js" // which fits the compiler of its release alone
	if files[loader], err = os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", loader)); err != nil {
		return nil, err
	}
	program, err := build()
	if err != nil {
		return nil, err
	}
	files["flow.wasm.gz"] = compress(program)
	return files, nil
}

// build compiles the program of the page.
func build() ([]byte, error) {
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "flow.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", name, "github.com/nfkit/nfkit-go/notebooks/browser/flow")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("compiling to WebAssembly: %w", err)
	}
	return os.ReadFile(name)
}

// compress returns b as gzip writes it.
func compress(b []byte) []byte {
	var buffer bytes.Buffer
	w, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err != nil {
		panic(err) // the level exists
	}
	w.Write(b) // to memory
	w.Close()
	return buffer.Bytes()
}
