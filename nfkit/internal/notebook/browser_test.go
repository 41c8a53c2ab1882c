//go:build browser

// The tutorial as a person sees it: opened in Chromium by what `go run ./notebooks lab`
// starts, or by another Jupyter.
//
//	apt-get install chromium jupyter-notebook   # or jupyterlab
//	go test -C nfkit/internal/notebook -tags browser -run Browser .
//
// With NFKIT_BROWSER_URL, the address of a running Jupyter with its token, such as
// http://127.0.0.1:8888/user/x/?token=t, that one is tested instead; it must serve a checkout.
// Screenshots go to notebooks/out/browser, or to the folder NFKIT_BROWSER_SCREENS.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	labLimit     = 15 * time.Minute // for the launcher, which may have to build its tools
	browserLimit = 20 * time.Minute // for all that is done in the browser

	screenWidth = 1400
	tallScreen  = 20000 // JupyterLab shows no cell that is not on the screen
	shotHeight  = 1600  // of one screenshot
)

// A few epochs; long enough below the live figure for it to be redrawn.
var browserOverrides = []override{{"epochs", "25"}, {"watched", "1000"}}

const liveUpdates = 5 // of the live figure, at least

func TestBrowser(t *testing.T) {
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	nb, _, err := readNotebook(filepath.Join(root, "notebooks", defaultNotebook+suffix))
	if err != nil {
		t.Fatal(err)
	}
	if err := nb.apply(browserOverrides); err != nil {
		t.Fatal(err)
	}
	nb.clearOutputs()
	source, err := nb.encode()
	if err != nil {
		t.Fatal(err)
	}

	// What the runner makes of it.
	if err := runNotebook(t.Context(), nb, testTools(t), checkoutFolder(t, root), 5*time.Minute, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}

	// What a person makes of it.
	var j *runningJupyter
	if address := os.Getenv("NFKIT_BROWSER_URL"); address != "" {
		j = givenJupyter(t, address, source)
	} else {
		j = launchedJupyter(t, checkoutFolder(t, root), source)
	}
	screens := os.Getenv("NFKIT_BROWSER_SCREENS")
	if screens == "" {
		screens = filepath.Join(root, "notebooks", "out", "browser")
	}
	if err := os.MkdirAll(screens, 0o755); err != nil {
		t.Fatal(err)
	}
	b := openPage(t, j.page, screens)
	b.runAll()
	b.checkFigures(nb)
	b.checkLive(nb)
	b.checkPlayer(nb)
	b.screenshots()
	saved := b.save(j)
	checkSaved(t, saved, nb)
	j.end()
}

// checkoutFolder returns a new folder inside the checkout, where the preamble of
// notebooks finds the package.
func checkoutFolder(t *testing.T, root string) string {
	t.Helper()
	out := filepath.Join(root, "notebooks", "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(out, "browser-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// runningJupyter is a Jupyter that serves the notebook of the test.
type runningJupyter struct {
	page string // address of the notebook's page
	file string // address of the saved file
	end  func() // ends it, if the test has started it, and checks that nothing is left
}

// launchedJupyter starts the launcher on a notebook in the folder dir.
func launchedJupyter(t *testing.T, dir string, source []byte) *runningJupyter {
	t.Helper()
	name := filepath.Join(dir, "tutorial.ipynb")
	if err := os.WriteFile(name, source, 0o644); err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	cmd := commandLine(t, "lab", "-no-browser", name)
	cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout := &addressWriter{found: make(chan string, 1)}
	cmd.Stdout = stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its status is looked at below
		close(ended)
	}()
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			t.Error("the launcher does not end within 2 min")
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	t.Cleanup(stop)
	var address string
	select {
	case address = <-stdout.found:
	case <-ended:
		t.Fatalf("the launcher ends: %v\n%s%s", cmd.ProcessState, stdout.text.String(), stderr.String())
	case <-time.After(labLimit):
		t.Fatalf("the launcher gives no address:\n%s%s", stdout.text.String(), stderr.String())
	}
	file, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jupyters { // lab/tree/NAME becomes files/NAME
		if name, ok := strings.CutPrefix(file.Path, "/"+j.page); ok {
			file.Path = "/files/" + name
			break
		}
	}
	return &runningJupyter{page: address, file: file.String(), end: func() {
		stop()
		if status := cmd.ProcessState.ExitCode(); status != statusOK || stderr.Len() != 0 {
			t.Errorf("after Ctrl-C the launcher ends with %d and says %q, want 0 and nothing", status, stderr.String())
		}
		if left := mentioning(temporary); len(left) != 0 {
			t.Errorf("after Ctrl-C the processes %v are left", left)
		}
		if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) != 0 {
			t.Errorf("after Ctrl-C the files %v are left", left)
		}
	}}
}

