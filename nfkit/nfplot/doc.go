// Package nfplot draws densities, samples and training runs, and shows them in GoNB notebooks.
//
// A plot is made of layers and is gonum's own *plot.Plot, so whatever gonum/plot offers can still be done to it.
// [Row] and [Panels] lay several plots out in a [Figure], and [Show] puts it under the cell:
//
//	grid := nfplot.NewGrid(-0.5, 2.1, 100, -3, 6, 120)
//	scale := nfplot.BlueRed("Probability Density", 0, 0.4)
//	nfplot.Show(nfplot.Panels(
//		nfplot.New("Base", "a", "b", nfplot.Heat(grid.Density(base), scale)),
//		nfplot.New("Learned", "a", "b", nfplot.Heat(grid.Density(model), scale)),
//		scale.Bar(),
//	))
//
// # Layers
//
// [Heat] draws a [Field], a function's values on a [Grid]; [Scatter] draws the rows of an n×2 matrix; [Line] and
// [Curve] draw lines; [Histogram] draws one variable's density. [New] makes a plot of layers, [Add] puts more on
// top, gonum's plotters included. [Loss] is the plot of a training run.
//
// # Sizes
//
// One unit of length is one pixel of a notebook page; images have twice that resolution. Without a size
// ([Figure.Size]) a figure takes what its panels need and at most 1000 pixels of width.
//
// # Values that are not finite
//
// NaN is blank in a heat map, a gap in a line, and absent from a scatter plot. An infinite value is drawn in the first
// or last colour of a heat map and otherwise treated as NaN. A histogram divides by the number of all values, so
// that what is missing shows as missing area. An empty layer draws nothing.
//
// # Errors
//
// Misuse (a wrong shape, limits in the wrong order) panics, and GoNB marks the line of the cell. [Save] returns
// an error when the file cannot be written. [Show] has no error to return: outside a notebook it does nothing, and
// when the notebook's pipe is broken it says so on the standard error, once, and the program goes on.
package nfplot
