// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"github.com/prometheus/client_golang/prometheus"
)

// NewCalls returns a metric of how long calls of engines take, in seconds, by
// tool, call and result. A call is observe, create, start or delete; a result is
// ok or error.
func NewCalls() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "provider_local_engine_call_duration_seconds",
		Help: "How long it took to observe, create, start or delete a cluster.",
		// A look takes milliseconds, a cluster minutes.
		Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900},
	}, []string{"tool", "call", "result"})
}

// A metered engine tells how long its calls take.
type metered struct {
	engine Engine
	calls  prometheus.ObserverVec
}

func (m metered) meter(call string, start time.Time, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.calls.With(prometheus.Labels{"call": call, "result": result}).Observe(time.Since(start).Seconds())
}

// Create a cluster.
func (m metered) Create(ctx context.Context, r engine.Request, step func(string)) error {
	start := time.Now()
	err := m.engine.Create(ctx, r, step)
	m.meter("create", start, err)
	return err
}

// Start the nodes of a cluster.
func (m metered) Start(ctx context.Context, name string) error {
	start := time.Now()
	err := m.engine.Start(ctx, name)
	m.meter("start", start, err)
	return err
}

// Delete a cluster.
func (m metered) Delete(ctx context.Context, name string) error {
	start := time.Now()
	err := m.engine.Delete(ctx, name)
	m.meter("delete", start, err)
	return err
}

// Observe a cluster.
func (m metered) Observe(ctx context.Context, name string) (engine.Observation, error) {
	start := time.Now()
	o, err := m.engine.Observe(ctx, name)
	m.meter("observe", start, err)
	return o, err
}
