// Package grids has flows of images and of lattice fields: convolutional networks, the layers of Glow, multiscale and class-conditional
// models, and couplings that respect the translations of a periodic lattice.
//
// A point is a grid in one row: row by row, with the channels of a pixel side by side. [Shape] says how, and layers keep theirs. Everything is a
// flow, a base or a network of package nfkit, so models are trained, sampled and saved as any other:
//
//	shape := grids.Shape{Height: 8, Width: 8, Channels: 1}
//	model := grids.NewGlow(shape, &grids.GlowOptions{Classes: 10}, src)
//	images, err := grids.NewDequantized(pixels, 16, grids.OneHot(labels, 10))
//	history, err := nf.Fit(ctx, model.NLL(nil), images, opts, src)
//	x := model.Given(grids.OneHot([]int{3}, 10)).Sample(25, src) // images of threes, with pixels from 0 to 1
//
// Weights are kept in the order of the files of the reference, which has channels before rows and columns (NCHW), and have their names and
// shapes; points have channels last.
package grids