// addressWriter waits for an address in what is written to it.
type addressWriter struct {
	text  strings.Builder
	found chan string
}

func (w *addressWriter) Write(b []byte) (int, error) {
	w.text.Write(b)
	if match := regexp.MustCompile(`(https?://\S+)\n`).FindStringSubmatch(w.text.String()); match != nil {
		select {
		case w.found <- match[1]:
		default:
		}
	}
	return len(b), nil
}

// givenJupyter puts the notebook into the running Jupyter at the address base.
func givenJupyter(t *testing.T, base string, source []byte) *runningJupyter {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	at := func(parts ...string) string {
		v := *u
		v.Path = path.Join(append([]string{"/", u.Path}, parts...)...)
		return v.String()
	}
	put := func(name string, content map[string]any) {
		t.Helper()
		b, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at("api/contents", name), bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode >= 300 {
			text, _ := io.ReadAll(response.Body)
			t.Fatalf("writing %s to Jupyter: %s: %s", name, response.Status, text)
		}
	}
	var content any
	if err := json.Unmarshal(source, &content); err != nil {
		t.Fatal(err)
	}
	dir := "notebooks/out"
	put(dir, map[string]any{"type": "directory"})
	dir += "/browser-" + time.Now().UTC().Format("20060102-150405")
	put(dir, map[string]any{"type": "directory"})
	name := dir + "/tutorial.ipynb"
	put(name, map[string]any{"type": "notebook", "content": content})
	return &runningJupyter{page: at("lab/tree", name), file: at("files", name), end: func() {}}
}

// browserPage is the notebook in a browser.
type browserPage struct {
	t       *testing.T
	ctx     context.Context
	screens string // folder for screenshots
}

// openPage opens the address in a new Chromium and waits until the kernel is ready.
func openPage(t *testing.T, address, screens string) *browserPage {
	t.Helper()
	b := newBrowser(t, screens)
	b.do(chromedp.Navigate(address))
	b.wait("the notebook and an idle kernel", 5*time.Minute, readyScript)
	b.run(watchScript)
	return b
}

// newBrowser starts a Chromium.
func newBrowser(t *testing.T, screens string) *browserPage {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Fatal("there is no Chromium on PATH; install it, on Debian with apt-get install --no-install-recommends chromium")
	}
	scratch, err := os.MkdirTemp("", "chromium-") // which leaves files when it is ended
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(scratch) })
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Env("TMPDIR="+scratch),
		chromedp.ExecPath(program), chromedp.DisableGPU, chromedp.WindowSize(screenWidth, tallScreen))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it does not start otherwise
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return &browserPage{t: t, ctx: ctx, screens: screens}
}

// do carries out actions.
func (b *browserPage) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// run executes a script.
func (b *browserPage) run(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](script))
}

// value returns what the script evaluates to.
func value[T any](b *browserPage, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%v, in the script\n%s", err, script)
	}
	return v
}

// wait waits until the script is true, and fails the test with a screenshot if it does
// not become so.
func (b *browserPage) wait(what string, limit time.Duration, script string) {
	b.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+script+")"))
		if ok {
			return
		}
		if time.Now().After(deadline) || b.ctx.Err() != nil {
			b.fatalf("waited %v for %s (%v)", limit, what, err)
		}
	}
}

