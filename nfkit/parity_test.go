package nfkit_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
	"github.com/nfkit/nfkit-go/nfkit/grids"
	"github.com/nfkit/nfkit-go/nfkit/targets"
)

// parityClasses builds what the reference calls by these names: a [nf.Flow], a [nf.Base], a density or a
// [nf.NormalizingFlow]. The state of the case is filled in afterwards.
var parityClasses = map[string]func(c *parityCase) any{
	"AffineCouplingBlock": func(c *parityCase) any { return parityCoupling(c.Config) },
	"LULinearPermute": func(c *parityCase) any {
		return nf.NewLULinearPermute(c.Config.int("num_channels"), nil, paritySource())
	},
	"MaskedAffineAutoregressive": func(c *parityCase) any {
		return nf.NewMaskedAffineAutoregressive(parityMADE(c.Config, 2), nil)
	},
	"CoupledRationalQuadraticSpline":                func(c *parityCase) any { return parityCoupledSpline(c.Config) },
	"CircularCoupledRationalQuadraticSpline":        func(c *parityCase) any { return parityCoupledSpline(c.Config) },
	"AutoregressiveRationalQuadraticSpline":         func(c *parityCase) any { return parityAutoregressiveSpline(c.Config) },
	"CircularAutoregressiveRationalQuadraticSpline": func(c *parityCase) any { return parityAutoregressiveSpline(c.Config) },
	"PeriodicWrap": func(c *parityCase) any {
		return nf.NewPeriodicWrap(c.dim(), c.Config.ints("ind"), c.Config.float("bound"))
	},
	"PeriodicShift": func(c *parityCase) any {
		return nf.NewPeriodicShift(c.dim(), c.Config.ints("ind"), c.Config.float("bound"), c.Config.float("shift"))
	},
	"Permute": func(c *parityCase) any {
		mode := choose(c.Config, "mode", map[string]nf.PermuteMode{"": nf.PermuteShuffle, "shuffle": nf.PermuteShuffle, "swap": nf.PermuteSwap})
		return nf.NewPermute(c.Config.int("num_channels"), mode, paritySource())
	},
	"ActNorm":          func(c *parityCase) any { return nf.NewActNorm(c.Config.ints("shape")[0]) },
	"AffineConstFlow":  func(c *parityCase) any { return nf.NewAffineConstFlow(c.Config.ints("shape")[0], nil) },
	"BatchNorm":        func(c *parityCase) any { return parityBatchNorm{nf.NewBatchNorm(c.dim(), nil)} },
	"MaskedAffineFlow": func(c *parityCase) any { return parityMaskedAffine(c.Config) },
	"InvertibleAffine": func(c *parityCase) any {
		return nf.NewInvertibleAffine(c.Config.int("num_channels"), &nf.InvertibleAffineOptions{Plain: !c.Config.bool("use_lu")}, paritySource())
	},
	"Invertible1x1Conv": func(c *parityCase) any {
		return grids.NewInvertible1x1Conv(c.Forward.Input.grid(), &grids.Invertible1x1ConvOptions{Plain: !c.Config.bool("use_lu")}, paritySource())
	},
	"Squeeze":      func(c *parityCase) any { return grids.NewSqueeze(c.Forward.Output.grid()) },
	"GlowBlock":    func(c *parityCase) any { return parityGlowBlock(c) },
	"Planar":       func(c *parityCase) any { return parityPlanar(c.Config) },
	"Radial":       func(c *parityCase) any { return nf.NewRadial(c.Config.ints("shape")[0], paritySource()) },
	"Residual":     func(c *parityCase) any { return parityResidual(c.Config) },
	"DiagGaussian": func(c *parityCase) any { return parityGaussian(c.Config) },
	"GaussianMixture": func(c *parityCase) any {
		return nf.NewGaussianMixture(c.Config.int("n_modes"), c.Config.int("dim"), nil, paritySource())
	},
	"UniformGaussian": func(c *parityCase) any {
		c.respectSupport()
		return nf.NewUniformGaussian(c.Config.int("ndim"), c.Config.ints("ind"), nil)
	},
	"TwoMoons": func(c *parityCase) any { return targets.TwoMoons{} },
	"TwoModes": func(c *parityCase) any {
		return targets.TwoModes{Loc: c.Config.float("loc"), Scale: c.Config.float("scale")}
	},
	"RingMixture": func(c *parityCase) any { return targets.RingMixture{Rings: c.Config.int("n_rings")} },
	"Smiley":      func(c *parityCase) any { return targets.Smiley{Scale: c.Config.float("scale")} },
	"Sinusoidal": func(c *parityCase) any {
		return targets.Sinusoidal{Scale: c.Config.float("scale"), Period: c.Config.float("period")}
	},
	"Sinusoidal_gap": func(c *parityCase) any {
		return targets.SinusoidalGap{Scale: c.Config.float("scale"), Period: c.Config.float("period")}
	},
	"Sinusoidal_split": func(c *parityCase) any {
		return targets.SinusoidalSplit{Scale: c.Config.float("scale"), Period: c.Config.float("period")}
	},
	"CircularGaussianMixture": func(c *parityCase) any { return targets.CircularGaussianMixture{Modes: c.Config.int("n_modes")} },
	"NormalizingFlow":         func(c *parityCase) any { return parityTutorial(c.Config) },
}

