package nfkit

// Must returns v, or panics if err is not nil. It is for cells of a notebook, which then stop and show the error:
//
//	history := nf.Must(nf.Fit(ctx, model.NLL(nil), data, nil, src))
func Must[T any](v T, err error) T {
	Check(err)
	return v
}

// Check panics if err is not nil. It is [Must] for calls that return nothing else:
//
//	nf.Check(nf.Load("flow.safetensors", model))
func Check(err error) {
	if err != nil {
		panic(err)
	}
}
