// Package montecarlo has models with stochastic layers: layers that move points at random, as a Markov chain does, between or in place of flows.
// Such a model has samples with weights, and no density. [IndependenceMetropolis] makes a chain of weighted samples, of such a model or of a flow.
package montecarlo
