// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A runner answers requests.
type runner interface {
	run(ctx context.Context, req *request) (*fnv1.RunFunctionResponse, error)
}

// A drainer lets runs that have begun come to their end before the process
// does. New ones are refused as unavailable, which Crossplane tries again.
type drainer struct {
	runner runner

	mu       sync.Mutex
	stopping bool
	running  sync.WaitGroup
}

// run a request, unless the drainer is stopping.
func (d *drainer) run(ctx context.Context, req *request) (*fnv1.RunFunctionResponse, error) {
	d.mu.Lock()
	if d.stopping {
		d.mu.Unlock()
		return nil, status.Error(codes.Unavailable, "the function is stopping")
	}
	d.running.Add(1)
	d.mu.Unlock()
	defer d.running.Done()
	return d.runner.run(ctx, req)
}

// drain refuses new runs and waits for those that have begun, but not longer
// than patience.
func (d *drainer) drain(patience time.Duration) {
	d.mu.Lock()
	d.stopping = true
	d.mu.Unlock()
	done := make(chan struct{})
	go func() {
		d.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
