//go:build browser

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// In a new notebook, the preamble and an import are enough to run a cell, to have names
// completed and to have them explained: in a folder of the checkout, elsewhere, or in a
// module that requires nfkit.
func TestHelp(t *testing.T) {
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(checkoutFolder(t, root), "a folder", "deeper")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	module := t.TempDir()
	for _, line := range []string{"mod init example.com/own", "mod edit -require=" + modulePath + "@v0.0.0 -replace=" + modulePath + "=" + root} {
		cmd := exec.Command("go", strings.Fields(line)...)
		cmd.Dir = module
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", line, err, out)
		}
	}
	for name, dir := range map[string]string{"inside the checkout": deep, "outside": t.TempDir(), "in a module": module} {
		t.Run(name, func(t *testing.T) { checkHelp(t, root, dir) })
	}
}

const (
	helpLimit = 2 * time.Minute // gopls reads all packages first
	helpPause = time.Second
)

func checkHelp(t *testing.T, root, dir string) {
	built := testTools(t)
	say := func(string) {}
	var err error
	if built.gonb, err = buildTool(t.Context(), root, "gonb", say, helpPatches...); err != nil {
		t.Fatal(err)
	}
	if built.gopls, err = buildTool(t.Context(), root, "gopls", say); err != nil {
		t.Fatal(err)
	}
	warmGopls(t.Context(), built)
	k, err := startKernel(t.Context(), built, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer k.stop()
	ask := func(kind string, content map[string]any) message {
		t.Helper()
		id, err := k.send(k.shell, kind, content)
		if err != nil {
			t.Fatal(err)
		}
		var shown strings.Builder
		for limit := time.After(helpLimit); ; {
			select {
			case m := <-k.in:
				if m.on == onShell && m.parent == id {
					if m.text("status") != "ok" {
						t.Fatalf("%s: %v\n%s", kind, m.content, shown.String())
					}
					return m
				}
				shown.WriteString(m.text("text"))
			case <-k.ended:
				t.Fatal(k.death())
			case <-limit:
				t.Fatalf("no answer to %s within %v", kind, helpLimit)
			}
		}
	}
	// Without the first cell, the error leads back to it; the plain kernel's does not.
	id, err := k.send(k.shell, "execute_request", map[string]any{"code": "%noautoget\nimport nf \"" + modulePath + "/nfkit\"\n%%\nprintln(nf.NewDiagGaussian(2, nil).Dim())",
		"silent": false, "store_history": true, "user_expressions": map[string]any{}, "allow_stdin": false, "stop_on_error": true})
	if err != nil {
		t.Fatal(err)
	}
	for replied := false; !replied; {
		select {
		case m := <-k.in:
			if replied = m.on == onShell && m.parent == id; replied && !strings.Contains(fmt.Sprint(m.content), runFirstCell) {
				t.Errorf("without the first cell: %v", m.content)
			}
		case <-time.After(helpLimit):
			t.Fatal("no reply to a cell that does not know nfkit")
		}
	}
	for _, code := range []string{preamble, "import nf \"" + modulePath + "/nfkit\"\n%%\nprintln(nf.NewDiagGaussian(2, nil).Dim())"} {
		ask("execute_request", map[string]any{"code": code, "silent": false, "store_history": true,
			"user_expressions": map[string]any{}, "allow_stdin": false, "stop_on_error": true})
	}

	// gopls answers with little until it has read all packages, so ask until it knows.
	eventually := func(what string, ok func() (bool, message)) {
		t.Helper()
		for start := time.Now(); ; time.Sleep(helpPause) {
			good, m := ok()
			if good {
				t.Logf("%s after %.1f s", what, time.Since(start).Seconds())
				return
			}
			if time.Since(start) > helpLimit {
				t.Fatalf("no %s within %v; the last answer is %.2000v", what, helpLimit, m.content)
			}
		}
	}
	at := func(code string) map[string]any {
		code, rest, _ := strings.Cut(code, "‸")
		return map[string]any{"code": code + rest, "cursor_pos": len([]rune(code)), "detail_level": 0}
	}
	for code, want := range map[string]string{
		"%%\nbase := nf.NewDiagG‸\n":                                     "NewDiagGaussian",
		"%%\nnf.NewNormalizing‸":                                         "NewNormalizingFlow",
		"%%\nbase := nf.NewDiagGaussian(2, nil)\nprintln(base.Di‸)":      "Dim",
		"func newModel() *nf.NormalizingFlow {\n\treturn nf.NewNorm‸\n}": "NewNormalizingFlow",
	} {
		eventually("the completion "+want, func() (bool, message) {
			m := ask("complete_request", at(code))
			matches, _ := m.content["matches"].([]any)
			return slices.ContainsFunc(matches, func(match any) bool { return strings.HasPrefix(match.(string), want) }), m
		})
	}
	for code, want := range map[string]string{
		"%%\nbase := nf.NewDiag‸Gaussian(2, nil)\nprintln(base.Dim())": "func nf.NewDiagGaussian(dim int",
		"%%\nbase := nf.NewDiagGaussian(2, nil)\nprintln(base.Dim‸())": "Dim() int",
	} {
		eventually("the help "+want, func() (bool, message) {
			m := ask("inspect_request", at(code))
			text, _ := m.object("data")["text/markdown"].(string)
			plain, _ := m.object("data")["text/plain"].(string) // all that the classic Notebook shows
			if strings.Contains(text, "](") || strings.Contains(plain, "```") {
				t.Errorf("the help has links, or is no plain text:\n%s\n%s", text, plain)
			}
			return strings.Contains(text, want) && strings.Contains(plain, want), m
		})
	}
}