func paritySource() rand.Source { return rand.NewPCG(1, 2) }

// parityMLP builds the network that an option describes; nil if there is none.
func parityMLP(c parityConfig) nf.Net {
	if c == nil {
		return nil
	}
	o := nf.MLPOptions{
		Leaky:   c.float("leaky"),
		Dropout: c.float("dropout"),
		Output: choose(c, "output_fn", map[string]nf.OutputFn{"": nf.OutputNone, "sigmoid": nf.OutputSigmoid,
			"relu": nf.OutputReLU, "tanh": nf.OutputTanh, "clampexp": nf.OutputClampExp}),
	}
	if o.Output != nf.OutputNone { // without it the reference ignores the scales
		o.ScoreScale, o.OutputScale = c.float("score_scale"), c.float("output_scale")
	}
	return nf.NewMLP(c.ints("layers"), &o, paritySource())
}

// parityMADE builds the network of an autoregressive flow.
func parityMADE(c parityConfig, outputs int) *nf.MADE {
	return nf.NewMADE(c.int("features"), outputs, c.int("hidden_features"), &nf.MADEOptions{
		Blocks: c.int("num_blocks"), FeedForward: !c.bool("use_residual_blocks"), Context: c.int("context_features"),
	}, paritySource())
}

func parityCoupling(c parityConfig) nf.Flow {
	o := &nf.AffineCouplingOptions{Scale: parityScale(c), Split: parityCouplingSplit(c)}
	return nf.NewAffineCouplingBlock(parityMLP(c.config("param_map")), o)
}

func parityScale(c parityConfig) nf.ScaleMap {
	if c["scale"] == false {
		return nf.ScaleNone
	}
	return choose(c, "scale_map", map[string]nf.ScaleMap{"": nf.ScaleExp, "exp": nf.ScaleExp,
		"sigmoid": nf.ScaleSigmoid, "sigmoid_inv": nf.ScaleSigmoidInv})
}

func parityCouplingSplit(c parityConfig) nf.Split {
	return choose(c, "split_mode", map[string]nf.Split{"": nf.SplitChannel, "channel": nf.SplitChannel, "channel_inv": nf.SplitChannelInv,
		"checkerboard": nf.SplitCheckerboard, "checkerboard_inv": nf.SplitCheckerboardInv})
}

func parityGlowBlock(c *parityCase) nf.Flow {
	o := &grids.GlowBlockOptions{
		Split: parityCouplingSplit(c.Config), Leaky: c.Config.float("leaky"), RandomLast: !c.Config.bool("init_zeros"),
		Plain: !c.Config.bool("use_lu"), NetActNorm: c.Config.bool("net_actnorm"),
	}
	scale := parityScale(c.Config)
	o.Scale = &scale
	return grids.NewGlowBlock(c.Forward.Input.grid(), c.Config.int("hidden_channels"), o, paritySource())
}

func parityGaussian(c parityConfig) *nf.DiagGaussian {
	return nf.NewDiagGaussian(c.ints("shape")[0], &nf.DiagGaussianOptions{Fixed: c["trainable"] == false})
}

