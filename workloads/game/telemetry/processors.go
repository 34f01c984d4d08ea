// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// spanProcessor puts spans that have ended into a queue.
type spanProcessor struct {
	queue *queue[sdktrace.ReadOnlySpan]
}

// OnStart does nothing: only spans that have ended are exported.
func (spanProcessor) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd queues a span that is sampled.
func (p spanProcessor) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		p.queue.put(s)
	}
}

// ForceFlush exports what is queued.
func (p spanProcessor) ForceFlush(ctx context.Context) error { return p.queue.sync(ctx) }

// Shutdown exports what is left.
func (p spanProcessor) Shutdown(ctx context.Context) error { return p.queue.close(ctx) }

// logProcessor puts log records into a queue.
type logProcessor struct {
	queue *queue[sdklog.Record]
}

// Enabled is always true.
func (logProcessor) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit queues a record.
func (p logProcessor) OnEmit(_ context.Context, r *sdklog.Record) error {
	p.queue.put(r.Clone())
	return nil
}

// ForceFlush exports what is queued.
func (p logProcessor) ForceFlush(ctx context.Context) error { return p.queue.sync(ctx) }

// Shutdown exports what is left.
func (p logProcessor) Shutdown(ctx context.Context) error { return p.queue.close(ctx) }

// console writes log records as lines of JSON, as collectors of container logs
// read them.
type console struct {
	handler slog.Handler
}

func newConsole(w io.Writer, res *resource.Resource) console {
	h := slog.NewJSONHandler(&locked{w: w}, &slog.HandlerOptions{Level: slog.LevelDebug})
	name, _ := res.Set().Value(semconv.ServiceNameKey)
	return console{h.WithAttrs([]slog.Attr{slog.String("service", name.AsString())})}
}

// Enabled is always true.
func (console) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit writes a record as a line.
func (c console) OnEmit(ctx context.Context, r *sdklog.Record) error {
	// The severities of OpenTelemetry are four apart as slog's levels are, and
	// Info is 9 there and 0 here.
	out := slog.NewRecord(r.Timestamp(), slog.Level(int(r.Severity())-9), r.Body().AsString(), 0)
	if r.TraceID().IsValid() {
		out.AddAttrs(slog.String("trace_id", r.TraceID().String()), slog.String("span_id", r.SpanID().String()))
	}
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		out.AddAttrs(slog.String(string(kv.Key), kv.Value.String()))
		return true
	})
	return c.handler.Handle(ctx, out)
}

// ForceFlush does nothing: lines are written at once.
func (console) ForceFlush(context.Context) error { return nil }

// Shutdown does nothing.
func (console) Shutdown(context.Context) error { return nil }

// locked lets several services write lines to one writer.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
