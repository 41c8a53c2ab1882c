package nfkit

import (
	"fmt"

	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// WithEmbedding returns the model with a network before it that makes its context from another one: q(x | net(context)). The context that [NormalizingFlow.Given]
// takes, and rows of data have, then has net.In() columns: an image or a series, say, of which the layers see a summary. The network is trained with the
// model and saved with it, and evaluated once for each row of context. Its parameters and those of m are shared.
//
//	model := nf.NewNSF(2, &nf.NSFOptions{ModelOptions: nf.ModelOptions{Context: 8}}, src).WithEmbedding(nf.NewMLP([]int{100, 64, 8}, nil, src))
//
// It panics when net is nil or takes a context itself, or m takes no context, or one of another number of columns than net.Out(), has an embedding already, or
// has been given its context.
func (m *NormalizingFlow) WithEmbedding(net Net) *NormalizingFlow {
	const caller = "nfkit: NormalizingFlow.WithEmbedding"
	switch {
	case net == nil:
		panic(caller + ": got a nil network")
	case m.context != nil:
		panic(caller + ": the model has been given a context; embed first")
	case m.embedding != nil:
		panic(fmt.Sprintf("%s: the model has an embedding already (%T)", caller, m.embedding))
	case m.ContextDim() == 0:
		panic(caller + ": no layer of the model takes a context")
	case net.Out() != m.ContextDim():
		panic(fmt.Sprintf("%s: got a network with %d columns of output, want %d, those of the layers' context", caller, net.Out(), m.ContextDim()))
	case contextDim(net) != 0:
		panic(fmt.Sprintf("%s: got a network with a context of %d columns; its input is the context, so it wants none", caller, contextDim(net)))
	}
	v := m.view()
	v.embedding, v.contextDim = net, net.In()
	v.engine = v.newEngine()
	return v
}

// embed returns what the layers get for rows of context, which may be nil.
func (m *NormalizingFlow) embed(context *ad.Value) *ad.Value {
	if m.embedding == nil || context == nil {
		return context
	}
	return m.embedding.Apply(context, nil)
}
