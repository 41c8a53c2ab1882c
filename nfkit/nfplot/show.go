package nfplot

import (
	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// Show puts the drawings under the cell, one below the other. It returns when the notebook has them: an output that a
// program leaves behind when it ends is not lost. Outside a notebook it does nothing.
// It panics when there is nothing to show.
func Show(drawings ...Drawing) {
	if len(drawings) == 0 {
		panic("nfplot: Show: got no drawings, want one or more")
	}
	if !gonbui.IsNotebook {
		return
	}
	for _, d := range drawings {
		if a, ok := d.(*Animation); ok {
			send("", map[protocol.MIMEType]any{protocol.MIMETextHTML: a.HTML()}, nil)
			continue
		}
		sendPNG("", PNG(d), pageWidth(d))
	}
	gonbui.Sync()
}

// pageWidth is the width of a drawing on a notebook page.
func pageWidth(d Drawing) int {
	width, _ := sizeOf(d)
	return int(width)
}

// sendPNG shows an image with its width on the page, so that it is sharp on any screen.
func sendPNG(id string, png []byte, width int) {
	send(id, map[protocol.MIMEType]any{protocol.MIMEImagePNG: png},
		map[string]any{string(protocol.MIMEImagePNG): map[string]int{"width": width}})
}

// send shows data under the cell, in the place of what has the same id if there is one.
func send(id string, data map[protocol.MIMEType]any, metadata map[string]any) {
	gonbui.SendData(&protocol.DisplayData{Data: data, Metadata: metadata, DisplayID: id})
}
