// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// runs of three kinds of outcome: a Workload that waits, one that is refused,
// and a kind that is not ours, which counts as nothing.
func runs(t *testing.T, f *Function) {
	t.Helper()
	for _, req := range []*fnv1.RunFunctionRequest{
		xr(workload), xr(workload), xr(strings.Replace(workload, `"Workload"`, `"Pod"`, 1)),
	} {
		run(t, f, req)
	}
}

// TestMetrics reads what the function's own metrics say after some runs.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	tel, err := newTelemetry(registry, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := testFunction()
	f.telemetry = tel
	runs(t, f)
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "observe_k8s_") {
			continue
		}
		for _, m := range family.GetMetric() {
			key := family.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			got[key] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"observe_k8s_function_runs_total Workload not-ready": 2,
		"observe_k8s_function_run_duration_seconds Workload": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics: -want, +got:\n%s", diff)
	}
	if _, err := newTelemetry(registry, nil); err == nil {
		t.Error("want an error for metrics that are there already")
	}
}

// A sink receives traces as a collector does.
type sink struct {
	collector.UnimplementedTraceServiceServer

	got chan *collector.ExportTraceServiceRequest
}

func (s *sink) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.got <- req
	return &collector.ExportTraceServiceResponse{}, nil
}

// TestTraces exports to a collector as somebody would set it up.
func TestTraces(t *testing.T) {
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{got: make(chan *collector.ExportTraceServiceRequest, 1)}
	srv := grpc.NewServer()
	collector.RegisterTraceServiceServer(srv, s)
	go srv.Serve(lis)
	t.Cleanup(srv.Stop)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+lis.Addr().String())
	t.Setenv("OTEL_SERVICE_NAME", "mine")

	tr, flush, err := tracer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := testFunction()
	f.telemetry = telemetry{tracer: tr}
	runs(t, f)
	if err := flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var spans []map[string]string
	var service string
	select {
	case req := <-s.got:
		for _, rs := range req.GetResourceSpans() {
			for _, a := range rs.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, ss := range rs.GetScopeSpans() {
				for _, span := range ss.GetSpans() {
					spans = append(spans, attributesOf(span))
				}
			}
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was exported")
	}
	one := map[string]string{"": "compose Workload", "crossplane.xr.kind": "Workload", "crossplane.xr.namespace": "team-a", "crossplane.xr.name": "shop"}
	if diff := cmp.Diff([]map[string]string{one, one}, spans); diff != "" {
		t.Errorf("spans: -want, +got:\n%s", diff)
	}
	if service != "mine" {
		t.Errorf("the service is called %q, want what OTEL_SERVICE_NAME says", service)
	}
}

// attributesOf a span that are text, with its name under the empty key.
func attributesOf(span *tracepb.Span) map[string]string {
	out := map[string]string{"": span.GetName()}
	for _, a := range span.GetAttributes() {
		if v := a.GetValue().GetStringValue(); v != "" {
			out[a.GetKey()] = v
		}
	}
	return out
}

// TestTracesAreOff unless somebody asks for them, and say so when they cannot be
// had.
func TestTracesAreOff(t *testing.T) {
	for _, how := range []string{"", "none"} {
		t.Setenv("OTEL_TRACES_EXPORTER", how)
		tr, flush, err := tracer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, span := tr.Start(t.Context(), "span"); span.IsRecording() {
			t.Errorf("OTEL_TRACES_EXPORTER=%q records spans", how)
		}
		if err := flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	if _, _, err := tracer(t.Context()); err == nil {
		t.Error("want an error for an exporter that there is not")
	}
}

// TestProfiles fetches a profile.
func TestProfiles(t *testing.T) {
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	if err := serveProfiles(t.Context(), address); err == nil {
		t.Error("want an error for an address that is taken")
	}
	lis.Close()
	if err := serveProfiles(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/debug/pprof/heap?debug=1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()
	raw, err := io.ReadAll(rsp.Body)
	if err != nil || !strings.Contains(string(raw), "heap profile") {
		t.Errorf("want a heap profile, got %d bytes, error %v", len(raw), err)
	}
}
