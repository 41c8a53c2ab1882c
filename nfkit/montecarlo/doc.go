// Package montecarlo has models with stochastic layers: layers that move points at random, as a Markov chain does, between or in place of flows.
// Such a model has samples with weights, and no density.
package montecarlo
