package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// preamble is the first code cell of every notebook: it makes nfkit known to the kernel, which
// then has no need to ask for modules itself.
const preamble = `!go run -C "${NFKIT-.}" github.com/nfkit/nfkit-go/notebooks/setup
%noautoget`

const newUsage = `usage: go run ./notebooks new NAME

Makes an empty notebook, with the first cell that all notebooks have and one that
imports nfkit. A bare NAME is put into the folder notebooks; a path is taken as it is.
`

// newSettings is what the command line of new says.
type newSettings struct {
	name string
}

// parseNewArgs reads the command line that follows the word new.
func parseNewArgs(args []string) (*newSettings, error) {
	f := flag.NewFlagSet("new", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	names, err := parseMixed(f, args)
	if err != nil {
		return nil, err
	}
	if len(names) != 1 || names[0] == "" {
		return nil, fmt.Errorf("got %d names of a new notebook, want one", len(names))
	}
	return &newSettings{names[0]}, nil
}

// do makes the notebook.
func (s *newSettings) do(_ context.Context, stdout io.Writer) error {
	root, here, err := thisCheckout()
	if err != nil {
		return err
	}
	file := strings.TrimSuffix(s.name, suffix) + suffix
	if file == filepath.Base(file) {
		file = filepath.Join(root, "notebooks", file)
	}
	b, err := blankNotebook(strings.TrimSuffix(filepath.Base(file), suffix)).encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	if rel, err := filepath.Rel(here, file); err == nil && filepath.IsLocal(rel) {
		file = rel
	}
	quoted := file
	if strings.ContainsAny(file, " \t") {
		quoted = "'" + file + "'"
	}
	fmt.Fprintf(stdout, "%s\nOpen it with: go run ./notebooks lab %s\n", file, quoted)
	return nil
}

// blankNotebook returns a notebook with a title, the preamble, imports and an empty cell.
func blankNotebook(title string) *notebook {
	const imports = `import (
	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/nfplot"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)`
	nb := &notebook{root: map[string]any{"nbformat": 4, "nbformat_minor": 5}}
	nb.metadata()["kernelspec"] = kernelspec()
	var list []any
	for _, c := range []struct{ kind, source string }{
		{"markdown", "# " + title}, {"code", preamble}, {"code", imports}, {"code", "%%\n"},
	} {
		raw := map[string]any{"cell_type": c.kind, "metadata": map[string]any{}, "source": splitLines(c.source)}
		if c.kind == "code" {
			raw["execution_count"], raw["outputs"] = nil, []any{}
		}
		list = append(list, raw)
		nb.cells = append(nb.cells, &cell{raw})
	}
	nb.root["cells"] = list
	nb.addIDs()
	return nb
}
