package grids

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// Shape is the shape of a grid: height, width and channels.
type Shape = ad.Shape

// checkShape panics unless s has pixels and channels.
func checkShape(caller string, s Shape) {
	if !s.Valid() {
		panic(fmt.Sprintf("grids: %s: got a %v grid, want a height, a width and channels of 1 or more", caller, s))
	}
}

// checkBatch panics unless v has grids of the given size for rows.
func checkBatch(call string, v *ad.Value, size int) {
	if n, c := v.Dims(); c != size {
		panic(fmt.Sprintf("grids: %s: got a %d×%d batch, want %d columns", call, n, c, size))
	}
}

// channelsFirst returns the place of each column of a grid in files, which have channels before rows and columns.
func channelsFirst(s Shape) []int {
	var order []int
	for y := range s.Height {
		for x := range s.Width {
			for c := range s.Channels {
				order = append(order, (c*s.Height+y)*s.Width+x)
			}
		}
	}
	return order
}

// bySite returns v, n grids of the given shape, with a row for each site.
func bySite(v *ad.Value, s Shape) *ad.Value { return v.Reshape(v.Rows()*s.Sites(), s.Channels) }

// sumSites returns the sum over the sites of l, which has a row for each of them: n×1.
func sumSites(l *ad.Value, s Shape) *ad.Value {
	return l.Reshape(l.Rows()/s.Sites(), s.Sites()).RowSum()
}