// Both front ends are asked in their own words: JupyterLab by what it draws, the classic
// Notebook by its object Jupyter.
const (
	inClassic   = `(typeof Jupyter !== 'undefined' && Boolean(Jupyter.notebook))`
	readyScript = inClassic + `
		? Jupyter.notebook._fully_loaded && Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected() && !Jupyter.notebook.kernel_busy
		: document.querySelector('.jp-NotebookPanel .jp-Cell') && document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]') &&
			document.querySelector('.jp-KernelName, .jp-Toolbar-kernelName')?.innerText.includes('` + kernelDisplayName + `')`
	doneScript = `[...document.querySelectorAll('.code_cell .input_prompt, .jp-CodeCell .jp-InputPrompt')].every(p => /\[\d+\]/.test(p.innerText)) && (` + readyScript + `)`

	// nfkitCells gives the cells, nfkitImages the images in a cell's output, and nfkitSeen
	// all states of the images that were ever shown, by cell.
	watchScript = `
		window.nfkitCells = () => [...document.querySelectorAll('#notebook-container > .cell, .jp-Notebook .jp-Cell')];
		window.nfkitImages = cell => [...cell.querySelectorAll('.output_area img, .jp-OutputArea-output img')];
		window.nfkitSeen = {};
		new MutationObserver(() => nfkitCells().forEach((cell, i) => nfkitImages(cell).forEach(img => {
			const s = img.src;
			(nfkitSeen[i] ||= new Set()).add(s.length + s.slice(s.length / 2, s.length / 2 + 500) + s.slice(-500));
		}))).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ['src']})`
)

// runAll runs all cells and waits for the end.
func (b *browserPage) runAll() {
	b.t.Helper()
	if value[bool](b, inClassic) {
		b.run("Jupyter.notebook.execute_all_cells()")
	} else {
		b.do(chromedp.Click(chromedp.CSS(".jp-Notebook .jp-Cell"))) // what menus do depends on where one works
		b.choose("Run", "Run All Cells")
	}
	b.wait("all cells to end", 15*time.Minute, doneScript)
}

// choose chooses an item of one of JupyterLab's menus with the mouse. While the page is
// still settling an open menu may be closed again, so it tries a few times.
func (b *browserPage) choose(menu, item string) {
	b.t.Helper()
	click := func(label, text string) bool {
		at := value[[]float64](b, fmt.Sprintf(`(() => {
			const found = [...document.querySelectorAll(%q)].find(e => e.textContent === %q);
			if (!found) return [];
			const r = found.getBoundingClientRect();
			return [r.x + r.width / 2, r.y + r.height / 2];
		})()`, label, text))
		if len(at) == 2 {
			b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]), chromedp.MouseClickXY(at[0], at[1]))
		}
		return len(at) == 2
	}
	for range 10 {
		if click(".lm-MenuBar-itemLabel", menu) {
			time.Sleep(500 * time.Millisecond) // it opens
			if click(".lm-Menu-itemLabel", item) {
				return
			}
		}
		b.do(chromedp.KeyEvent(kb.Escape))
	}
	b.fatalf("there is no menu %s with %s", menu, item)
}

// fatalf ends the test, with a screenshot.
func (b *browserPage) fatalf(format string, args ...any) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(screenWidth, 900))
	b.shoot(filepath.Join(b.screens, "failed.png"), nil)
	b.t.Fatalf(format, args...)
}

