// Package cputime says how long the program has computed.
package cputime
