package onnx

import "encoding/binary"

// message is a protobuf message in its encoding: the few field types that ONNX has, https://protobuf.dev/programming-guides/encoding. Numbers of
// fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
type message []byte

// number appends a field that is an integer.
func (m message) number(field int, x int64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), uint64(x))
}

// bytes appends a field that is a string, bytes or a message.
func (m message) bytes(field int, b []byte) message {
	return append(binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3|2), uint64(len(b))), b...)
}

// text appends a field that is a string.
func (m message) text(field int, s string) message { return m.bytes(field, []byte(s)) }

// elementType is a TensorProto.DataType.
type elementType int64

const (
	float32Type elementType = 1
	int64Type   elementType = 7
	boolType    elementType = 9
	float64Type elementType = 11
)

// dim is a dimension of a tensor: a name if it has one, and otherwise a number; −1 for any.
type dim struct {
	name string
	size int64
}

// valueInfo is a ValueInfoProto.
func valueInfo(name string, of elementType, dims ...dim) message {
	var shape message
	for _, d := range dims {
		var m message
		if d.name != "" {
			m = m.text(2, d.name)
		} else if d.size >= 0 {
			m = m.number(1, d.size)
		}
		shape = shape.bytes(1, m)
	}
	tensor := message(nil).number(1, int64(of)).bytes(2, shape)
	return message(nil).text(1, name).bytes(2, message(nil).bytes(1, tensor))
}

// tensor is a TensorProto but for its name.
func tensor(of elementType, dims []int, raw []byte) message {
	var m message
	for _, d := range dims {
		m = m.number(1, int64(d))
	}
	return m.number(2, int64(of)).bytes(9, raw)
}

// attribute is an AttributeProto.
type attribute message

// integer is an attribute with one number.
func integer(name string, x int64) attribute {
	return attribute(message(nil).text(1, name).number(3, x).number(20, 2))
}

// integers is an attribute with several numbers.
func integers(name string, all ...int64) attribute {
	m := message(nil).text(1, name)
	for _, x := range all {
		m = m.number(8, x)
	}
	return attribute(m.number(20, 7))
}

// subgraph is an attribute with a GraphProto.
func subgraph(name string, graph message) attribute {
	return attribute(message(nil).text(1, name).bytes(6, graph).number(20, 5))
}

// node is a NodeProto.
func node(name, op string, inputs, outputs []string, attributes []attribute) message {
	var m message
	for _, s := range inputs {
		m = m.text(1, s)
	}
	for _, s := range outputs {
		m = m.text(2, s)
	}
	m = m.text(3, name).text(4, op)
	for _, a := range attributes {
		m = m.bytes(5, a)
	}
	return m
}

const (
	irVersion = 8  // the first with all that this package writes; runtimes read later files less often
	opset     = 17 // operators as of ONNX 1.12
)

// model is a ModelProto.
func model(graph message, description string) message {
	return message(nil).number(1, irVersion).text(2, "nfkit").text(6, description).bytes(7, graph).
		bytes(8, message(nil).text(1, "").number(2, opset))
}
