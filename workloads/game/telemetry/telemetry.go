// SPDX-License-Identifier: Apache-2.0

// Package telemetry gives a service its OpenTelemetry: traces, metrics and logs
// that go where the standard environment variables say, through queues that are
// bounded and count what they drop.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Scope is the name of the instrumentation.
const Scope = "github.com/observe-k8s/observe-k8s/workloads/game"

// Options of a service's telemetry.
type Options struct {
	// Service is its service.name.
	Service string
	// Version is its service.version; none when empty.
	Version string
	// Instance is its service.instance.id; none when empty.
	Instance string
	// Shared says that other services run in this process: then the service's
	// name beats the environment's.
	Shared bool
	// Console gets logs that go to the console.
	Console io.Writer
}

// Telemetry of a service.
type Telemetry struct {
	Tracer     trace.Tracer
	Meter      metric.Meter
	Logger     log.Logger
	Propagator propagation.TextMapPropagator

	spans   *queue[sdktrace.ReadOnlySpan]
	records *queue[sdklog.Record]

	flush []func(context.Context) error
	stop  []func(context.Context) error
}

// Destinations says where signals go, for people: "traces to otlp, …".
func Destinations() string {
	return fmt.Sprintf("traces: %s, metrics: %s, logs: %s",
		destination("TRACES", "none"), destination("METRICS", "none"), destination("LOGS", "console"))
}

// New makes the telemetry of a service. It returns an error for an environment
// that cannot be followed; that nobody listens is none.
//
// Where nothing says where to send to, traces and metrics go nowhere and logs to
// the console. OTLP is spoken as soon as an endpoint is set for it, or an
// exporter.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	res, err := resourceOf(ctx, o)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})}
	if err := t.metrics(ctx, res); err != nil {
		return nil, err
	}
	if err := t.traces(ctx, res); err != nil {
		return nil, err
	}
	if err := t.logs(ctx, res, o.Console); err != nil {
		return nil, err
	}
	if err := t.observeQueues(); err != nil {
		return nil, err
	}
	return t, nil
}

// Spans says what became of the spans that were sampled.
func (t *Telemetry) Spans() Counts {
	if t.spans == nil {
		return Counts{}
	}
	return t.spans.counts()
}

// Records says what became of the log records.
func (t *Telemetry) Records() Counts {
	if t.records == nil {
		return Counts{}
	}
	return t.records.counts()
}

// Flush exports everything there is.
func (t *Telemetry) Flush(ctx context.Context) error {
	return all(ctx, t.flush)
}

// Stop exports what is left, and ends.
func (t *Telemetry) Stop(ctx context.Context) error {
	return all(ctx, t.stop)
}

