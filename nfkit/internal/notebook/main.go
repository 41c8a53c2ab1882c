// Command notebook is what the command notebooks of this checkout builds and becomes. It
// executes notebooks on the GoNB kernel, without Python and without Jupyter, and writes what
// they show: an executed .ipynb and one self-contained HTML page each.
//
//	go run ./notebooks [flags] [notebook ...]
//
// Or it opens a notebook in JupyterLab, with everything that its cells need:
//
//	go run ./notebooks lab [flags] [notebook]
//
// Or it gathers what many runs of notebooks or programs have found:
//
//	go run ./notebooks gather [flags] FOLDER
//
// Or it writes the notebooks as pages of one site, or brings up to date what is derived from them:
//
//	go run ./notebooks book [flags]
//	go run ./notebooks index
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: go run ./notebooks [flags] [notebook ...]
       go run ./notebooks lab [flags] [notebook]
       go run ./notebooks new NAME
       go run ./notebooks gather [flags] FOLDER
       go run ./notebooks book [flags]
       go run ./notebooks index

Executes notebooks, the tutorial if none is named, on a Go kernel of its own, and
writes the executed notebook and an HTML page. Needs Go only: the kernel is built
from the versions in go.mod, once. A notebook is named by its path or by a part of
its name. With the word lab, opens a notebook in JupyterLab; with the word new, makes
one; with the word gather, brings together what many runs have found; with the word book,
writes all notebooks as pages of one site; with the word index, brings README, links and
tables up to date. lab -h, new -h and so on explain that.

flags:
  -list             list the notebooks, in order of reading
  -all              run the whole book, in order of reading
  -check            compare the numbers that the notebooks print with those of
                    notebooks/results.csv; outside of a tolerance, the run has failed
  -o DIR            put the results into DIR (notebooks/out)
  -inplace          write the outputs into the notebook itself, to commit it
  -set NAME=VALUE   use VALUE for the notebook's constant NAME; may be repeated
  -set @FILE        the same for each line NAME=VALUE of FILE
  -timeout TIME     stop a cell that takes longer (10m)

examples:
  go run ./notebooks
  go run ./notebooks -set epochs=50 tutorial
  go run ./notebooks -inplace 01_tutorial.ipynb
  go run ./notebooks -o results my/own.ipynb
  go run ./notebooks lab

