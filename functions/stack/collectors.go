// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// contribImage is the distribution of the collector with what the one for
// Kubernetes lacks: the receiver of remote write and Google's authentication.
// https://github.com/open-telemetry/opentelemetry-collector-releases, 2026-08.
const contribImage = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib"

// A pipeline of the collectors.
type pipeline struct{ receivers, exporters []any }

// A collection is the configuration of the gateway while it is put together.
type collection struct {
	receivers, exporters, extensions map[string]any
	metrics, traces, logs            pipeline
	// exported are all metrics of Prometheus on their way to somewhere else.
	exported pipeline
	env      []any
	contrib  bool
}

// wireCollectorGateway sends each signal to the backends that are enabled, and
// to those that the team already has. What nobody keeps is dropped here.
func wireCollectorGateway(w computedValues) map[string]any {
	c := &collection{
		receivers:  map[string]any{},
		exporters:  map[string]any{"nop": map[string]any{}},
		extensions: map[string]any{},
		metrics:    pipeline{receivers: []any{"otlp"}},
		traces:     pipeline{receivers: []any{"otlp"}},
		logs:       pipeline{receivers: []any{"otlp"}},
	}
	if w.has(prometheus) {
		c.exporters["otlphttp/prometheus"] = insecureHTTP(w.url(prometheus, "kube-prometheus-stack-prometheus", "9090") + "/api/v1/otlp")
		c.metrics.exporters = append(c.metrics.exporters, "otlphttp/prometheus")
	}
	for _, store := range []string{jaeger, tempo} {
		if w.has(store) {
			c.exporters["otlp/"+store] = map[string]any{
				"endpoint": store + "." + w.parts[store].Namespace + ":4317", "tls": map[string]any{"insecure": true},
			}
			c.traces.exporters = append(c.traces.exporters, "otlp/"+store)
		}
	}
	if w.has(loki) {
		c.exporters["otlphttp/loki"] = insecureHTTP(w.url(loki, loki, "3100") + "/otlp")
		c.logs.exporters = append(c.logs.exporters, "otlphttp/loki")
	}
	for _, e := range w.stack.Exports {
		if e.OTLP != nil {
			c.export(e.Name, *e.OTLP)
		}
	}
	return c.values()
}

// export sends signals to a backend of the team.
func (c *collection) export(name string, e v1alpha1.OTLPExport) {
	exporter, kind := "otlphttp/export-"+name, "http"
	if e.Protocol == "GRPC" {
		exporter, kind = "otlp/export-"+name, "grpc"
	}
	x := map[string]any{"endpoint": e.Endpoint}
	if e.Auth != nil {
		a := e.Auth.BearerTokenSecretRef
		variable := "EXPORT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		c.env = append(c.env, map[string]any{"name": variable, "valueFrom": map[string]any{
			"secretKeyRef": map[string]any{"name": a.Name, "key": a.Key},
		}})
		x["headers"] = map[string]any{"authorization": "Bearer ${env:" + variable + "}"}
	}
	if g := e.GoogleCloud; g != nil {
		auth := "googleclientauth/" + name
		c.extensions[auth] = map[string]any{"project": g.ProjectID, "quota_project": g.ProjectID}
		x["auth"] = map[string]any{"authenticator": auth}
		c.contrib = true
	}
	if kind == "grpc" && strings.HasPrefix(e.Endpoint, "http://") {
		x["tls"] = map[string]any{"insecure": true}
	}
	c.exporters[exporter] = x
	if slices.Contains(e.Signals, v1alpha1.SignalTraces) {
		c.traces.exporters = append(c.traces.exporters, exporter)
	}
	if slices.Contains(e.Signals, v1alpha1.SignalLogs) {
		c.logs.exporters = append(c.logs.exporters, exporter)
	}
	if slices.Contains(e.Signals, v1alpha1.SignalMetrics) {
		c.receivers["prometheusremotewrite"] = map[string]any{"endpoint": "${env:MY_POD_IP}:9090"}
		c.exported.receivers = []any{"prometheusremotewrite"}
		c.exported.exporters = append(c.exported.exporters, exporter)
		c.contrib = true
	}
}

// values of the chart. Traces become metrics of every service, each with the
// trace that it was counted for.
func (c *collection) values() map[string]any {
	c.traces.exporters = append(c.traces.exporters, "spanmetrics", "servicegraph")
	c.metrics.receivers = append(c.metrics.receivers, "spanmetrics", "servicegraph")
	pipelines := map[string]any{}
	for name, p := range map[string]pipeline{"metrics": c.metrics, "traces": c.traces, "logs": c.logs, "metrics/export": c.exported} {
		if len(p.receivers) == 0 {
			continue
		}
		if len(p.exporters) == 0 {
			p.exporters = []any{"nop"}
		}
		pipelines[name] = map[string]any{"receivers": p.receivers, "processors": []any{"memory_limiter", "batch"}, "exporters": p.exporters}
	}
	extensions := []any{"health_check"}
	for _, e := range sortedKeys(c.extensions) {
		extensions = append(extensions, e)
	}
	v := map[string]any{"config": map[string]any{
		"receivers":  c.receivers,
		"exporters":  c.exporters,
		"extensions": c.extensions,
		"connectors": map[string]any{
			"spanmetrics": map[string]any{
				"exemplars":              map[string]any{"enabled": true},
				"histogram":              map[string]any{"unit": "s", "explicit": map[string]any{"buckets": durations()}},
				"metrics_flush_interval": "15s",
				"dimensions": []any{
					map[string]any{"name": "http.request.method"}, map[string]any{"name": "http.route"}, map[string]any{"name": "http.response.status_code"},
				},
			},
			"servicegraph": map[string]any{},
		},
		"service": map[string]any{"extensions": extensions, "pipelines": pipelines},
	}}
	if len(c.env) > 0 {
		v["extraEnvs"] = c.env
	}
	if c.contrib {
		v["image"] = map[string]any{"repository": contribImage}
	}
	if len(c.exported.receivers) > 0 {
		v["ports"] = map[string]any{"remote-write": map[string]any{"enabled": true, "containerPort": int64(9090), "servicePort": int64(9090), "protocol": "TCP"}}
	}
	return v
}

// durations are the bounds that the semantic conventions give histograms of
// requests, and the schema the thresholds of SLOs.
// https://opentelemetry.io/docs/specs/semconv/http/http-metrics/, 2026-11.
func durations() []any {
	return []any{"5ms", "10ms", "25ms", "50ms", "75ms", "100ms", "250ms", "500ms", "750ms", "1s", "2500ms", "5s", "7500ms", "10s"}
}

// insecureHTTP is an exporter to a Service of the cluster.
func insecureHTTP(endpoint string) map[string]any { return map[string]any{"endpoint": endpoint} }

// wireJaeger lets Jaeger show how services do, from the metrics that the
// collectors make of traces.
func wireJaeger(w computedValues) map[string]any {
	if !w.has(prometheus) || !w.has(collectorGateway) {
		return nil
	}
	return at("userconfig.extensions", map[string]any{
		"jaeger_storage": map[string]any{"metric_backends": map[string]any{"metrics": map[string]any{
			"prometheus": map[string]any{
				"endpoint":           w.url(prometheus, "kube-prometheus-stack-prometheus", "9090"),
				"normalize_calls":    true,
				"normalize_duration": true,
				"latency_unit":       "s",
			},
		}}},
		"jaeger_query": map[string]any{"storage": map[string]any{"metrics": "metrics"}},
	})
}
