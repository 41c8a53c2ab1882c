package main

import (
	"errors"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"
)

// mnistGaussian returns the mean log-density of the test images under the normal distribution with the mean and covariance of the training images.
func mnistGaussian(d digits, run mnistRun) (float64, error) {
	src := rand.NewPCG(run.seed, 1)
	train, err := d.train.logits(src)
	if err != nil {
		return 0, err
	}
	test, err := d.test.logits(src)
	if err != nil {
		return 0, err
	}
	var covariance mat.SymDense
	stat.CovarianceMatrix(&covariance, train, nil)
	var mean []float64
	for j := range train.RawMatrix().Cols {
		mean = append(mean, stat.Mean(mat.Col(nil, j, train), nil))
	}
	normal, ok := distmv.NewNormal(mean, &covariance, nil)
	if !ok {
		return 0, errors.New("the covariance of the pixels is not positive definite")
	}
	var sum float64
	n, _ := test.Dims()
	for i := range n {
		sum += normal.LogProb(test.RawRowView(i))
	}
	return sum / float64(n), nil
}
