// Package tables takes one's own data from a file of columns with names to a density and back: it reads and splits a table, puts a flow on it
// that keeps to the type of each column, and saves both in one file.
//
//	t := nf.Must(tables.ReadCSV("concrete.csv", nil))
//	train, valid, test := t.Split(0.8, 0.1, rand.NewPCG(1, 2))
//	model := nf.Must(tables.NewModel(train, nil, rand.NewPCG(3, 4)))
//	history := nf.Must(nf.Fit(nf.UntilInterrupt(), model.NLL(), nf.Must(model.Rows(train)),
//		&nf.FitOptions{Validation: nf.Must(model.Matrix(valid)), Patience: 5}, rand.NewPCG(5, 6)))
//	logProb := nf.Must(model.LogProb(test))
//	more := model.Sample(1000, rand.NewPCG(7, 8))
//	nf.Check(model.Save("concrete.safetensors"))
//
// # Tables
//
//	ReadCSV, ParseCSV, CSVOptions     from a file: separators, missing values, columns to take
//	New, FromMatrix                   from a matrix of gonum, with types or with guessed ones
//	Table.Split                       shuffled into training, validation and test
//	Table.Select, Slice, As           some columns, some rows, other types
//	Table.Matrix, Column, WriteCSV    out again
//
// # Types of columns
//
//	Real                              any number
//	Whole                             whole numbers, with or without bounds: counts, classes 0 and 1
//	Positive                          more than 0: masses, prices
//	Bounded                           between two bounds: shares, efficiencies
//	Circular                          angles, hours of the day
//
// Types are guessed from the numbers: whole ones are Whole (from 0 if none is negative, 0 to 1 if there are no others), those that are all more
// than 0 are Positive, and what is left is Real. Numbers do not tell an interval or a circle: [Table.As] makes columns Bounded or Circular.
// Zeros among positive numbers leave a column Real. A value other than a whole number that many rows share has no density: its likelihood has no
// upper bound, and a flow that is trained for long puts a peak there.
//
// A type is a promise about all data to come. The one about a bound is kept exactly: no sample is on it or beyond, but for those of Whole
// columns, whose bounds are numbers like the others.
//
// # Models
//
//	NewModel                          the joint density of all columns, or that of some given others
//	Model.NLL, Rows, Matrix           what nfkit.Fit trains on
//	Model.LogProb, Sample             in the units of the table
//	Model.Given                       one condition for all that follows
//	Model.Density, Flow               the same as a density of matrices, for package eval, and as a model of package nfkit
//	Model.Save, Load                  names, types, bounds, scaling and weights in one file
//
// # Conditional densities
//
// With Given, a model has the density of the other columns given these:
//
//	model := nf.Must(tables.NewModel(train, &tables.ModelOptions{Given: []string{"cement", "water", "age"}}, src))
//	logProb := nf.Must(model.LogProb(test))                       // ln p(strength | cement, water, age) of each row
//	likely := nf.Must(model.Given(test.Slice(0, 1))).Sample(1000, src) // a thousand strengths for the first row
package tables
