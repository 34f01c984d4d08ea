// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
	"go.opentelemetry.io/otel/metric"
)

// A LoadGenerator sends requests until it is told to stop.
type LoadGenerator struct {
	caller

	name     language.Name
	users    int
	wait     timeRange
	requests []*clientRequest
}

// NewLoadGenerator makes a load generator of a game. It returns an error when the game has none
// of that name.
func NewLoadGenerator(w *Runtime, tel *telemetry.Telemetry, g *language.Game, name language.Name) (*LoadGenerator, error) {
	l := g.LoadGenerator(name)
	if l == nil {
		return nil, fmt.Errorf("the game has no load generator %q", name)
	}
	client, err := tel.Meter.Float64Histogram("http.client.request.duration", metric.WithUnit("s"), metric.WithDescription("Duration of HTTP client requests."),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	if err != nil {
		return nil, fmt.Errorf("cannot make instruments: %w", err)
	}
	out := &LoadGenerator{
		caller: caller{world: w, tracer: tel.Tracer, inject: tel.Propagator.Inject, client: client},
		name:   name,
		users:  int(language.Default(l.Users, 1)),
		wait:   timeRange{language.DefaultWait, language.DefaultWait},
	}
	if l.ThinkTime != nil {
		out.wait = rangeOf(l.ThinkTime)
	}
	for i := range l.Requests {
		q := &l.Requests[i]
		out.requests = append(out.requests, newClientRequest(q.Service, string(q.Method.Or()), string(q.Path.Or())))
	}
	return out, nil
}

// Run sends requests until the context is over.
func (l *LoadGenerator) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range l.users {
		wg.Go(func() { l.user(ctx, i) })
	}
	wg.Wait()
}

func (l *LoadGenerator) user(ctx context.Context, number int) {
	var d rng
	if l.world.Seed != nil {
		d = newRNG(*l.world.Seed^hash(string(l.name), strconv.Itoa(number)), 0)
	}
	// People do not come all at once.
	pause := l.wait.pick(&d) * time.Duration(number) / time.Duration(l.users)
	for i := 0; ; i = (i + 1) % len(l.requests) {
		if l.world.Sleep(ctx, pause) != nil {
			return
		}
		l.request(ctx, l.requests[i])
		pause = l.wait.pick(&d)
	}
}

func (l *LoadGenerator) request(ctx context.Context, q *clientRequest) {
	ctx, cancel := context.WithTimeout(ctx, language.DefaultRemoteTimeout)
	defer cancel()
	// What becomes of it is in the telemetry.
	_, _ = l.call(ctx, outgoing{request: q})
}
