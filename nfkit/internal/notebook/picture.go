package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"golang.org/x/image/draw"
)

// picture says which figure of a notebook stands for it, and which part of that.
type picture struct {
	Figure int    `json:"figure"`         // the PNG figures of a notebook count from 1
	Crop   [4]int `json:"crop,omitempty"` // left, top, right and bottom in pixels; zeros are all of it
}

// pictureWidth and pictureHeight are the size of the small picture.
const (
	pictureWidth  = 240
	pictureHeight = 160
)

// thumbnail returns the small picture of the notebook as a PNG file: the part of the figure, as large as fits, on white.
func (nb *notebook) thumbnail(p picture) ([]byte, error) {
	figures := nb.pngs()
	if p.Figure > len(figures) {
		return nil, fmt.Errorf("got picture.figure %d, want one of its %d figures", p.Figure, len(figures))
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(figures[p.Figure-1]), ""))
	if err != nil {
		return nil, err
	}
	figure, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	part := figure.Bounds()
	if p.Crop != [4]int{} {
		part = image.Rect(p.Crop[0], p.Crop[1], p.Crop[2], p.Crop[3])
		if part.Empty() || !part.In(figure.Bounds()) || p.Crop[0] > p.Crop[2] || p.Crop[1] > p.Crop[3] {
			return nil, fmt.Errorf("got picture.crop %v, want a part of %v", p.Crop, figure.Bounds())
		}
	}
	scale := min(float64(pictureWidth)/float64(part.Dx()), float64(pictureHeight)/float64(part.Dy()))
	width, height := int(scale*float64(part.Dx())+0.5), int(scale*float64(part.Dy())+0.5)
	small := image.NewRGBA(image.Rect(0, 0, pictureWidth, pictureHeight))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	place := image.Rect(0, 0, width, height).Add(image.Pt((pictureWidth-width)/2, (pictureHeight-height)/2))
	draw.CatmullRom.Scale(small, place, figure, part, draw.Over, nil)
	coarsen(small)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}

// coarsen keeps five bits of each colour, from black to white, which nobody sees in a small picture and which halves its file.
func coarsen(m *image.RGBA) {
	for i, v := range m.Pix {
		m.Pix[i] = v&0xf8 | v>>5
	}
}

// farthest returns the largest difference between colours of two pictures of the same size, of 255; 255 if the sizes differ.
func farthest(a, b image.Image) int {
	if a.Bounds() != b.Bounds() {
		return 255
	}
	most := 0
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			p, q := color.RGBAModel.Convert(a.At(x, y)).(color.RGBA), color.RGBAModel.Convert(b.At(x, y)).(color.RGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				most = max(most, d, -d)
			}
		}
	}
	return most
}

// pngs returns the figures of the notebook that are PNG pictures, in base64.
func (nb *notebook) pngs() []string {
	var list []string
	for _, c := range nb.code() {
		for _, o := range c.outputs() {
			data, _ := o["data"].(map[string]any)
			if text, err := joinText(data["image/png"]); err == nil {
				list = append(list, text)
			}
		}
	}
	return list
}