// checkFigures checks that every cell shows as many images as the runner has found, each
// complete, in the size that it should have, and none cut off.
func (b *browserPage) checkFigures(nb *notebook) {
	b.t.Helper()
	type image struct {
		Natural, Shown, Room, Left, Right float64
	}
	shown := value[[][]image](b, `nfkitCells().map(cell => nfkitImages(cell).map(img => {
		const at = img.getBoundingClientRect();
		const output = img.closest('.output_subarea, .jp-OutputArea-output');
		const frame = output.getBoundingClientRect(), style = getComputedStyle(output);
		return {
			Natural: img.complete ? Math.min(img.naturalWidth, img.naturalHeight) : 0,
			Shown: at.width, Room: frame.width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
			Left: at.left - frame.left, Right: frame.right - at.right,
		};
	}))`)
	if len(shown) != len(nb.cells) {
		b.t.Fatalf("the page has %d cells, want %d", len(shown), len(nb.cells))
	}
	total := 0
	for i, c := range nb.cells {
		widths := imageWidths(c)
		if len(shown[i]) != len(widths) {
			b.t.Errorf("cell %d shows %d figures, want %d", i+1, len(shown[i]), len(widths))
			continue
		}
		total += len(widths)
		for k, img := range shown[i] {
			if img.Natural < 100 || math.Abs(img.Shown-min(widths[k], img.Room)) > 0.5 || img.Left < 0 || img.Right < 0 {
				b.t.Errorf("figure %d of cell %d is %+v, want %v pixels shown, or all the room, within its frame", k+1, i+1, img, widths[k])
			}
		}
	}
	if total < 9 {
		b.t.Errorf("the tutorial shows %d figures, want the 9 of the original at least", total)
	}
}

var widthAttribute = regexp.MustCompile(`<img[^>]* width="(\d+)"`)

// imageWidths returns the widths on the page of the images in a cell's output.
func imageWidths(c *cell) []float64 {
	var list []float64
	add := func(number string) {
		var width float64
		if _, err := fmt.Sscan(number, &width); err != nil {
			width = -1 // no image has it
		}
		list = append(list, width)
	}
	for _, o := range c.outputs() {
		data, _ := o["data"].(map[string]any)
		metadata, _ := o["metadata"].(map[string]any)
		if _, ok := data["image/png"]; ok {
			size, _ := metadata["image/png"].(map[string]any)
			add(fmt.Sprint(size["width"]))
		} else if text, err := joinText(data["text/html"]); err == nil {
			for _, match := range widthAttribute.FindAllStringSubmatch(text, -1) {
				add(match[1])
			}
		}
	}
	return list
}

// cellWith returns the index of the code cell whose source has the text.
func cellWith(t *testing.T, nb *notebook, text string) int {
	t.Helper()
	for i, c := range nb.cells {
		if c.kind() == "code" && strings.Contains(c.source(), text) {
			return i
		}
	}
	t.Fatalf("no code cell has %s", text)
	return 0
}

// checkLive checks that the live figure was redrawn while its cell ran.
func (b *browserPage) checkLive(nb *notebook) {
	b.t.Helper()
	i := cellWith(b.t, nb, ".Live(")
	if n := value[int](b, fmt.Sprintf("nfkitSeen[%d] ? nfkitSeen[%[1]d].size : 0", i)); n < 1+liveUpdates {
		b.t.Errorf("the live figure of cell %d had %d states, want %d at least", i+1, n, 1+liveUpdates)
	} else {
		b.t.Logf("the live figure had %d states", n)
	}
}

// checkPlayer plays the animation to its end.
func (b *browserPage) checkPlayer(nb *notebook) {
	b.t.Helper()
	i := cellWith(b.t, nb, "nfplot.Animate(")
	player := func(selector string) string { return fmt.Sprintf("nfkitCells()[%d].querySelector(%q)", i, selector) }
	const outputs = ":is(.output_area, .jp-OutputArea-output) "
	button, slider := player(outputs+"button"), player(outputs+"input[type=range]")
	if !value[bool](b, "Boolean("+button+" && "+slider+")") {
		b.t.Fatalf("the animation of cell %d has no controls", i+1)
	}
	last := value[int](b, "Number("+slider+".max)")
	if at := value[int](b, "Number("+slider+".value)"); at != last || last == 0 {
		b.t.Errorf("the player starts at frame %d of %d, want its last", at, last)
	}
	b.run(button + ".click()")
	b.wait("the player to show all frames and to end", 2*time.Minute,
		fmt.Sprintf("nfkitSeen[%d].size === %d && Number(%s.value) === %d && %s.innerText === 'Play'", i, last+1, slider, last, button))
}