// parityTutorial builds the model of the tutorial: K couplings, each followed by an LU permutation.
func parityTutorial(c parityConfig) *parityModel {
	m := &parityModel{base: parityGaussian(c.config("base"))}
	for range c.int("K") {
		net := nf.NewMLP(c.ints("layers"), &nf.MLPOptions{Leaky: c.float("leaky")}, paritySource())
		m.flows = append(m.flows, nf.NewAffineCouplingBlock(net, nil), nf.NewLULinearPermute(m.base.Dim(), nil, paritySource()))
	}
	m.NormalizingFlow = nf.NewNormalizingFlow(m.base, m.flows)
	return m
}

// respectSupport expects −Inf where a uniform component is outside its interval: a known fault of the reference, which
// has a finite density there.
func (c *parityCase) respectSupport() {
	want, scale := c.LogProb, c.State["scale"].Data
	for i := range want.LogProb.Data {
		for _, j := range c.Config.ints("ind") {
			if math.Abs(want.Input.Data[i*len(scale)+j]) > scale[j]/2 {
				want.LogProb.Data[i] = math.Inf(-1)
			}
		}
	}
}

// parityModel is a model whose parts are known.
type parityModel struct {
	*nf.NormalizingFlow
	base  nf.Base
	flows []nf.Flow
}

// logProb is the density on a tape, for the gradient of a weighted sum.
func (m *parityModel) logProb(x, context *ad.Value) *ad.Value {
	z, logDet := nf.NewChain(m.flows...).Inverse(x, context)
	return m.base.LogProb(z, context).Add(logDet)
}

// parityBound is how close numbers must be to those of the reference.
type parityBound struct{ relative, floor float64 }

// bound returns the bound of a case: that of the README of the cases in float64, a few hundred roundings in float32.
func (c *parityCase) bound(p ad.Precision) parityBound {
	b := parityBound{1e-9, 1e-12}
	switch {
	case c.Class == "CircularGaussianMixture":
		b = parityBound{1e-6, 1e-6}
	case c.Class == "Residual":
		b = parityBound{1e-4, 1e-6}
	case c.Kind == "training":
		b = parityBound{1e-7, 1e-12}
	}
	if p == ad.Float32 {
		b = parityBound{max(b.relative, 5e-5), 5e-5}
		if strings.Contains(c.Class, "RationalQuadratic") { // steep: rounding a logit moves gradients by thousands of ulps
			b = parityBound{5e-4, 5e-4}
		}
	}
	return b
}

// TestParity compares every case of testdata/parity, or of the folder NFKIT_PARITY_DIR, with the reference, and lists
// the classes that have no builder above.
func TestParity(t *testing.T) {
	folder := os.Getenv("NFKIT_PARITY_DIR")
	cases := readParityCases(t, cmp.Or(folder, "testdata/parity"))
	missing, passed := map[string]int{}, 0
	here := sourceTypes(t, ".")
	maps.Copy(here, sourceTypes(t, "targets"))
	for _, c := range cases {
		if parityClasses[c.Class] == nil {
			missing[c.Class]++
			for name := range here {
				if strings.EqualFold(name, strings.ReplaceAll(c.Class, "_", "")) {
					t.Errorf("%s: there is a type %s, and no builder for it in the test", c.Name, name)
				}
			}
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			for _, p := range precisions {
				if err := c.check(p); err != nil {
					t.Errorf("%s in %v: %v", c.Class, p, err)
				}
			}
			if !t.Failed() {
				passed++
			}
		})
	}
	t.Logf("%d of %d cases agree with the reference", passed, len(cases))
	for _, class := range slices.Sorted(maps.Keys(missing)) {
		t.Logf("no class %s here (%d cases)", class, missing[class])
		if folder == "" {
			t.Errorf("%s has cases in testdata, and no builder", class)
		}
	}
}

// check compares what nfkit computes in the given precision with the case.
func (c *parityCase) check(p ad.Precision) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	object := parityClasses[c.Class](c)
	state := nf.State(nil)
	if s, ok := object.(interface{ State() nf.State }); ok {
		state = s.State()
		if err := fillState(state, c.State); err != nil {
			return err
		}
	}
	switch c.Kind {
	case "flow":
		return c.checkFlow(object.(nf.Flow), state, p)
	case "distribution", "target", "model":
		return c.checkDensity(object, state, p)
	case "training":
		return c.checkTraining(object.(*parityModel), state, p)
	}
	return fmt.Errorf("unknown kind %q", c.Kind)
}

