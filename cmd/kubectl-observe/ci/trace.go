// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// pipeline is the name of the whole in its trace.
const pipeline = "environment"

// A tracer tells a job as a trace, by OpenTelemetry's conventions for CI/CD
// (https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/, 2026-11): the
// whole is a pipeline run, and each step a task of it. It goes into a file, to the
// platform's collector as soon as there is one, and to a collector where
// OTEL_EXPORTER_OTLP_ENDPOINT names one.
type tracer struct {
	provider *sdktrace.TracerProvider
	file     *os.File
	parent   trace.SpanContext
	told     *told
	dir      string
	state    *state
}

// newTracer goes on with the trace of the state, or begins one.
func newTracer(ctx context.Context, dir string, s *state) (*tracer, error) {
	t := &tracer{dir: dir, state: s, told: &told{}}
	if err := t.identify(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "trace.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, errors.Wrap(err, "cannot keep the trace")
	}
	t.file = f
	file, err := stdouttrace.New(stdouttrace.WithWriter(f))
	if err != nil {
		return nil, errors.Wrap(err, "cannot keep the trace")
	}
	res, err := resource.New(ctx, resource.WithFromEnv(), resource.WithAttributes(semconv.ServiceName("observe-k8s-action")))
	if err != nil {
		return nil, errors.Wrap(err, "cannot describe the job")
	}
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res), sdktrace.WithSyncer(file), sdktrace.WithSyncer(t.told), sdktrace.WithSampler(sdktrace.AlwaysSample())}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		e, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, errors.Wrap(err, "cannot reach the collector")
		}
		opts = append(opts, sdktrace.WithBatcher(e))
	}
	t.provider = sdktrace.NewTracerProvider(append(opts, sdktrace.WithIDGenerator(&ids{root: t.parent}))...)
	return t, nil
}

// identify the trace and its root span. Both are chosen at the beginning, as
// the root span can only be written at the end, by another process.
func (t *tracer) identify() error {
	if t.state.TraceID == "" {
		id, span := random()
		t.state.TraceID, t.state.SpanID = id.String(), span.String()
		if err := t.state.save(t.dir); err != nil {
			return err
		}
	}
	id, err := trace.TraceIDFromHex(t.state.TraceID)
	if err != nil {
		return errors.Wrap(err, "cannot read the trace's ID")
	}
	span, err := trace.SpanIDFromHex(t.state.SpanID)
	if err != nil {
		return errors.Wrap(err, "cannot read the trace's ID")
	}
	t.parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled, Remote: true})
	return nil
}

// task runs a step of the job: a group of lines in the log, and a span.
func (t *tracer) task(ctx context.Context, name string, run func(context.Context) error) error {
	group(name)
	defer endGroup()
	start := time.Now()
	ctx, span := t.provider.Tracer("observe-k8s").Start(trace.ContextWithRemoteSpanContext(ctx, t.parent), name, trace.WithAttributes(
		semconv.CICDPipelineTaskName(name), semconv.CICDPipelineName(pipeline), semconv.CICDPipelineRunID(t.state.TraceID)))
	defer span.End()
	span.SetAttributes(semconv.CICDPipelineTaskRunID(span.SpanContext().SpanID().String()))
	err := run(ctx)
	switch {
	case err == nil:
		span.SetAttributes(semconv.CICDPipelineTaskRunResultSuccess)
		fmt.Printf("done after %s\n", time.Since(start).Round(time.Second/10))
		return nil
	case errors.Is(context.Cause(ctx), context.Canceled):
		span.SetAttributes(semconv.CICDPipelineTaskRunResultCancellation)
	case ctx.Err() != nil:
		span.SetAttributes(semconv.CICDPipelineTaskRunResultTimeout)
	default:
		span.SetAttributes(semconv.CICDPipelineTaskRunResultFailure)
	}
	span.SetStatus(codes.Error, err.Error())
	t.state.Failed = true
	return errors.Join(err, t.state.save(t.dir))
}

// end writes the span of the whole.
func (t *tracer) end(ctx context.Context, s *state) error {
	result := semconv.CICDPipelineResultSuccess
	if s.Failed {
		result = semconv.CICDPipelineResultFailure
	}
	_, span := t.provider.Tracer("observe-k8s").Start(ctx, "RUN "+pipeline, trace.WithNewRoot(), trace.WithTimestamp(s.Started), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		append([]attribute.KeyValue{semconv.CICDPipelineName(pipeline), semconv.CICDPipelineRunID(s.TraceID), result}, job()...)...))
	if s.Failed {
		span.SetStatus(codes.Error, "a task failed")
	}
	span.End()
	return t.close(ctx)
}

// close sends what was not sent yet. A collector that is away does not fail the
// job: the file has it all.
func (t *tracer) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ci: cannot send the trace:", err)
	}
	return errors.Wrap(t.file.Close(), "cannot keep the trace")
}

// job is what GitHub says of it.
func job() []attribute.KeyValue {
	var out []attribute.KeyValue
	add := func(kv func(string) attribute.KeyValue, v string) {
		if v != "" {
			out = append(out, kv(v))
		}
	}
	server, repository, run := os.Getenv("GITHUB_SERVER_URL"), os.Getenv("GITHUB_REPOSITORY"), os.Getenv("GITHUB_RUN_ID")
	if server != "" && repository != "" {
		add(semconv.VCSRepositoryURLFull, server+"/"+repository)
		add(semconv.CICDPipelineRunURLFull, server+"/"+repository+"/actions/runs/"+run)
	}
	add(semconv.VCSRefHeadName, os.Getenv("GITHUB_REF_NAME"))
	add(semconv.VCSRefHeadRevision, os.Getenv("GITHUB_SHA"))
	add(semconv.CICDWorkerName, os.Getenv("RUNNER_NAME"))
	return out
}

// group begins a group of lines, which GitHub folds.
func group(name string) {
	if os.Getenv("GITHUB_ACTIONS") != "" {
		fmt.Println("::group::" + name)
		return
	}
	fmt.Println("===", name)
}

func endGroup() {
	if os.Getenv("GITHUB_ACTIONS") != "" {
		fmt.Println("::endgroup::")
	}
}
