package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	serverStartLimit = time.Minute      // for a server to say where it listens
	serverStopLimit  = 15 * time.Second // for a server to end its kernels and itself
	serverPoll       = 50 * time.Millisecond
)

// server is a running Jupyter. It leads a process group of its own; its kernels have
// further ones.
type server struct {
	cmd     *exec.Cmd
	scratch string        // its temporary files; removed by stop
	keeper  *keeper       // does what stop does, if this process cannot
	url     *url.URL      // its base address
	token   string        // "" where the user's configuration has a password instead
	ended   chan struct{} // closed when the process has ended
	endErr  error         // how it ended; valid after ended is closed
}

// startServer starts j for the files in the folder root and returns when it listens. It
// reads the user's configuration. What it writes at run time, its kernelspec and the
// layout of its windows are in a private folder.
func startServer(ctx context.Context, j jupyter, t tools, root string) (*server, error) {
	scratch, err := scratchDir()
	if err != nil {
		return nil, err
	}
	s := &server{scratch: scratch, ended: make(chan struct{})}
	if err := s.start(ctx, j, t, root); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s does not start: %w", j.name, err)
	}
	return s, nil
}

func (s *server) start(ctx context.Context, j jupyter, t tools, root string) (err error) {
	if s.keeper, err = startKeeper(s.scratch); err != nil {
		return err
	}
	if err := errors.Join(writeKernelspec(s.scratch, t), writeLabSettings(s.scratch)); err != nil {
		return err
	}
	logFile, err := os.Create(s.logName())
	if err != nil {
		return err
	}
	defer logFile.Close()
	args := append(j.argv[1:], "--no-browser", "--notebook-dir="+root, "--MultiKernelManager.default_kernel_name="+kernelName)
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root") // it refuses otherwise
	}
	s.cmd = exec.Command(j.argv[0], args...)
	s.cmd.Dir = root
	s.cmd.Env = append(os.Environ(), prepend("JUPYTER_PATH", s.scratch), prepend("JUPYTER_CONFIG_PATH", s.scratch),
		"JUPYTER_RUNTIME_DIR="+s.runtimeDir(),
		"JUPYTERLAB_WORKSPACES_DIR="+filepath.Join(s.scratch, "workspaces"))
	s.cmd.Env = append(s.cmd.Env, checkoutVariable(t.checkout, root)...)
	s.cmd.Stdout, s.cmd.Stderr = logFile, logFile
	leadGroup(s.cmd)
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	s.keeper.watch(s.cmd.Process)
	go func() {
		s.endErr = s.cmd.Wait()
		close(s.ended)
	}()

	limit := time.After(serverStartLimit)
	tick := time.NewTicker(serverPoll)
	defer tick.Stop()
	for !s.listens() {
		select {
		case <-tick.C:
		case <-s.ended:
			return s.death()
		case <-limit:
			return fmt.Errorf("it does not listen within %v%s", serverStartLimit, logEnd(s.logName()))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// prepend returns a setting of the environment variable to a list of folders that starts
// with dir.
func prepend(variable, dir string) string {
	if old := os.Getenv(variable); old != "" {
		dir += string(os.PathListSeparator) + old
	}
	return variable + "=" + dir
}

// listens says whether the server has written the file that says where it listens, and
// takes the address from it. Jupyter writes it after it has opened its port.
func (s *server) listens() bool {
	for _, pattern := range []string{"jpserver-*.json", "nbserver-*.json"} { // of Jupyter Server, and of Notebook up to 6
		files, _ := filepath.Glob(filepath.Join(s.runtimeDir(), pattern)) // the pattern is valid
		for _, file := range files {
			var info struct{ URL, Token string }
			b, err := os.ReadFile(file)
			if err != nil || json.Unmarshal(b, &info) != nil || info.URL == "" {
				continue // it is being written
			}
			if u, err := url.Parse(info.URL); err == nil {
				s.url, s.token = u, info.Token
				return true
			}
		}
	}
	return false
}

// stop ends the server, its kernels and their programs, and removes their files.
func (s *server) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(terminate) // it may have ended
		select {
		case <-s.ended:
		case <-time.After(serverStopLimit):
		}
		killGroup(s.cmd.Process.Pid)
		<-s.ended
		killMentioning(s.scratch)
	}
	_ = os.RemoveAll(s.scratch)
	if s.keeper != nil {
		s.keeper.release()
		s.keeper = nil
	}
}

// death describes how the server ended, with the last lines of its log.
func (s *server) death() error {
	<-s.ended
	how := "exit status 0"
	if s.endErr != nil {
		how = s.endErr.Error()
	}
	return fmt.Errorf("the server ended: %s%s", how, logEnd(s.logName()))
}

func (s *server) logName() string    { return filepath.Join(s.scratch, "jupyter.log") }
func (s *server) runtimeDir() string { return filepath.Join(s.scratch, "runtime") }

// writeKernelspec makes the folder dir one for JUPYTER_PATH, where Jupyter finds the
// kernel that notebooks name. It has all that the kernel needs, whatever the user's PATH;
// the temporary files of the kernel go to dir, so that its processes can be told by it.
func writeKernelspec(dir string, t tools) error {
	spec := map[string]any{
		"argv":           []string{t.gonb, "--kernel", "{connection_file}"},
		"display_name":   kernelDisplayName,
		"language":       "go",
		"interrupt_mode": "message",
		"env":            map[string]string{"PATH": t.path(), "TMPDIR": dir},
	}
	return writeJSON(filepath.Join(dir, "kernels", kernelName, "kernel.json"), spec)
}

// completionLimit is how long JupyterLab waits for names that complete what is written. The
// first time, gopls reads all packages.
const completionLimit = 20 * time.Second

// writeLabSettings makes the folder dir one for JUPYTER_CONFIG_PATH, which keeps JupyterLab
// from asking, above the notebook, whether it may look for news, and lets it wait for
// completions longer than the second that it does, unless the user's own settings say so.
func writeLabSettings(dir string) error {
	return writeJSON(filepath.Join(dir, "labconfig", "default_setting_overrides.json"), map[string]any{
		"@jupyterlab/apputils-extension:notification": map[string]any{"fetchNews": "false", "checkForUpdates": false},
		"@jupyterlab/completer-extension:manager":     map[string]any{"providerTimeout": completionLimit.Milliseconds()},
	})
}

func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
