package ad

import "fmt"

// Shape is how a row holds a grid, an image or a lattice: row by row of the grid, and the channels of a site side by side
// (height, width, channels), the last fastest.
type Shape struct{ Height, Width, Channels int }

// Sites returns the number of sites of the grid, pixels of an image: Height·Width.
func (s Shape) Sites() int { return s.Height * s.Width }

// Size returns the number of columns of a row: Height·Width·Channels.
func (s Shape) Size() int { return s.Height * s.Width * s.Channels }

// Index returns the column of channel c of the site in row y and column x of the grid. It panics when there is none.
func (s Shape) Index(y, x, c int) int {
	if uint(y) >= uint(s.Height) || uint(x) >= uint(s.Width) || uint(c) >= uint(s.Channels) {
		panic(fmt.Sprintf("ad: Shape.Index: got row %d, column %d and channel %d of a %v grid", y, x, c, s))
	}
	return (y*s.Width+x)*s.Channels + c
}

// String returns height×width×channels.
func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.Height, s.Width, s.Channels) }

// Valid reports whether the shape has sites and channels.
func (s Shape) Valid() bool { return s.Height > 0 && s.Width > 0 && s.Channels > 0 }
