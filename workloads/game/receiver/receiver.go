// SPDX-License-Identifier: Apache-2.0

// Package receiver is an OTLP receiver for tests. It keeps all that it gets, over
// HTTP and gRPC.
package receiver

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// A Span and whose it is.
type Span struct {
	*tracepb.Span

	Service string
}

// A Record and whose it is.
type Record struct {
	*logspb.LogRecord

	Service string
}

// A Metric and whose it is.
type Metric struct {
	*metricspb.Metric

	Service string
}

// A Receiver keeps what it gets.
type Receiver struct {
	mu      sync.Mutex
	spans   []Span
	records []Record
	metrics []Metric
	refuse  bool
}

// Refuse everything from now on, or not any more.
func (r *Receiver) Refuse(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = yes
}

// Spans that have come.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Span(nil), r.spans...)
}

// Records that have come.
func (r *Receiver) Records() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Record(nil), r.records...)
}

// Metrics that have come, each as often as it was exported.
func (r *Receiver) Metrics() []Metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Metric(nil), r.metrics...)
}

// Attribute of a key as text, or empty.
func Attribute(attrs []*commonpb.KeyValue, key string) string {
	for _, kv := range attrs {
		if kv.GetKey() != key {
			continue
		}
		if s, ok := kv.GetValue().GetValue().(*commonpb.AnyValue_StringValue); ok {
			return s.StringValue
		}
	}
	return ""
}

// Integer attribute of a key, or 0.
func Integer(attrs []*commonpb.KeyValue, key string) int64 {
	for _, kv := range attrs {
		if kv.GetKey() == key {
			return kv.GetValue().GetIntValue()
		}
	}
	return 0
}

func service(r *resourcepb.Resource) string { return Attribute(r.GetAttributes(), "service.name") }

func (r *Receiver) addSpans(in *coltrace.ExportTraceServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range in.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				r.spans = append(r.spans, Span{s, service(rs.GetResource())})
			}
		}
	}
}

func (r *Receiver) addRecords(in *collogs.ExportLogsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rl := range in.GetResourceLogs() {
		for _, sl := range rl.GetScopeLogs() {
			for _, l := range sl.GetLogRecords() {
				r.records = append(r.records, Record{l, service(rl.GetResource())})
			}
		}
	}
}

func (r *Receiver) addMetrics(in *colmetrics.ExportMetricsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rm := range in.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				r.metrics = append(r.metrics, Metric{m, service(rm.GetResource())})
			}
		}
	}
}

// HTTP serves OTLP over HTTP. The caller closes it.
func (r *Receiver) HTTP() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, req *http.Request) {
		in := &coltrace.ExportTraceServiceRequest{}
		if r.read(w, req, in) {
			r.addSpans(in)
		}
	})
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, req *http.Request) {
		in := &collogs.ExportLogsServiceRequest{}
		if r.read(w, req, in) {
			r.addRecords(in)
		}
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, req *http.Request) {
		in := &colmetrics.ExportMetricsServiceRequest{}
		if r.read(w, req, in) {
			r.addMetrics(in)
		}
	})
	return httptest.NewServer(mux)
}

func (r *Receiver) read(w http.ResponseWriter, req *http.Request, in proto.Message) bool {
	r.mu.Lock()
	refuse := r.refuse
	r.mu.Unlock()
	b, err := io.ReadAll(req.Body)
	if err == nil {
		err = proto.Unmarshal(b, in)
	}
	if err != nil || refuse {
		http.Error(w, "no", http.StatusBadRequest)
		return false
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	return true
}

// GRPC serves OTLP over gRPC at the listener. The caller stops it.
func (r *Receiver) GRPC(l net.Listener) *grpc.Server {
	s := grpc.NewServer()
	coltrace.RegisterTraceServiceServer(s, traces{r: r})
	collogs.RegisterLogsServiceServer(s, logs{r: r})
	colmetrics.RegisterMetricsServiceServer(s, metrics{r: r})
	// It ends when it is stopped, and then there is nobody to tell.
	go func() { _ = s.Serve(l) }()
	return s
}

type traces struct {
	coltrace.UnimplementedTraceServiceServer

	r *Receiver
}

// Export keeps spans.
func (t traces) Export(_ context.Context, in *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	t.r.addSpans(in)
	return &coltrace.ExportTraceServiceResponse{}, nil
}

type logs struct {
	collogs.UnimplementedLogsServiceServer

	r *Receiver
}

// Export keeps log records.
func (l logs) Export(_ context.Context, in *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	l.r.addRecords(in)
	return &collogs.ExportLogsServiceResponse{}, nil
}

type metrics struct {
	colmetrics.UnimplementedMetricsServiceServer

	r *Receiver
}

// Export keeps metrics.
func (m metrics) Export(_ context.Context, in *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	m.r.addMetrics(in)
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}
