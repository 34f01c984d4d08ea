// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"github.com/crossplane/function-sdk-go/errors"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// serviceName of the function's traces, unless OTEL_SERVICE_NAME gives another.
const serviceName = "function-observe-k8s"

// How a run came out, in metrics.
const (
	outcomeReady    = "ready"
	outcomeNotReady = "not-ready"
	outcomeError    = "error"
)

// telemetry is what the function says of its own work. The zero value says
// nothing.
type telemetry struct {
	tracer   trace.Tracer
	runs     *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// newTelemetry registers the function's own metrics, beside those of gRPC and of
// the process.
func newTelemetry(registry *prometheus.Registry, tracer trace.Tracer) (telemetry, error) {
	t := telemetry{
		tracer: tracer,
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "observe_k8s_function_runs_total",
			Help: "Runs of composers, by the composite's kind and by how they came out: ready, not-ready or error.",
		}, []string{"kind", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "observe_k8s_function_run_duration_seconds",
			Help: "What a run took from the decoded request to the response, by the composite's kind.",
			// A run takes 0.1 ms to some milliseconds.
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 15),
		}, []string{"kind"}),
	}
	for _, c := range []prometheus.Collector{
		t.runs, t.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return telemetry{}, errors.Wrap(err, "cannot register metrics")
		}
	}
	return t, nil
}

// start notes that a run begins, and returns what notes how it came out. A kind
// that is not ours never gets here, so there are few of them.
func (t telemetry) start(ctx context.Context, w compose.Request) func(res compose.Result, err error) {
	begin := time.Now()
	kind := w.XR.GetKind()
	span := trace.SpanFromContext(ctx)
	if t.tracer != nil {
		_, span = t.tracer.Start(ctx, "compose "+kind, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("crossplane.xr.kind", kind),
			attribute.String("crossplane.xr.namespace", w.XR.GetNamespace()),
			attribute.String("crossplane.xr.name", w.XR.GetName()),
			attribute.Int("crossplane.observed.resources", len(w.Observed)),
		))
	}
	return func(res compose.Result, err error) {
		outcome := outcomeNotReady
		switch {
		case err != nil:
			// What went wrong may quote the claim; the condition tells it to whoever
			// may read that.
			span.SetStatus(codes.Error, "cannot compose")
			outcome = outcomeError
		case res.Ready:
			outcome = outcomeReady
		}
		span.SetAttributes(attribute.Int("crossplane.desired.resources", len(res.Resources)), attribute.Bool("crossplane.xr.ready", res.Ready))
		span.End()
		if t.runs != nil {
			t.runs.WithLabelValues(kind, outcome).Inc()
			t.duration.WithLabelValues(kind).Observe(time.Since(begin).Seconds())
		}
	}
}

// tracer exports spans by OTLP over gRPC where OTEL_TRACES_EXPORTER is otlp.
// Everything else, such as where to, stands in OpenTelemetry's standard
// variables. The second result sends what is not sent yet.
func tracer(ctx context.Context) (trace.Tracer, func(context.Context) error, error) {
	nothing := func(context.Context) error { return nil }
	switch e := os.Getenv("OTEL_TRACES_EXPORTER"); {
	case e == "" || e == "none" || os.Getenv("OTEL_SDK_DISABLED") == "true":
		return noop.NewTracerProvider().Tracer(""), nothing, nil
	case e != "otlp":
		return nil, nothing, errors.Errorf("OTEL_TRACES_EXPORTER must be otlp or none, not %q", e)
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, nothing, errors.Wrap(err, "cannot export traces")
	}
	// What the environment says wins over what stands before it.
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", serviceName), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, nothing, errors.Wrap(err, "cannot describe the function to whom it traces")
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	return provider.Tracer("github.com/observe-k8s/observe-k8s/functions"), provider.Shutdown, nil
}

// serveProfiles serves Go's profiles.
func serveProfiles(ctx context.Context, address string) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return errors.Wrap(err, "cannot serve profiles")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 30 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go srv.Serve(lis) //nolint:errcheck // It ends with the function.
	return nil
}
