// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"sort"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// A run is one request on its way through a plan.
type run struct {
	ctx     context.Context //nolint:containedctx // A run lives exactly as long as its request.
	service *Service
	rng     rng
	// hops is how many services the request has passed before this one.
	hops int
}

// all does the ops of a list in their order.
func (r *run) all(ops []step) *failure {
	for i := range ops {
		o := &ops[i]
		if o.cron != nil && !o.cron.Matches(r.service.world.Now()) {
			continue
		}
		if o.probability < 1 && r.rng.float() >= o.probability {
			continue
		}
		if f := o.do.do(r); f != nil && !o.ignore {
			return f
		}
	}
	return nil
}

// sleep waits, and says when the request is over before that.
func (r *run) sleep(d time.Duration) *failure {
	if d <= 0 {
		return nil
	}
	if r.service.world.Sleep(r.ctx, d) != nil {
		return &failure{code: statusClosed, kind: "canceled", message: "the caller has gone"}
	}
	return nil
}

// statusClosed is the answer to a caller who has gone. Nobody sees it but those
// who look at telemetry.
const statusClosed = 499

type oneOf struct {
	until []float64
	total float64
	lists [][]step
}

func (o *oneOf) do(r *run) *failure {
	if len(o.lists) == 1 {
		return r.all(o.lists[0])
	}
	at := r.rng.float() * o.total
	i := sort.Search(len(o.until), func(i int) bool { return o.until[i] > at })
	return r.all(o.lists[min(i, len(o.lists)-1)])
}

type sleep struct{ time timeRange }

func (s sleep) do(r *run) *failure { return r.sleep(s.time.pick(&r.rng)) }

type busy struct{ time timeRange }

func (b busy) do(r *run) *failure {
	if r.service.world.Busy(r.ctx, b.time.pick(&r.rng)) != nil {
		return &failure{code: statusClosed, kind: "canceled", message: "the caller has gone"}
	}
	return nil
}

type fail struct{ with *failure }

func (f fail) do(*run) *failure { return f.with }

type record struct {
	severity log.Severity
	text     string
	message  string
}

func (l *record) do(r *run) *failure {
	var out log.Record
	out.SetTimestamp(r.service.world.Now())
	out.SetSeverity(l.severity)
	out.SetSeverityText(l.text)
	out.SetBody(attribute.StringValue(l.message))
	r.service.tel.Logger.Emit(r.ctx, out)
	return nil
}

type cache struct {
	miss                float64
	hitTime, missTime   timeRange
	hitAttrs, missAttrs attribute.Set
}

func (c *cache) do(r *run) *failure {
	attrs, takes := c.hitAttrs, c.hitTime
	if c.miss > 0 && r.rng.float() < c.miss {
		attrs, takes = c.missAttrs, c.missTime
	}
	r.service.inst.cache.Add(r.ctx, 1, metric.WithAttributeSet(attrs))
	if span := trace.SpanFromContext(r.ctx); span.IsRecording() {
		span.AddEvent("cache", trace.WithAttributes(attrs.ToSlice()...))
	}
	return r.sleep(takes.pick(&r.rng))
}

type database struct {
	name                  string
	time                  timeRange
	errors                float64
	timeout               time.Duration
	span                  []trace.SpanStartOption
	metrics, failed, late metric.MeasurementOption
}

func (d *database) do(r *run) *failure {
	ctx, span := r.service.tel.Tracer.Start(r.ctx, d.name, d.span...)
	defer span.End()
	began := r.service.world.Now()
	measure := func(attrs metric.MeasurementOption) {
		r.service.inst.database.Record(ctx, r.service.world.Now().Sub(began).Seconds(), attrs)
	}

	takes := d.time.pick(&r.rng)
	broken := d.errors > 0 && r.rng.float() < d.errors
	if f := r.sleep(min(takes, d.timeout)); f != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(f.kind))
		span.SetStatus(codes.Error, f.message)
		measure(d.failed)
		return f
	}
	switch {
	case takes > d.timeout:
		span.SetAttributes(semconv.ErrorTypeKey.String("timeout"))
		span.SetStatus(codes.Error, "the database did not answer in time")
		measure(d.late)
		return &failure{code: 504, kind: "timeout", message: "the database did not answer in time"}
	case broken:
		span.SetAttributes(semconv.ErrorTypeKey.String("query_failed"))
		span.SetStatus(codes.Error, "the query failed")
		measure(d.failed)
		return &failure{code: 500, kind: "query_failed", message: "the query failed"}
	default:
		measure(d.metrics)
		return nil
	}
}

type leak struct {
	bytes   int
	limit   int64
	restart time.Duration
}

func (l leak) do(r *run) *failure {
	if r.service.leaked.keep(l, r.service.world.Now()) {
		return nil
	}
	r.service.inst.restarts.Add(r.ctx, 1)
	return &failure{code: 503, kind: "out_of_memory", message: "out of memory: the service starts again"}
}

type httpCall struct {
	service language.Name
	path    string
	retries int
	backoff time.Duration
	timeout time.Duration
	request *clientRequest
}

func (h *httpCall) do(r *run) *failure {
	for attempt := 0; ; attempt++ {
		f := h.try(r, attempt)
		if f == nil || attempt >= h.retries || r.ctx.Err() != nil {
			return f
		}
		if gone := r.sleep(h.backoff); gone != nil {
			return gone
		}
	}
}

func (h *httpCall) try(r *run, attempt int) *failure {
	ctx, cancel := context.WithTimeout(r.ctx, h.timeout)
	defer cancel()
	out := outgoing{request: h.request, attempt: attempt, hops: r.hops + 1}
	// Each attempt gets dice of its own, however the others fall.
	out.key, out.seeded = r.rng.child()
	status, err := r.service.call(ctx, out)
	switch {
	case err == nil && status < 400:
		return nil
	case err == nil:
		return &failure{code: 502, kind: "bad_gateway", message: string(h.service) + " answered with an error"}
	case r.ctx.Err() != nil:
		return &failure{code: statusClosed, kind: "canceled", message: "the caller has gone"}
	case ctx.Err() != nil:
		return &failure{code: 504, kind: "timeout", message: string(h.service) + " did not answer in time"}
	default:
		return &failure{code: 502, kind: "connection_failed", message: string(h.service) + " did not answer"}
	}
}