// screenshots saves what a person sees: the window at its usual size, and the notebook
// from its top to its end.
func (b *browserPage) screenshots() {
	b.t.Helper()
	old, _ := filepath.Glob(filepath.Join(b.screens, "*.png"))
	for _, name := range old {
		os.Remove(name)
	}
	end := value[float64](b, "nfkitCells().at(-1).getBoundingClientRect().bottom")
	if end > tallScreen {
		b.t.Errorf("the notebook is %.0f pixels long and the screen %d: what is below was not looked at", end, tallScreen)
	}
	for n, y := 1, 0.0; y < min(end, tallScreen); n, y = n+1, y+shotHeight {
		clip := &cdppage.Viewport{Y: y, Width: screenWidth, Height: min(shotHeight, min(end, tallScreen)-y), Scale: 1}
		b.shoot(filepath.Join(b.screens, fmt.Sprintf("screen-%02d.png", n)), clip)
	}
	b.do(chromedp.EmulateViewport(screenWidth, 900))
	b.shoot(filepath.Join(b.screens, "screen-00.png"), nil)
}

func (b *browserPage) shoot(name string, clip *cdppage.Viewport) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		shot, err := cdp.Call(ctx, target, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Clip: clip})
		return errors.Join(err, os.WriteFile(name, shot.Data, 0o644))
	}))
}

// save saves the notebook as a person does and returns the file.
func (b *browserPage) save(j *runningJupyter) *notebook {
	b.t.Helper()
	if value[bool](b, inClassic) {
		b.run("Jupyter.notebook.save_notebook().then(() => { window.nfkitSaved = true })")
		b.wait("the file to be saved", 2*time.Minute, "window.nfkitSaved")
	} else {
		b.do(chromedp.KeyEvent("s", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
		b.wait("the file to be saved", 2*time.Minute, "!document.querySelector('.lm-TabBar-tab.jp-mod-dirty')")
	}
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, j.file, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("the saved file: %s (%v)", response.Status, err)
	}
	nb, err := parseNotebook(text)
	if err != nil {
		b.t.Fatalf("the saved file: %v", err)
	}
	return nb
}

// checkSaved checks that the browser has saved the file that the runner writes.
func checkSaved(t *testing.T, saved, want *notebook) {
	t.Helper()
	for i, c := range saved.code() {
		for _, o := range c.outputs() {
			if o["output_type"] == "error" || o["name"] == "stderr" {
				t.Errorf("code cell %d has the output %.500s", i+1, fmt.Sprint(o))
			}
		}
	}
	got, expected := strings.Split(comparable(t, saved), "\n"), strings.Split(comparable(t, want), "\n")
	for i := range min(len(got), len(expected)) {
		if got[i] != expected[i] {
			t.Fatalf("line %d of the saved file is\n%.300s\nthe runner writes\n%.300s", i+1, got[i], expected[i])
		}
	}
	if len(got) != len(expected) {
		t.Errorf("the saved file has %d lines, the runner writes %d", len(got), len(expected))
	}
}

var duration = regexp.MustCompile(`\d+\.\d s`)

// comparable returns the file without what differs from run to run and from one front end
// to the other: ids of cells, what a front end remembers of a cell's execution and look,
// durations.
func comparable(t *testing.T, nb *notebook) string {
	t.Helper()
	for _, c := range nb.cells {
		delete(c.raw, "id")
		for _, key := range []string{"execution", "trusted", "scrolled", "collapsed"} {
			delete(object(c.raw, "metadata"), key)
		}
	}
	b, err := nb.encode()
	if err != nil {
		t.Fatal(err)
	}
	return duration.ReplaceAllString(string(b), "0.0 s")
}
