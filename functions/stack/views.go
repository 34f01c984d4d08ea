// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"maps"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// manifests are the values of the chart that installs objects as they are.
func manifests(objects ...any) map[string]any {
	return map[string]any{"manifests": append([]any{}, objects...)}
}

// manifest is an object of the cluster, in the namespace of its component unless
// it says otherwise.
func manifest(apiVersion, kind, name string, fields map[string]any) map[string]any {
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}
	maps.Copy(o, fields)
	return o
}

const persesAPI = "perses.dev/v1alpha2"

// wirePerses makes a server of dashboards, with a data source for every store
// that is enabled.
func wirePerses(w computedValues) map[string]any {
	server := map[string]any{
		"config": map[string]any{
			"database": map[string]any{"file": map[string]any{"folder": "/perses", "extension": "yaml"}},
		},
		"containerPort": int64(8080),
		"metadata":      map[string]any{"labels": map[string]any{"app.kubernetes.io/part-of": "observe-k8s"}},
		"resources":     map[string]any{"requests": map[string]any{"cpu": "20m", "memory": "64Mi"}},
	}
	if t := w.tolerated(); len(t) > 0 {
		server["tolerations"] = t
	}
	if w.capabilities.StorageClassName != "" {
		server["storage"] = map[string]any{"pvcTemplate": volumeClaimTemplate(w.capabilities.StorageClassName, "1Gi")}
	} else {
		server["storage"] = map[string]any{"emptyDir": map[string]any{}}
	}
	objects := []any{manifest(persesAPI, "Perses", "perses", map[string]any{"spec": server})}
	source := func(name, plugin, url string, isDefault bool) {
		objects = append(objects, manifest(persesAPI, "PersesGlobalDatasource", name, map[string]any{"spec": map[string]any{
			"config": map[string]any{
				"default": isDefault,
				"display": map[string]any{"name": name},
				"plugin": map[string]any{
					"kind": plugin,
					"spec": map[string]any{"proxy": map[string]any{"kind": "HTTPProxy", "spec": map[string]any{"url": url}}},
				},
			},
		}}))
	}
	for _, s := range w.stores() {
		source(s.component, s.perses, s.url, true)
	}
	return manifests(objects...)
}

// A store keeps a signal, and a view can ask it.
type store struct {
	// component that keeps the signal, and the address of its queries.
	component, url string

	// perses and grafana call the type of data source so.
	perses, grafana string
}

// stores of the stack. Where several keep one signal, the first is the default.
func (w computedValues) stores() []store {
	all := []store{
		{prometheus, "", "PrometheusDatasource", "prometheus"},
		{tempo, "", "TempoDatasource", "tempo"},
		{jaeger, "", "JaegerDatasource", "jaeger"},
		{loki, "", "LokiDatasource", "loki"},
		{pyroscope, "", "PyroscopeDatasource", "grafana-pyroscope-datasource"},
	}
	addresses := map[string][2]string{
		prometheus: {"kube-prometheus-stack-prometheus", "9090"},
		tempo:      {tempo, "3200"},
		jaeger:     {jaeger, "16686"},
		loki:       {loki, "3100"},
		pyroscope:  {pyroscope, "4040"},
	}
	var out []store
	for _, s := range all {
		if w.has(s.component) {
			s.url = w.url(s.component, addresses[s.component][0], addresses[s.component][1])
			out = append(out, s)
		}
	}
	return out
}

// wireGrafana gives Grafana a data source for every store that is enabled, each
// linked to the others: from an exemplar to its trace, from a trace to its logs,
// metrics and profiles, and from a line of a log to its trace.
func wireGrafana(w computedValues) map[string]any {
	traces := ""
	for _, s := range w.stores() {
		if s.component == tempo || s.component == jaeger {
			traces = s.component
			break
		}
	}
	sources := []any{}
	for _, s := range w.stores() {
		source := map[string]any{
			"name": s.component, "uid": s.component, "type": s.grafana, "url": s.url, "access": "proxy", "isDefault": s.component == prometheus,
		}
		if links := w.grafanaLinks(s.component, traces); len(links) > 0 {
			source["jsonData"] = links
		}
		sources = append(sources, source)
	}
	return map[string]any{"datasources": map[string]any{"datasources.yaml": map[string]any{"apiVersion": int64(1), "datasources": sources}}}
}

// grafanaLinks lead from one signal to the others.
func (w computedValues) grafanaLinks(component, traces string) map[string]any {
	links := map[string]any{}
	switch component {
	case prometheus:
		if traces != "" {
			links["exemplarTraceIdDestinations"] = []any{
				map[string]any{"name": "trace_id", "datasourceUid": traces}, map[string]any{"name": "traceID", "datasourceUid": traces},
			}
		}
	case loki:
		if traces != "" {
			links["derivedFields"] = []any{map[string]any{
				"name": "trace", "datasourceUid": traces, "matcherType": "label", "matcherRegex": "trace_id", "url": "${__value.raw}",
			}}
		}
	case tempo, jaeger:
		service := []any{map[string]any{"key": "service.name", "value": "service_name"}}
		if w.has(loki) {
			links["tracesToLogsV2"] = map[string]any{"datasourceUid": loki, "tags": service, "filterByTraceID": true}
		}
		if w.has(prometheus) {
			links["tracesToMetrics"] = map[string]any{"datasourceUid": prometheus, "tags": service, "queries": []any{map[string]any{
				"name": "Requests", "query": "sum(rate(traces_span_metrics_calls_total{$__tags}[5m]))",
			}}}
			if component == tempo {
				links["serviceMap"] = map[string]any{"datasourceUid": prometheus}
			}
		}
		if w.has(pyroscope) {
			links["tracesToProfiles"] = map[string]any{"datasourceUid": pyroscope, "tags": service, "profileTypeId": "process_cpu:cpu:nanoseconds:cpu:nanoseconds"}
		}
	}
	return links
}

// wireLoki keeps logs on a volume where a storage class is given.
func wireLoki(w computedValues) map[string]any {
	persistence := map[string]any{"enabled": false}
	if w.capabilities.StorageClassName != "" {
		persistence = map[string]any{"enabled": true, "storageClass": w.capabilities.StorageClassName, "size": volumeSize}
	}
	return at("singleBinary.persistence", persistence)
}

// wireTempo keeps traces on a volume where a storage class is given.
func wireTempo(w computedValues) map[string]any {
	if w.capabilities.StorageClassName == "" {
		return nil
	}
	return map[string]any{"persistence": map[string]any{"enabled": true, "storageClassName": w.capabilities.StorageClassName}}
}

// wirePyroscope keeps profiles on a volume where a storage class is given.
func wirePyroscope(w computedValues) map[string]any {
	if w.capabilities.StorageClassName == "" {
		return nil
	}
	return at("pyroscope.persistence", map[string]any{"enabled": true, "storageClassName": w.capabilities.StorageClassName})
}