func (c *parityCase) checkFlow(f nf.Flow, state nf.State, p ad.Precision) error {
	if c.Forward == nil && c.Inverse == nil {
		return errors.New("the case has neither forward nor inverse")
	}
	if err := c.checkMap("forward", c.Forward, f.Forward, state, p); err != nil {
		return err
	}
	return c.checkMap("inverse", c.Inverse, f.Inverse, state, p)
}

func (c *parityCase) checkMap(name string, want *parityMap, f func(x, context *ad.Value) (y, logDet *ad.Value), state nf.State, p ad.Precision) error {
	if want == nil {
		return nil
	}
	t, b := ad.NewTape(p), c.bound(p)
	x := want.Input.variable(t)
	y, logDet := f(x, c.context(t))
	clearGradients(state)
	t.Backward(y.Mul(want.WeightOutput.value(t)).Sum().Add(logDet.Mul(want.WeightLogDet.value(t)).Sum()))
	return errors.Join(
		near(name+": the output", y.Data(), want.Output.Data, b.relative, b.floor),
		near(name+": the log-determinant", logDet.Data(), want.LogDet.Data, b.relative, b.floor),
		near(name+": the gradient of the input", x.Grad(), want.GradInput.Data, b.relative, b.floor),
		checkGradients(name, state, want.GradParams, b),
	)
}

func (c *parityCase) checkDensity(object any, state nf.State, p ad.Precision) error {
	want, t, b := c.LogProb, ad.NewTape(p), c.bound(p)
	if want == nil {
		return errors.New("the case has no log_prob")
	}
	x := want.Input.variable(t)
	var logProb *ad.Value
	switch d := object.(type) {
	case nf.Base:
		logProb = d.LogProb(x, c.context(t))
	case targets.Target:
		logProb = d.LogDensity(x)
	case *parityModel:
		logProb = d.logProb(x, c.context(t))
		if err := near("LogProb of the model", d.WithPrecision(p).LogProb(want.Input.matrix()), want.LogProb.Data, b.relative, b.floor); err != nil {
			return err
		}
	default:
		return fmt.Errorf("a %T is not a density that the test knows", object)
	}
	clearGradients(state)
	t.Backward(logProb.Mul(want.WeightLogProb.value(t)).Sum())
	return errors.Join(
		near("the log-density", logProb.Data(), want.LogProb.Data, b.relative, b.floor),
		near("the gradient of the input", x.Grad(), want.GradInput.Data, b.relative, b.floor),
		checkGradients("log-density", state, want.GradParams, b),
	)
}

func (c *parityCase) checkTraining(m *parityModel, state nf.State, p ad.Precision) error {
	o, b := c.Config.config("optimizer"), c.bound(p)
	if class := o.text("class"); class != "Adam" {
		return fmt.Errorf("unknown optimizer %q", class)
	}
	options := &nf.AdamOptions{LearningRate: o.float("lr"), WeightDecay: o.float("weight_decay"), Epsilon: o.float("eps")}
	copy(options.Betas[:], o.floats("betas"))
	model := m.WithPrecision(p)
	adam := nf.NewAdam(model.Params(), options)
	var losses []float64
	for _, batch := range c.Batches {
		loss, err := model.NLL(nil).LossGrad(batch.matrix(), rand.NewPCG(1, 2))
		if err != nil {
			return err
		}
		losses = append(losses, loss)
		adam.Step()
	}
	if err := near("the losses", losses, c.Losses, b.relative, b.floor); err != nil {
		return err
	}
	if p == ad.Float32 { // a step has the size of the learning rate whatever the size of the gradient
		b.floor = options.LearningRate
	}
	if len(c.FinalState) != len(state) {
		return fmt.Errorf("the final state has %d tensors, want %d", len(state), len(c.FinalState))
	}
	for _, t := range state {
		want, ok := c.FinalState[t.Name]
		if !ok {
			return fmt.Errorf("the case has no final %s", t.Name)
		}
		if t.Param != nil {
			if err := near("the final "+t.Name, t.Param.Data, want.Data, b.relative, b.floor); err != nil {
				return err
			}
		}
	}
	return nil
}

