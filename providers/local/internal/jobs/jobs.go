// SPDX-License-Identifier: Apache-2.0

// Package jobs runs what takes longer than a reconcile may.
package jobs

import (
	"context"
	"sync"
	"time"
)

// How long to wait before what failed is tried again, by the number of failures.
const (
	firstPause = 5 * time.Second
	lastPause  = 2 * time.Minute
)

// A Func does the work of a job. It tells step what it is doing.
type Func func(ctx context.Context, step func(string)) error

// A State of the job of a key.
type State struct {
	// Kind of the job that runs or failed.
	Kind string
	// Running says that it has not ended.
	Running bool
	// Step that it is at.
	Step string
	// Err it failed with, until it is started again.
	Err error
	// Pausing says that it failed too short ago to be tried again.
	Pausing bool
}

// Runner of jobs: at most one for each key.
type Runner struct {
	// Context that ends all jobs.
	Context context.Context //nolint:containedctx // Jobs outlive the reconcile that starts them.
	// Now is the time.
	Now func() time.Time

	mu   sync.Mutex
	jobs map[string]*job
}

type job struct {
	kind     string
	cancel   context.CancelFunc
	ended    chan struct{}
	running  bool
	step     string
	err      error
	failures int
	failed   time.Time
}

// NewRunner returns a Runner whose jobs end with a context.
func NewRunner(ctx context.Context) *Runner {
	return &Runner{Context: ctx, Now: time.Now, jobs: map[string]*job{}}
}

// State of the job of a key. There is none if it never ran, or succeeded.
func (r *Runner) State(key string) (State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j, ok := r.jobs[key]
	if !ok {
		return State{}, false
	}
	s := State{Kind: j.kind, Running: j.running, Step: j.step, Err: j.err}
	s.Pausing = !j.running && r.Now().Before(j.failed.Add(pause(j.failures)))
	return s, true
}

// pause after a number of failures.
func pause(failures int) time.Duration {
	p := firstPause
	for range failures - 1 {
		p *= 2
		if p >= lastPause {
			return lastPause
		}
	}
	return p
}

// Start a job unless one of the same kind runs or failed too short ago. A
// running one of another kind is ended first, and awaited by the new one.
func (r *Runner) Start(key, kind string, work Func) {
	r.mu.Lock()
	defer r.mu.Unlock()

	before, ok := r.jobs[key]
	if ok && before.kind == kind && (before.running || r.Now().Before(before.failed.Add(pause(before.failures)))) {
		return
	}
	ctx, cancel := context.WithCancel(r.Context)
	j := &job{kind: kind, cancel: cancel, ended: make(chan struct{}), running: true}
	if ok && before.kind == kind {
		j.failures = before.failures
	}
	r.jobs[key] = j
	go r.run(ctx, key, j, before, work)
}

func (r *Runner) run(ctx context.Context, key string, j, before *job, work Func) {
	defer close(j.ended)
	defer j.cancel()
	if before != nil {
		before.cancel()
		<-before.ended
	}
	err := work(ctx, func(s string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		j.step = s
	})

	r.mu.Lock()
	defer r.mu.Unlock()
	j.running = false
	if err != nil {
		j.err, j.failed = err, r.Now()
		j.failures++
		return
	}
	if r.jobs[key] == j {
		delete(r.jobs, key)
	}
}
