// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// stages prints what each stage of a start took. Stages overlap.
type stages struct {
	w     io.Writer
	start time.Time
	mu    sync.Mutex
}

func newStages(w io.Writer) *stages { return &stages{w: w, start: time.Now()} }

// run a stage and print when it ended and how long it took.
func (s *stages) run(name string, f func() error) error {
	began := time.Now()
	if err := f(); err != nil {
		return fmt.Errorf("cannot %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.w, "  %5.1fs  %s (%.1fs)\n", time.Since(s.start).Seconds(), name, time.Since(began).Seconds())
	return nil
}