Exit status: 0 if every cell ran, 1 if not, 2 for a wrong command line, 130 if
interrupted. The command go run turns all but 0 into 1; where it matters, build once:
go build -o nb ./notebooks && ./nb tutorial
`

const defaultNotebook = "01_tutorial"

// Exit statuses.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// errInterrupted is why a run stops when the user presses Ctrl-C.
var errInterrupted = errors.New("interrupted")

// settings is what the command line says.
type settings struct {
	names   []string
	list    bool
	all     bool
	check   bool
	out     string
	inPlace bool
	set     []override
	timeout time.Duration
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == keeperArg {
		keep(os.Stdin)
		os.Exit(statusOK)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Where nobody reads the progress any more, as behind head, writing fails but does
	// not end this program, which would leave the kernel alone.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		<-signals
		cancel(errInterrupted)
	}()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command does what args say and returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s interface {
		do(ctx context.Context, stdout io.Writer) error
	}
	var err error
	help := usage
	word := ""
	if len(args) > 0 {
		word = args[0]
	}
	switch word {
	case "lab":
		help = labUsage
		s, err = parseLabArgs(args[1:])
	case "new":
		help = newUsage
		s, err = parseNewArgs(args[1:])
	case "gather":
		help = gatherUsage
		s, err = parseGatherArgs(args[1:])
	case "book":
		help = bookUsage
		s, err = parseBookArgs(args[1:])
	case "index":
		help = indexUsage
		s, err = parseIndexArgs(args[1:])
	default:
		s, err = parseArgs(args)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, help)
		return statusOK
	case err != nil:
		fmt.Fprintf(stderr, "notebooks: %v; -h explains the command line\n", err)
		return statusUsage
	}
	switch err := s.do(ctx, stdout); {
	case errors.Is(err, errInterrupted):
		fmt.Fprintf(stderr, "notebooks: %v\n", err)
		return statusInterrupted
	case err != nil:
		fmt.Fprintf(stderr, "notebooks: %v\n", err)
		return statusFailed
	}
	return statusOK
}

// parseArgs reads the command line.
func parseArgs(args []string) (*settings, error) {
	s := &settings{}
	f := flag.NewFlagSet("notebooks", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.BoolVar(&s.list, "list", false, "")
	f.BoolVar(&s.all, "all", false, "")
	f.BoolVar(&s.check, "check", false, "")
	f.StringVar(&s.out, "o", "", "")
	f.BoolVar(&s.inPlace, "inplace", false, "")
	f.DurationVar(&s.timeout, "timeout", 10*time.Minute, "")
	f.Func("set", "", func(arg string) error {
		list, err := parseOverrides(arg)
		s.set = append(s.set, list...)
		return err
	})
	var err error
	if s.names, err = parseMixed(f, args); err != nil {
		return nil, err
	}
	if s.inPlace && len(s.set) > 0 {
		return nil, errors.New("-inplace and -set exclude each other: a notebook keeps the outputs of its own source")
	}
	if s.check && len(s.set) > 0 {
		return nil, errors.New("-check and -set exclude each other: the table has the numbers of the notebooks' own constants")
	}
	if s.all && len(s.names) > 0 {
		return nil, fmt.Errorf("-all and %q exclude each other", s.names)
	}
	if s.timeout <= 0 {
		return nil, fmt.Errorf("got -timeout %v, want more than 0", s.timeout)
	}
	return s, nil
}

// parseOverrides returns what NAME=VALUE says, or what the lines of FILE say for @FILE. Empty
// lines of a file and those that start with # say nothing.
func parseOverrides(arg string) (list []override, err error) {
	lines := []string{arg}
	if file, ok := strings.CutPrefix(arg, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lines = slices.DeleteFunc(strings.Split(string(b), "\n"), func(line string) bool {
			line = strings.TrimSpace(line)
			return line == "" || strings.HasPrefix(line, "#")
		})
	}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("got %q, want NAME=VALUE", line)
		}
		list = append(list, override{name, value})
	}
	return list, nil
}

// parseMixed parses args, where flags may stand before and after names, and returns the
// names.
func parseMixed(f *flag.FlagSet, args []string) (names []string, err error) {
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		args = f.Args()
		if len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	return names, nil
}

// do finds the notebooks and runs them.
func (s *settings) do(ctx context.Context, stdout io.Writer) error {
	root, here, err := thisCheckout()
	if err != nil {
		return err
	}
	list, err := listNotebooks(root)
	if err != nil {
		return err
	}
	if s.list {
		return printList(stdout, root, here, list)
	}
	names, err := s.wanted(root)
	if err != nil {
		return err
	}
	var files []string
	for _, name := range names {
		file, err := findNotebook(list, name)
		if err != nil {
			return err
		}
		for _, other := range files {
			if filepath.Base(file) == filepath.Base(other) {
				return fmt.Errorf("the results of %s and %s would have the same name; run one at a time", other, file)
			}
		}
		files = append(files, file)
	}
	out := s.out
	if out == "" {
		out = filepath.Join(root, "notebooks", "out")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("no folder for the results: %w; name another one with -o", err)
	}
	for _, file := range files {
		if err := wantNoNotebook(filepath.Join(out, filepath.Base(file)), files); err != nil {
			return err
		}
	}

	var table []byte
	if s.check {
		if table, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(resultsTable))); err != nil {
			return err
		}
	}
	p := newProgress(stdout)
	t, err := buildTools(ctx, root, p.say)
	if err != nil {
		return err
	}
	var failures []error
	for _, file := range files {
		err := s.runFile(ctx, file, out, table, t, p)
		if errors.Is(err, errInterrupted) {
			return err
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", filepath.Base(file), err))
		}
	}
	return errors.Join(failures...)
}

// wanted returns the names of the notebooks to run.
func (s *settings) wanted(root string) ([]string, error) {
	switch {
	case s.all:
		book, err := readBook(root)
		var names []string
		for _, c := range book {
			names = append(names, c.file)
		}
		return names, err
	case len(s.names) == 0:
		return []string{defaultNotebook}, nil
	}
	return s.names, nil
}

// wantNoNotebook returns an error if a result would replace one of the notebooks that are run,
// by whatever name: runs replace outputs, and -set the source.
func wantNoNotebook(result string, files []string) error {
	there, err := os.Stat(result)
	if err != nil {
		return nil
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && os.SameFile(info, there) {
			return fmt.Errorf("the results would replace the notebook %s; name another folder with -o, or use -inplace", file)
		}
	}
	return nil
}

// runFile runs the notebook file and writes its results: into the folder out, and
// into the file itself if that was asked for, every cell ran, and nobody has changed it
// meanwhile. If every cell ran, its numbers are compared with those of the table, unless that is nil.
func (s *settings) runFile(ctx context.Context, file, out string, table []byte, t tools, p *progress) error {
	started := time.Now()
	nb, source, err := readNotebook(file)
	if err != nil {
		return err
	}
	if err := nb.apply(s.set); err != nil {
		return err
	}
	p.say(fmt.Sprintf("running %s", filepath.Base(file)))
	failure := runNotebook(ctx, nb, t, filepath.Dir(file), s.timeout, p)
	if _, ok := errors.AsType[*cellError](failure); failure != nil && !ok && !errors.Is(failure, errInterrupted) {
		return failure // no cell ran
	}
	executed := filepath.Join(out, filepath.Base(file))
	if s.inPlace && failure == nil {
		if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, source) {
			failure = fmt.Errorf("it was changed while it ran, and is left as it is; the results are in %s", executed)
		} else {
			nb.recordHash()
			executed = file
		}
	}
	page := filepath.Join(out, strings.TrimSuffix(filepath.Base(file), suffix)+".html")
	if err := errors.Join(nb.write(executed), nb.writeHTML(page, filepath.Dir(file))); err != nil {
		return errors.Join(failure, fmt.Errorf("the results cannot be written: %w", err))
	}
	p.say(fmt.Sprintf("%s after %s\n  %s\n  %s", map[bool]string{true: "done", false: "stopped"}[failure == nil],
		strings.TrimSpace(seconds(time.Since(started))), executed, page))
	if failure == nil && table != nil {
		failure = checkResults(table, file, nb, p.say)
	}
	return failure
}
