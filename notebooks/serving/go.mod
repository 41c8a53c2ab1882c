module serving

go 1.26.0

toolchain go1.26.8

require (
	github.com/nfkit/nfkit-go v0.0.0
	gonum.org/v1/gonum v0.17.0
)

require (
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
)

replace github.com/nfkit/nfkit-go => ../..
