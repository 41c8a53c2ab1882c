package nfplot

import (
	"cmp"
	"image"
	"image/color"
	"math"
	"slices"
)

// quantize returns the opaque image in at most n colours, 256 or less: an image with a palette takes a third of the
// bytes. Few enough colours are kept as they are. Otherwise groups of similar colours become their mean: the group with the
// largest squared error is cut in two, along the channel and at the place that leave the least error, until there are n.
func quantize(img *image.RGBA, n int) *image.Paletted {
	counts := map[uint32]int{}
	last, run := rgb(img.Pix), 0
	for i := 0; i < len(img.Pix); i += 4 {
		if c := rgb(img.Pix[i:]); c != last {
			counts[last] += run
			last, run = c, 0
		}
		run++
	}
	counts[last] += run

	groups := [][]tone{nil}
	for c, k := range counts {
		groups[0] = append(groups[0], tone{c: [3]float64{float64(c >> 16), float64(c >> 8 & 255), float64(c & 255)}, rgb: c, count: float64(k), weight: math.Pow(float64(k), 0.8)})
	}
	if len(groups[0]) <= n {
		groups = splitAll(groups[0])
	} else {
		groups = split(groups[0], n)
	}

	palette := make(color.Palette, len(groups))
	index := make(map[uint32]uint8, len(counts))
	for i, group := range groups {
		palette[i] = mean(group)
		for _, t := range group {
			index[t.rgb] = uint8(i)
		}
	}
	out := image.NewPaletted(img.Rect, palette)
	last = rgb(img.Pix)
	k := index[last]
	for i := range out.Pix {
		if c := rgb(img.Pix[4*i:]); c != last {
			last, k = c, index[c]
		}
		out.Pix[i] = k
	}
	return out
}

// mean returns the mean of the group's pixels.
func mean(group []tone) color.RGBA {
	var n float64
	var sum [3]float64
	for _, t := range group {
		n += t.count
		for k, v := range t.c {
			sum[k] += t.count * v
		}
	}
	return color.RGBA{R: uint8(sum[0]/n + 0.5), G: uint8(sum[1]/n + 0.5), B: uint8(sum[2]/n + 0.5), A: 255}
}

func rgb(p []uint8) uint32 { return uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]) }

// tone is a colour and the number of its pixels. Its weight grows more slowly than that: a colour bar keeps its shades
// beside a large map that has few of them.
type tone struct {
	c             [3]float64
	rgb           uint32
	count, weight float64
}

// moments of a group of tones give its squared error.
type moments struct {
	weight, squares float64
	sum             [3]float64
}

func (m *moments) add(t tone, sign float64) {
	m.weight += sign * t.weight
	for k, v := range t.c {
		m.sum[k] += sign * t.weight * v
		m.squares += sign * t.weight * v * v
	}
}

func (m *moments) squaredError() float64 {
	if m.weight <= 0 {
		return 0
	}
	s := m.sum
	return max(0, m.squares-(s[0]*s[0]+s[1]*s[1]+s[2]*s[2])/m.weight)
}

func measure(group []tone) (m moments) {
	for _, t := range group {
		m.add(t, 1)
	}
	return m
}

// splitAll makes each tone a group, in the order of the colours: that of a map is another one each time.
func splitAll(tones []tone) [][]tone {
	slices.SortFunc(tones, func(a, b tone) int { return cmp.Compare(a.rgb, b.rgb) })
	groups := make([][]tone, len(tones))
	for i := range tones {
		groups[i] = tones[i : i+1]
	}
	return groups
}

// split cuts the tones into n groups.
func split(tones []tone, n int) [][]tone {
	groups, errors := [][]tone{tones}, []float64{1}
	for len(groups) < n {
		worst := 0
		for i, e := range errors {
			if e > errors[worst] {
				worst = i
			}
		}
		a, b := cut(groups[worst])
		groups[worst] = a
		groups = append(groups, b)
		ma, mb := measure(a), measure(b)
		errors[worst] = ma.squaredError()
		errors = append(errors, mb.squaredError())
	}
	return groups
}

// cut sorts the group along a channel and cuts it where the two parts have the least squared error.
func cut(group []tone) (a, b []tone) {
	best, channel, at := -1.0, 0, 1
	for k := range 3 {
		sortBy(group, k)
		var left moments
		right := measure(group)
		for i, t := range group[:len(group)-1] {
			left.add(t, 1)
			right.add(t, -1)
			if e := left.squaredError() + right.squaredError(); best < 0 || e < best {
				best, channel, at = e, k, i+1
			}
		}
	}
	sortBy(group, channel)
	return group[:at], group[at:]
}

func sortBy(group []tone, channel int) {
	slices.SortFunc(group, func(a, b tone) int {
		return cmp.Or(cmp.Compare(a.c[channel], b.c[channel]), cmp.Compare(a.rgb, b.rgb))
	})
}
