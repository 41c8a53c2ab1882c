package nfplot

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg/draw"

	"github.com/nfkit/nfkit-go/nfkit/internal/wholefile"
)

// Save writes the drawing to a file, in the format that the extension names: .png, .svg, .pdf, and .html for an
// [Animation]. The file is written whole or not at all: what was there before stays until the new one is complete.
func Save(path string, d Drawing) error {
	write, err := writer(strings.ToLower(filepath.Ext(path)), d)
	if err != nil {
		return fmt.Errorf("nfplot: Save %s: %w", path, err)
	}
	if err := wholefile.Write(path, write); err != nil {
		return fmt.Errorf("nfplot: Save %s: %w", path, err)
	}
	return nil
}

func writer(extension string, d Drawing) (func(io.Writer) error, error) {
	switch animation, _ := d.(*Animation); {
	case extension == ".png":
		return func(w io.Writer) error { _, err := w.Write(PNG(d)); return err }, nil
	case extension == ".svg", extension == ".pdf":
		return func(w io.Writer) error {
			width, height := sizeOf(d)
			c, err := draw.NewFormattedCanvas(width, height, extension[1:])
			if err != nil {
				return err
			}
			laidOut(d).Draw(draw.New(c))
			_, err = c.WriteTo(w)
			return err
		}, nil
	case extension == ".html" && animation != nil:
		return func(w io.Writer) error { _, err := io.WriteString(w, animation.HTML()); return err }, nil
	}
	return nil, fmt.Errorf("the format %q is unknown for a %T: want .png, .svg or .pdf, or .html for an animation", extension, d)
}
