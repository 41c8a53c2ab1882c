// Package player is the player of animations in a page: buttons below an image.
package player

import _ "embed"

// Script is the body of a function that is called once with an image as this. The image's attribute data-frames has the
// addresses of the frames before its own, separated by spaces. It builds the controls below the image.
//
//go:embed player.js
var Script string
