// Package safetensors reads and writes the file format of the same name: eight bytes with the length of a header, a
// JSON header with the name, type, shape and place of each tensor, and the numbers, all little-endian.
// https://huggingface.co/docs/safetensors/index#format
package safetensors

const (
	lengthBytes = 8
	maxHeader   = 100_000_000 // bytes, as in the reference implementation
	metadataKey = "__metadata__"
)
