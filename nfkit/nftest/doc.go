// Package nftest checks that a flow, a base or a density keeps its contract.
//
// The checks return an error that says what was computed and what was wanted, so that they run in a test and in a
// notebook cell alike:
//
//	if err := nftest.Flow(myFlow, nil, rand.NewPCG(1, 2)); err != nil {
//		fmt.Println(err)
//	}
//
// Derivatives are compared with central differences. Parameters are moved away from their initial values during
// a check, since many flows start as the identity, about which everything is true; they are restored afterwards.
package nftest
