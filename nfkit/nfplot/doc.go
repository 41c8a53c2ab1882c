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
// [New] makes a plot of layers, and [Add] puts more on top, gonum's plotters included.
//
//   - [Heat]: a [Field], a function's values on a [Grid], in the colours of a [Scale]
//   - [Contour]: the lines of a field's levels; [Field.Levels] holds shares of a density's mass
//   - [Scatter]: the rows of an n×2 matrix
//   - [Line], [Curve]: points joined, and a function; [Marked] has a dot at each point
//   - [HLine], [VLine]: a line across the plot
//   - [Band]: the area between two lines
//   - [Histogram]: one variable's density, in bins that [Edges] lets several share
//   - [ECDF]: one variable's distribution function
//   - [Named]: a layer that takes no name itself, with one for the legend
//
// # Plots
//
//   - [Loss], [EpochLoss]: a training run, with validation and floor as further layers
//   - [LogLog]: logarithmic axes, for costs for example
//   - [Corner]: all marginals of named samples in any number of columns
//   - [RankHistogram]: simulation-based calibration
//   - [PITHistogram]: calibration of predictions
//   - [ECDFDifference]: the same without bins
//   - [Coverage]: expected coverage of credible regions
//   - [QQ]: quantiles over those of a distribution or, by [Quantile], of another sample
//   - [Trace], [ChainRanks]: chains of one quantity
//   - [Images]: rows as images
//   - [Table]: numbers with names of rows and columns, as a heat map
//
// [Row] and [Panels] put several side by side, [Figure.Wrap] in rows; [Animate] makes a sequence with a player, and [NewProgress]
// shows how far a loop is. [Save] writes a drawing to a file, and [PNG] returns it.
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
// that what is missing shows as missing area. An empty layer draws nothing; a plot with an axis to which nothing gives a
// range says "no data" and has no numbers. Every finite number has a place: a range that is lost in the rounding of its ends, or shorter
// than 1e−300, is drawn a little wider.
//
// # Text
//
// Letters are those of Liberation Sans: Latin, Greek, Cyrillic and some signs. A character that it lacks is a box, □.
//
// # Errors
//
// Misuse (a wrong shape, limits in the wrong order) panics, and GoNB marks the line of the cell. [Save] returns
// an error when the file cannot be written. [Show] has no error to return: outside a notebook it does nothing, and
// when the notebook's pipe is broken it says so on the standard error, once, and the program goes on.
package nfplot
