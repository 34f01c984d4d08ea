// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestQueue(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	fail := errors.New("nobody takes it")
	q := newQueue(queueConfig{size: 4, batch: 2, delay: time.Hour, timeout: time.Second}, func(_ context.Context, batch []int) error {
		enter <- struct{}{}
		<-leave
		if batch[0] == 1 {
			return nil
		}
		return fail
	})
	q.put(1)
	q.put(2)
	// The first batch is under way: four more fit, the fifth does not.
	<-enter
	for i := range 5 {
		q.put(3 + i)
	}
	if diff := cmp.Diff(Counts{QueueFull: 1, Queued: 4}, q.counts()); diff != "" {
		t.Errorf("while the first batch is under way: -want, +got:\n%s", diff)
	}
	go func() {
		for range enter {
		}
	}()
	close(leave)
	if err := q.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Counts{Exported: 2, QueueFull: 1, ExportFailed: 4}, q.counts()); diff != "" {
		t.Errorf("after a flush: -want, +got:\n%s", diff)
	}
	if err := q.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	q.put(9)
	if got := q.counts().Dropped(); got != 6 {
		t.Errorf("what comes after the end is dropped: want 6, got %d", got)
	}
	if err := errors.Join(q.sync(t.Context()), q.close(t.Context())); err != nil {
		t.Errorf("an end that is repeated: %v", err)
	}
}

func TestDestination(t *testing.T) {
	cases := map[string]struct {
		reason string
		env    map[string]string
		want   string
	}{
		"Nothing":      {"Nobody is bothered.", nil, "traces: none, metrics: none, logs: console"},
		"Endpoint":     {"An endpoint is for all signals.", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, "traces: otlp, metrics: otlp, logs: otlp"},
		"OneEndpoint":  {"Or for one.", map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://a"}, "traces: none, metrics: none, logs: otlp"},
		"Exporter":     {"An exporter beats an endpoint.", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"}, "traces: none, metrics: otlp, logs: otlp"},
		"WithoutPlace": {"The standard has an endpoint of its own.", map[string]string{"OTEL_METRICS_EXPORTER": "otlp"}, "traces: none, metrics: otlp, logs: console"},
		"Disabled":     {"Off is off.", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, "traces: none, metrics: none, logs: none"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			if got := Destinations(); got != tc.want {
				t.Errorf("%s\nwant %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

func TestNewErrors(t *testing.T) {
	cases := map[string]struct {
		variable, value string
		want            string
	}{
		"Traces":   {"OTEL_TRACES_EXPORTER", "zipkin", `cannot send traces to "zipkin": only to otlp and none`},
		"Metrics":  {"OTEL_METRICS_EXPORTER", "prometheus", `cannot send metrics to "prometheus": only to otlp and none`},
		"Logs":     {"OTEL_LOGS_EXPORTER", "otlp,file", `cannot send logs to "file": only to otlp, console and none`},
		"Protocol": {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", `cannot speak "http/json" as OTEL_EXPORTER_OTLP_PROTOCOL says: only grpc and http/protobuf`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(tc.variable, tc.value)
			_, err := New(t.Context(), Options{Service: "a"})
			if err == nil || err.Error() != tc.want {
				t.Errorf("want %q, got %v", tc.want, err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "-3")
	t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", "20")
	want := queueConfig{size: 100, batch: 100, delay: 5 * time.Second, timeout: 20 * time.Millisecond}
	if diff := cmp.Diff(want, configOf("OTEL_BSP"), cmp.AllowUnexported(queueConfig{})); diff != "" {
		t.Errorf("a batch is not larger than the queue, and what is no bound is none: -want, +got:\n%s", diff)
	}
}

func TestConsole(t *testing.T) {
	out := &bytes.Buffer{}
	tel, err := New(t.Context(), Options{Service: "shop", Console: out})
	if err != nil {
		t.Fatal(err)
	}
	// Also a trace that is not sampled has an identity.
	ctx, span := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "x")
	var r log.Record
	r.SetTimestamp(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	r.SetSeverity(log.SeverityWarn)
	r.SetBody(attribute.StringValue("hello"))
	r.AddAttributes(attribute.Int("n", 1))
	tel.Logger.Emit(ctx, r)

	got := map[string]string{}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, strings.TrimSpace(out.String()))
	}
	want := map[string]string{
		"time": "2026-02-03T04:05:06Z", "level": "WARN", "msg": "hello", "service": "shop", "n": "1",
		"trace_id": span.SpanContext().TraceID().String(), "span_id": span.SpanContext().SpanID().String(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
