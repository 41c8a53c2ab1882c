package grids

import (
	"fmt"

	nf "github.com/nfkit/nfkit-go/nfkit"
	"github.com/nfkit/nfkit-go/nfkit/ad"
)

// SiteSplineOptions are the options of [NewSiteSpline].
type SiteSplineOptions struct {
	Bins  int     // 0 means 8
	Bound float64 // the spline runs on [−Bound, Bound], and is the identity outside; 0 means 3
	Odd   bool    // the spline is odd: it commutes with φ → −φ
}

// SiteSpline maps the number at each site of a lattice by a monotone rational-quadratic spline, which is the same for all sites. It starts as the
// identity. An odd one has bins that mirror each other. Its twin with a spline for each component is [nf.NewElementwiseRationalQuadraticSpline].
type SiteSpline struct {
	lattice Shape
	spline  *nf.RationalQuadraticSpline
	logits  *ad.Param // 1×m
	index   []int     // of the logits, for each that the spline wants
}

var _ nf.Flow = (*SiteSpline)(nil)

// NewSiteSpline returns the flow for fields on a lattice. A nil opts means the defaults. It panics when an option is out of range: bins are 2 to
// [ad.MaxSplineBins].
func NewSiteSpline(lattice Shape, opts *SiteSplineOptions) *SiteSpline {
	checkShape("NewSiteSpline", lattice)
	var o SiteSplineOptions
	if opts != nil {
		o = *opts
	}
	o.Bins = orDefault(o.Bins, 8)
	if o.Bins < 2 || o.Bins > ad.MaxSplineBins || !(o.Bound >= 0) {
		panic(fmt.Sprintf("grids: NewSiteSpline: got %d bins and bound %v, want 2 to %d, and a positive number or 0", o.Bins, o.Bound, ad.MaxSplineBins))
	}
	s := &SiteSpline{lattice: lattice, spline: nf.NewRationalQuadraticSpline(1, nil, &nf.SplineOptions{Bins: o.Bins, Bound: o.Bound})}
	var start []float64
	initial := s.spline.Initial()
	at := 0
	for _, n := range []int{o.Bins, o.Bins, o.Bins - 1} { // widths, heights, slopes
		first := len(start)
		for j := range n {
			if k := n - 1 - j; o.Odd && k < j {
				s.index = append(s.index, first+k)
				continue
			}
			s.index = append(s.index, len(start))
			start = append(start, initial[at+j])
		}
		at += n
	}
	s.logits = ad.NewParam(1, len(start), start)
	return s
}

// Dim returns the number of columns of a field.
func (s *SiteSpline) Dim() int { return s.lattice.Size() }

// Forward maps latent numbers to data: it inverts the spline, in closed form.
func (s *SiteSpline) Forward(z, _ *ad.Value) (x, logDet *ad.Value) {
	checkBatch("SiteSpline.Forward", z, s.Dim())
	return s.apply(z, s.spline.Forward)
}

// Inverse maps data to latent numbers.
func (s *SiteSpline) Inverse(x, _ *ad.Value) (z, logDet *ad.Value) {
	checkBatch("SiteSpline.Inverse", x, s.Dim())
	return s.apply(x, s.spline.Inverse)
}

func (s *SiteSpline) apply(v *ad.Value, f func(v, params *ad.Value) (u, logDet *ad.Value)) (u, logDet *ad.Value) {
	n, d := v.Dims()
	u, logDet = f(v.Reshape(n*d, 1), v.Tape().Param(s.logits).Columns(s.index))
	return u.Reshape(n, d), logDet.Reshape(n, d).RowSum()
}

// State lists the logits of widths, heights and slopes; of an odd spline, those of the bins and knots left of 0.
func (s *SiteSpline) State() nf.State {
	_, m := s.logits.Dims()
	return nf.State{nf.ParamTensor("logits", s.logits, m)}
}