func all(ctx context.Context, do []func(context.Context) error) error {
	errs := make([]error, 0, len(do))
	for _, f := range do {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

func resourceOf(ctx context.Context, o Options) (*resource.Resource, error) {
	attrs := []attribute.KeyValue{semconv.ServiceName(o.Service)}
	if o.Version != "" {
		attrs = append(attrs, semconv.ServiceVersion(o.Version))
	}
	if o.Instance != "" {
		attrs = append(attrs, semconv.ServiceInstanceID(o.Instance))
	}
	// What comes later beats what comes before.
	opts := []resource.Option{resource.WithTelemetrySDK(), resource.WithAttributes(attrs...), resource.WithFromEnv()}
	if o.Shared {
		opts = append(opts, resource.WithAttributes(attrs...))
	}
	res, err := resource.New(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("cannot describe the service: %w", err)
	}
	return res, nil
}

func (t *Telemetry) metrics(ctx context.Context, res *resource.Resource) error {
	opts := []sdkmetric.Option{sdkmetric.WithResource(res)}
	switch d := destination("METRICS", "none"); d {
	case "none":
	case "otlp":
		exporter, err := metricExporter(ctx)
		if err != nil {
			return err
		}
		opts = append(opts, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	default:
		return fmt.Errorf("cannot send metrics to %q: only to otlp and none", d)
	}
	p := sdkmetric.NewMeterProvider(opts...)
	t.Meter = p.Meter(Scope)
	t.flush = append(t.flush, p.ForceFlush)
	t.stop = append(t.stop, p.Shutdown)
	return nil
}

func (t *Telemetry) traces(ctx context.Context, res *resource.Resource) error {
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	switch d := destination("TRACES", "none"); d {
	case "none":
		opts = append(opts, sdktrace.WithSampler(sdktrace.NeverSample()))
	case "otlp":
		exporter, err := spanExporter(ctx)
		if err != nil {
			return err
		}
		t.spans = newQueue(configOf("OTEL_BSP"), exporter.ExportSpans)
		opts = append(opts, sdktrace.WithSpanProcessor(spanProcessor{t.spans}))
		t.flush = append(t.flush, t.spans.sync)
		t.stop = append(t.stop, t.spans.close, exporter.Shutdown)
	default:
		return fmt.Errorf("cannot send traces to %q: only to otlp and none", d)
	}
	t.Tracer = sdktrace.NewTracerProvider(opts...).Tracer(Scope)
	return nil
}

func (t *Telemetry) logs(ctx context.Context, res *resource.Resource, console io.Writer) error {
	opts := []sdklog.LoggerProviderOption{sdklog.WithResource(res)}
	for d := range strings.SplitSeq(destination("LOGS", "console"), ",") {
		switch strings.TrimSpace(d) {
		case "none":
		case "console":
			if console != nil {
				opts = append(opts, sdklog.WithProcessor(newConsole(console, res)))
			}
		case "otlp":
			exporter, err := logExporter(ctx)
			if err != nil {
				return err
			}
			t.records = newQueue(configOf("OTEL_BLRP"), exporter.Export)
			opts = append(opts, sdklog.WithProcessor(logProcessor{t.records}))
			t.flush = append(t.flush, t.records.sync)
			t.stop = append(t.stop, t.records.close, exporter.Shutdown)
		default:
			return fmt.Errorf("cannot send logs to %q: only to otlp, console and none", d)
		}
	}
	t.Logger = sdklog.NewLoggerProvider(opts...).Logger(Scope)
	return nil
}

// destination of a signal: what the standard's variables say, or else otlp where
// an endpoint is known.
func destination(signal, otherwise string) string {
	if disabled, _ := strconv.ParseBool(os.Getenv("OTEL_SDK_DISABLED")); disabled {
		return "none"
	}
	if d := os.Getenv("OTEL_" + signal + "_EXPORTER"); d != "" {
		return d
	}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != "" {
		return "otlp"
	}
	return otherwise
}

// configOf reads the bounds of a queue from the standard's variables.
func configOf(prefix string) queueConfig {
	delay := 5000
	if prefix == "OTEL_BLRP" {
		delay = 1000
	}
	c := queueConfig{
		size:    positive(prefix+"_MAX_QUEUE_SIZE", 2048),
		batch:   positive(prefix+"_MAX_EXPORT_BATCH_SIZE", 512),
		delay:   time.Duration(positive(prefix+"_SCHEDULE_DELAY", delay)) * time.Millisecond,
		timeout: time.Duration(positive(prefix+"_EXPORT_TIMEOUT", 30000)) * time.Millisecond,
	}
	c.batch = min(c.batch, c.size)
	return c
}

// positive is the variable's number, or otherwise when there is none.
func positive(variable string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil || n <= 0 {
		return otherwise
	}
	return n
}

// observeQueues counts what the queues do, under the names that the semantic
// conventions have for SDKs.
func (t *Telemetry) observeQueues() error {
	for _, q := range []struct {
		signal, component string
		counts            func() Counts
		there             bool
	}{
		{"span", "batching_span_processor", t.Spans, t.spans != nil},
		{"log", "batching_log_processor", t.Records, t.records != nil},
	} {
		if !q.there {
			continue
		}
		component := attribute.String("otel.component.type", q.component)
		ok := metric.WithAttributeSet(attribute.NewSet(component))
		full := metric.WithAttributeSet(attribute.NewSet(component, attribute.String("error.type", "queue_full")))
		failed := metric.WithAttributeSet(attribute.NewSet(component, attribute.String("error.type", "export_failed")))
		_, err := t.Meter.Int64ObservableCounter("otel.sdk.processor."+q.signal+".processed",
			metric.WithUnit("{"+q.signal+"}"),
			metric.WithDescription("How many were exported, and how many were dropped and why."),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				c := q.counts()
				o.Observe(c.Exported, ok)
				o.Observe(c.QueueFull, full)
				o.Observe(c.ExportFailed, failed)
				return nil
			}))
		if err != nil {
			return fmt.Errorf("cannot count what is dropped: %w", err)
		}
	}
	return nil
}
