// Package sweep keeps what a run of many has found in a folder of its own, and gathers the folders: the same training with several seeds and
// constants, on one machine or on many.
//
//	Result.Save   keeps one run: its seed and constants, its numbers, the weights of its model
//	Load          reads one again
//	Gather        reads a folder of them
//	Setting.Mean  what runs with the same constants reach: mean and standard error over their seeds
//	Setting.Best  the best run of these
//	SaveEnsemble  the mixture of their models, in one file, for nfkit.NewEnsemble
//
// The command
//
//	go run ./notebooks gather FOLDER
//
// does the second half. binder/cluster/README.md has recipes for engines that start the runs.
package sweep
