package onnx

import "github.com/nfkit/nfkit-go/nfkit/ad"

func slice(t *translation, v *ad.Value, o ad.Operation) string {
	return t.slice(t.value(o.Args[0]), 1, o.First, o.First+v.Cols())
}

func columns(t *translation, _ *ad.Value, o ad.Operation) string {
	return t.gather(t.value(o.Args[0]), 1, o.Index)
}

// scatter gathers from the columns and one of zeros behind them. A place that is named again takes another round.
func scatter(t *translation, v *ad.Value, o ad.Operation) string {
	x, k := t.value(o.Args[0]), o.Args[0].Cols()
	padded := t.op("Pad", x, t.ints(0, 0, 0, 1), t.number(0))
	result := ""
	for left := count(k); result == "" || len(left) > 0; {
		from, again := make([]int, v.Cols()), []int(nil)
		for j := range from {
			from[j] = k
		}
		for _, j := range left {
			if to := o.Index[j]; from[to] == k {
				from[to] = j
			} else {
				again = append(again, j)
			}
		}
		part := t.gather(padded, 1, from)
		if result == "" {
			result = part
		} else {
			result = t.op("Add", result, part)
		}
		left = again
	}
	return result
}

func concat(t *translation, _ *ad.Value, o ad.Operation) string {
	var parts []string
	for _, a := range o.Args {
		if a.Cols() > 0 {
			parts = append(parts, t.full(a))
		}
	}
	return t.concat(1, parts...)
}

// repeat repeats each row: those of an axis between rows and columns.
func repeat(t *translation, v *ad.Value, o ad.Operation) string {
	x, c := o.Args[0], v.Cols()
	n := t.perRow(v) / t.perRow(x)
	if n == 1 {
		return t.value(x)
	}
	return t.reshape(t.op("Expand", t.reshape(t.value(x), -1, 1, c), t.ints(1, n, 1)), -1, c)
}

func reshape(t *translation, v *ad.Value, o ad.Operation) string {
	if v.Cols() == o.Args[0].Cols() {
		return t.value(o.Args[0])
	}
	return t.reshape(t.value(o.Args[0]), -1, v.Cols())
}
