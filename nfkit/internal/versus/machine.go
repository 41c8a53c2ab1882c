package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine describes where and when this runs.
func machine() string {
	s := fmt.Sprintf("%s\n%s, %s/%s, %d cores of which %d are used\n%s\n", time.Now().Format(time.DateOnly),
		processor(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cores, runtime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		s += fmt.Sprintf("load before the start: %s\n", strings.Fields(string(load))[0])
	}
	return s
}

// processor returns the name of the processor, if the system tells.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown processor"
}
