package ad

// Params returns the parameters that have been read on t since its Reset, in that order: what the values on it depend on.
func (t *Tape) Params() []*Param {
	var params []*Param
	for _, v := range t.used {
		params = append(params, v.param)
	}
	return params
}
