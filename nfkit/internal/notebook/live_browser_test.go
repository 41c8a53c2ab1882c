//go:build browser

// The page of notebooks/browser, in Chromium:
//
//	go test -C nfkit/internal/notebook -tags browser -run PageLearns -v .
//
// Screenshots go to notebooks/out/page.

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A flow learns in the page what is picked, and what is drawn. All the while the page answers. It keeps to its policy, which the server sends as
// well, and lives in another page as it does alone.
func TestPageLearns(t *testing.T) {
	address, screens := servedPage(t)
	b := newBrowser(t, screens)
	ctx, cancel := context.WithCancel(b.ctx)
	said := make(chan []string)
	console := chromedp.Console(ctx)
	go func() {
		var all []string
		for m, err := range console {
			if err != nil {
				break
			}
			all = append(all, m.String())
		}
		said <- all
	}()
	const limit = 5 * time.Minute // for a loaded machine

	b.do(chromedp.EmulateViewport(1200, 1300), chromedp.Navigate(address))
	b.wait("the program", limit, "!document.querySelector('#train').disabled && shown.picture")
	if picks := value[int](b, "document.querySelectorAll('#picks input').length"); picks < 6 {
		t.Errorf("there are %d densities to pick, want 6 at least", picks)
	}

	// Two moons, with the mouse.
	b.run("document.querySelector('#train').click()")
	b.wait("the first steps", limit, "shown.steps > 0")
	before := value[int](b, "shown.steps")
	turns := promised[int](b, `new Promise(done => { // the page's own turns between now and the steps that follow
		let turns = 0;
		const from = shown.steps;
		(function turn() {
			if (shown.steps >= from + 20) done(turns);
			else { turns++; setTimeout(turn, 0); }
		})();
	})`)
	if turns < 20 || value[string](b, "typeof Go") != "undefined" {
		t.Errorf("while the flow takes 20 steps the page has %d turns of its own, want as many at least, and the program in a worker", turns)
	}
	b.wait("150 steps", limit, "shown.steps >= 150")
	const mean = "shown.losses.slice(-30).reduce((sum, v) => sum + v / 30, 0)"
	first, last, floor := value[float64](b, "shown.losses[0]"), value[float64](b, mean), value[float64](b, "shown.floor")
	if last > floor+0.2 || first < floor+0.4 { // 0.09 above was seen
		t.Errorf("the loss falls from %.2f to %.2f nats, want 0.2 at most above the entropy, %.2f", first, last, floor)
	}
	t.Logf("from %.2f to %.2f nats, the entropy is %.2f; %.0f steps a second after %d", first, last, floor, value[float64](b, "shown.perSecond"), before)
	b.run("document.querySelector('#train').click()")
	b.wait("a pause", limit, "!training && document.querySelector('#state').innerText === 'Paused'")
	b.shoot(filepath.Join(screens, "moons-1200.png"), nil)

	// From noise to data, with the keyboard.
	b.run("document.querySelector('#at').focus()")
	b.do(chromedp.KeyEvent(kb.Home))
	b.wait("noise", limit, "document.querySelector('#layer').innerText === 'noise'")
	b.run("document.querySelector('#play').click()")
	b.wait("the way to the data", limit, "document.querySelector('#layer').innerText === 'data' && document.querySelector('#play').innerText === 'Play'")

	// A drawing, at the top left: what is learned is there.
	b.run("[...document.querySelectorAll('#picks input')].at(-1).click()")
	b.wait("an empty drawing", limit, "document.querySelector('#train').disabled && !shown.picture")
	corner := value[[]float64](b, "(() => { const r = document.querySelector('#data').getBoundingClientRect(); return [r.x, r.y, r.width]; })()")
	at := func(x, y float64) (float64, float64) { return corner[0] + x*corner[2], corner[1] + y*corner[2] }
	mouse := func(kind input.DispatchMouseEventType, x, y float64) {
		u, v := at(x, y)
		b.do(chromedp.MouseEvent(kind, u, v, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	mouse(input.DispatchMouseEventTypeMousePressed, 0.2, 0.2)
	for k := range 10 {
		mouse(input.DispatchMouseEventTypeMouseMoved, 0.2+0.02*float64(k), 0.2)
	}
	mouse(input.DispatchMouseEventTypeMouseReleased, 0.38, 0.2)
	b.wait("its points", limit, "!document.querySelector('#train').disabled && shown.picture && shown.floor === null")
	b.run("document.querySelector('#train').click()")
	b.wait("100 steps", limit, "shown.steps >= 100")
	b.run("document.querySelector('#data').focus()")
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(" ")) // paint, while it trains
	b.wait("a second stroke", limit, "strokes.length === 2 && shown.steps >= 110")
	b.run("document.querySelector('#train').click()")
	b.wait("a pause", limit, "!training")
	if found := value[bool](b, "(k => k % shown.cells < shown.cells / 2 && k < shown.cells * shown.cells / 2)(shown.picture.indexOf(Math.max(...shown.picture)))"); !found {
		t.Error("the density of the flow is not highest where the drawing is")
	}

	// A telephone, in the dark, and back to what is picked.
	b.do(chromedp.EmulateViewport(400, 1500))
	media(b, "dark")
	b.shoot(filepath.Join(screens, "drawing-400-dark.png"), nil)
	b.run("document.querySelectorAll('#picks input')[5].click()")
	b.wait("a new flow", limit, "shown.steps === 0 && shown.floor !== null && shown.picture")
	if width := value[int](b, "document.documentElement.scrollWidth"); width != 400 {
		t.Errorf("on a screen of 400 pixels the page is %d wide", width)
	}
	b.run("document.querySelector('#train').click()")
	b.wait("200 steps", limit, "shown.steps >= 200")
	b.run("document.querySelector('#train').click()")
	b.wait("a pause", limit, "!training")
	b.shoot(filepath.Join(screens, "checkerboard-400-dark.png"), nil)
	media(b, "light")
	b.shoot(filepath.Join(screens, "checkerboard-400.png"), nil)
	b.do(chromedp.EmulateViewport(1200, 1300))
	media(b, "dark")
	b.shoot(filepath.Join(screens, "checkerboard-1200-dark.png"), nil)

	b.do(chromedp.Navigate(address + "book.html"))
	b.wait("the page within a page", limit, "!document.querySelector('iframe').contentDocument.querySelector('#train')?.disabled")
	b.run("document.querySelector('iframe').contentDocument.querySelector('#train').click()")
	b.wait("steps", limit, "/after [1-9]/.test(document.querySelector('iframe').contentDocument.querySelector('#numbers').innerText)")

	cancel()
	if all := <-said; len(all) != 0 {
		t.Errorf("the browser says\n%s", strings.Join(all, "\n"))
	}
}

// media makes the browser prefer dark or light pages, and waits until they are drawn.
func media(b *browserPage, scheme string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
	promised[bool](b, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))")
}

// promised returns what the promise that the script evaluates to becomes.
func promised[T any](b *browserPage, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%v, in the script\n%s", err, script)
	}
	return v
}

// servedPage builds the page and returns the address where it is served with its policy as a header, and a folder for screenshots.
func servedPage(t *testing.T) (address, screens string) {
	t.Helper()
	root, err := checkoutRoot(mustGetwd(t))
	if err != nil {
		t.Fatal(err)
	}
	folder, screens := t.TempDir(), filepath.Join(root, "notebooks", "out", "page")
	if err := os.MkdirAll(screens, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./notebooks/browser", "-o", folder)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the page: %v\n%s", err, out)
	}
	index, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindSubmatch(index)
	if policy == nil || strings.Contains(string(policy[1]), "unsafe-inline") || strings.Contains(string(policy[1]), "'unsafe-eval'") {
		t.Fatalf("the page has the policy %q, want one without scripts of its own", policy)
	}
	files := http.FileServer(http.Dir(folder))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/book.html":
			io.WriteString(w, `<!DOCTYPE html><title>Book</title><link rel="icon" href="data:,"><iframe src="/" width="900" height="900"></iframe>`)
		default:
			w.Header().Set("Content-Security-Policy", string(policy[1]))
			files.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return fmt.Sprint(server.URL, "/"), screens
}
