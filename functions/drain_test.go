// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A slow function says when it has begun and ends when it is told to.
type slow struct {
	begun chan struct{}
	end   chan struct{}
}

func (s *slow) run(context.Context, *request) (*fnv1.RunFunctionResponse, error) {
	s.begun <- struct{}{}
	<-s.end
	return &fnv1.RunFunctionResponse{Meta: &fnv1.ResponseMeta{Tag: "slow"}}, nil
}

// begin runs a function and waits until the run has begun.
func begin(d *drainer, s *slow) <-chan string {
	done := make(chan string, 1)
	go func() {
		rsp, err := d.run(context.Background(), &request{})
		if err != nil {
			done <- err.Error()
			return
		}
		done <- rsp.GetMeta().GetTag()
	}()
	<-s.begun
	return done
}

// TestDrain stops while two runs are under way.
func TestDrain(t *testing.T) {
	s := &slow{begun: make(chan struct{}), end: make(chan struct{})}
	d := &drainer{runner: s}
	first, second := begin(d, s), begin(d, s)

	drained := make(chan struct{})
	go func() {
		d.drain(time.Minute)
		close(drained)
	}()
	// New runs are refused as soon as the drainer is stopping, and in a way that
	// is tried again.
	refused := func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.stopping
	}
	for !refused() {
		time.Sleep(time.Millisecond)
	}
	_, err := d.run(t.Context(), &request{})
	if diff := cmp.Diff(codes.Unavailable, status.Code(err)); diff != "" {
		t.Errorf("a run while stopping: -want, +got:\n%s", diff)
	}
	s.end <- struct{}{}
	select {
	case <-drained:
		t.Error("drained while a run was still under way")
	case <-time.After(10 * time.Millisecond):
	}
	s.end <- struct{}{}
	select {
	case <-drained:
	case <-time.After(10 * time.Second):
		t.Error("not drained though all runs have come to their end")
	}
	if diff := cmp.Diff([]string{"slow", "slow"}, []string{<-first, <-second}); diff != "" {
		t.Errorf("runs that had begun: -want, +got:\n%s", diff)
	}
}

// TestDrainPatience stops while a run does not come to its end.
func TestDrainPatience(t *testing.T) {
	s := &slow{begun: make(chan struct{}), end: make(chan struct{})}
	d := &drainer{runner: s}
	run := begin(d, s)
	start := time.Now()
	d.drain(20 * time.Millisecond)
	if took := time.Since(start); took < 20*time.Millisecond || took > 10*time.Second {
		t.Errorf("want a stop after 20ms, took %v", took)
	}
	s.end <- struct{}{}
	<-run
}

// TestDrainIdle stops while nothing is under way.
func TestDrainIdle(t *testing.T) {
	d := &drainer{runner: testFunction()}
	run(t, d, xr(workload))
	start := time.Now()
	d.drain(time.Minute)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("want a stop at once, took %v", took)
	}
}