// context puts the condition of the case on t; nil if it has none.
func (c *parityCase) context(t *ad.Tape) *ad.Value {
	if c.Context == nil {
		return nil
	}
	return c.Context.value(t)
}

func clearGradients(s nf.State) {
	for _, p := range s.Params() {
		clear(p.Grad)
	}
}

// checkGradients compares the gradients of the parameters of s; those that the reference has none for must be zero.
func checkGradients(what string, s nf.State, want map[string]tensor, b parityBound) error {
	found := 0
	for _, t := range s {
		if t.Param == nil {
			continue
		}
		w, ok := want[t.Name]
		if ok {
			found++
		} else {
			w.Data = make([]float64, len(t.Param.Grad))
		}
		if err := near(what+": the gradient of "+t.Name, t.Param.Grad, w.Data, b.relative, b.floor); err != nil {
			return err
		}
	}
	if found < len(want) {
		return fmt.Errorf("%s: the reference has gradients of %d parameters, %d of which exist", what, len(want), found)
	}
	return nil
}

// A case with one number changed must fail, wherever the number is.
func TestParityFindsErrors(t *testing.T) {
	for _, name := range []string{"affine_coupling_sigmoid_channel_d3", "lu_linear_permute_d3", "diag_gaussian_d3", "tutorial_model", "training_tutorial"} {
		changes := map[string]func(c *parityCase) *float64{}
		switch c := readParityCase(t, parityFile(name)); c.Kind {
		case "flow":
			for direction, of := range map[string]func(c *parityCase) *parityMap{
				"forward": func(c *parityCase) *parityMap { return c.Forward }, "inverse": func(c *parityCase) *parityMap { return c.Inverse }} {
				changes[direction+" output"] = func(c *parityCase) *float64 { return last(of(c).Output) }
				changes[direction+" log_det"] = func(c *parityCase) *float64 { return last(of(c).LogDet) }
				changes[direction+" grad_input"] = func(c *parityCase) *float64 { return last(of(c).GradInput) }
				for p := range of(c).GradParams {
					changes[direction+" grad of "+p] = func(c *parityCase) *float64 { return last(of(c).GradParams[p]) }
				}
			}
		case "training":
			changes["losses"] = func(c *parityCase) *float64 { return &c.Losses[len(c.Losses)-1] }
			changes["final_state"] = func(c *parityCase) *float64 { return last(c.FinalState["flows.7.linear.bias"]) }
		default:
			changes["log_prob"] = func(c *parityCase) *float64 { return last(c.LogProb.LogProb) }
			changes["grad_input"] = func(c *parityCase) *float64 { return last(c.LogProb.GradInput) }
			for p := range c.LogProb.GradParams {
				changes["grad of "+p] = func(c *parityCase) *float64 { return last(c.LogProb.GradParams[p]) }
			}
		}
		for what, element := range changes {
			c := readParityCase(t, parityFile(name))
			*element(c) += 1e-6 * max(1, math.Abs(*element(c)))
			if err := c.check(ad.Float64); err == nil || !strings.Contains(err.Error(), "want") {
				t.Errorf("%s with another %s: got error %v, want a difference", name, what, err)
			}
		}
	}
}

func TestParityChecksState(t *testing.T) {
	for what, change := range map[string]func(s map[string]tensor){
		"which the case lacks":      func(s map[string]tensor) { delete(s, "linear.bias") },
		"lacks the tensor extra":    func(s map[string]tensor) { s["extra"] = tensor{nil, []float64{1}} },
		"with shape [3], want [4]":  func(s map[string]tensor) { s["linear.bias"] = tensor{[]int{4}, make([]float64, 4)} },
		"want a whole number":       func(s map[string]tensor) { s["permutation._permutation"].Data[0] = 0.5 },
		"is not a permutation of 0": func(s map[string]tensor) { clear(s["permutation._permutation"].Data) },
	} {
		c := readParityCase(t, parityFile("lu_linear_permute_d3"))
		change(c.State)
		if err := c.check(ad.Float64); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got error %v, want one with %q", err, what)
		}
	}
}

func parityFile(name string) string { return filepath.Join("testdata/parity", name+".json") }

func last(x tensor) *float64 { return &x.Data[len(x.Data)-1] }
