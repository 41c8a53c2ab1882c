package nfplot

// Show puts the drawings under the cell, one below the other. It returns when the notebook has them: an output that a
// program leaves behind when it ends is not lost. Outside a notebook it does nothing.
// In a program that also uses GoNB's own package gonbui, whose Sync then does the waiting, it waits a tenth of a second.
// It panics when there is nothing to show.
func Show(drawings ...Drawing) {
	if len(drawings) == 0 {
		panic("nfplot: Show: got no drawings, want one or more")
	}
	if !inNotebook() {
		return
	}
	for _, d := range drawings {
		if a, ok := d.(*Animation); ok {
			kernel.send(display{Data: mimeBundle{mimeHTML: a.HTML()}})
			continue
		}
		sendPNG("", PNG(d), pageWidth(d))
	}
	kernel.sync()
}

// pageWidth is the width of a drawing on a notebook page.
func pageWidth(d Drawing) int {
	width, _ := sizeOf(d)
	return int(width)
}

// sendPNG shows an image with its width on the page, so that it is sharp on any screen.
func sendPNG(id string, png []byte, width int) {
	kernel.send(display{
		Data:      mimeBundle{mimePNG: png},
		Metadata:  metadata{string(mimePNG): map[string]int{"width": width}},
		DisplayID: id,
	})
}
