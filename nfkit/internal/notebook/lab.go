package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const labUsage = `usage: go run ./notebooks lab [flags] [notebook]

Opens a notebook, the tutorial if none is named, in JupyterLab, or in Jupyter Notebook
if that is what is installed, with the Go kernel, completion and help for this
checkout. Where neither is installed, JupyterLab is installed with pip into a private
environment in the cache folder. Nothing else is installed, and no configuration of
Jupyter is changed.

flags:
  -no-browser       only print the address

Ctrl-C ends Jupyter and its kernels.

Exit status: 0 if Jupyter was ended by Ctrl-C or from its menu, 1 if it could not
be started or has failed, 2 for a wrong command line, 130 if interrupted before.
`

// labSettings is what the command line of lab says.
type labSettings struct {
	name      string
	noBrowser bool
}

// parseLabArgs reads the command line that follows the word lab.
func parseLabArgs(args []string) (*labSettings, error) {
	s := &labSettings{name: defaultNotebook}
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.BoolVar(&s.noBrowser, "no-browser", false, "")
	names, err := parseMixed(f, args)
	if err != nil {
		return nil, err
	}
	if len(names) > 1 {
		return nil, fmt.Errorf("got %d notebooks, want one: Jupyter opens the others from its list of files", len(names))
	}
	if len(names) == 1 {
		s.name = names[0]
	}
	return s, nil
}

// do opens the notebook and returns when Jupyter has ended.
func (s *labSettings) do(ctx context.Context, stdout io.Writer) error {
	root, _, err := thisCheckout()
	if err != nil {
		return err
	}
	list, err := listNotebooks(root)
	if err != nil {
		return err
	}
	file, err := findNotebook(list, s.name)
	if err != nil {
		return err
	}
	say := newProgress(stdout).say
	t, err := buildTools(ctx, root, say, helpPatches...)
	if err != nil {
		return err
	}
	if t.gopls, err = buildTool(ctx, root, "gopls", say); err != nil {
		return err
	}
	j, err := findJupyter(ctx, say)
	if err != nil {
		return err
	}
	warming, stop := context.WithCancel(ctx)
	warmed := make(chan struct{})
	go func() {
		warmGopls(warming, t)
		close(warmed)
	}()
	defer func() { stop(); <-warmed }()
	return s.serve(ctx, j, t, root, file, say)
}

// serve starts j, shows the notebook file, and waits for the end. Files outside of the
// folder root are served from their own folder.
func (s *labSettings) serve(ctx context.Context, j jupyter, t tools, root, file string, say func(string)) error {
	if rel, err := filepath.Rel(root, file); err != nil || !filepath.IsLocal(rel) {
		root = filepath.Dir(file)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return err
	}
	say("starting " + j.name)
	server, err := startServer(ctx, j, t, root)
	if err != nil {
		return err
	}
	defer server.stop()
	address := server.address(j.page, rel)
	text := fmt.Sprintf("%s is at\n  %s\nCtrl-C ends Jupyter and its kernels.", filepath.Base(file), address)
	if !s.noBrowser {
		page, err := server.redirect(address)
		if err == nil {
			err = openBrowser(page)
		}
		if err != nil {
			text = fmt.Sprintf("No browser can be opened (%v); open this address in one.\n%s", err, text)
		}
	}
	say(text)
	select {
	case <-server.ended:
		if server.endErr != nil {
			return server.death()
		}
		say("Jupyter has ended.")
		return nil
	case <-ctx.Done():
		say("ending Jupyter")
		if err := context.Cause(ctx); !errors.Is(err, errInterrupted) {
			return err
		}
		return nil
	}
}

// redirect writes a page that leads to the address, and returns its path. The command line of
// a browser, which all users may see, then has no token in it.
func (s *server) redirect(address string) (string, error) {
	name := filepath.Join(s.scratch, "open.html")
	page := fmt.Sprintf(`<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=%s"><title>Jupyter</title>`, html.EscapeString(address))
	return name, os.WriteFile(name, []byte(page), 0o600)
}

// address returns where the server shows the notebook at the path rel below its folder.
func (s *server) address(page, rel string) string {
	u := *s.url
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + page + filepath.ToSlash(rel)
	if s.token != "" {
		u.RawQuery = url.Values{"token": {s.token}}.Encode()
	}
	return u.String()
}
