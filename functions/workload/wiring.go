// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"
	"strconv"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/values"
)

// wire gives an application the values that depend on what the team asks for and
// on what there is on the cluster.
func wire(app App, spec v1alpha1.WorkloadSpec) (map[string]any, error) {
	v := app.Values
	if c := spec.Environment.OTLPHost; c != "" {
		v = values.Merge(v, app.ConditionalValues.Collector)
	}
	if has(spec.Environment, v1alpha1.CapabilityPrometheus) {
		v = values.Merge(v, app.ConditionalValues.Prometheus)
	}
	if spec.MeshInjection == v1alpha1.MeshInjectionEnabled && has(spec.Environment, v1alpha1.CapabilityMesh) {
		v = values.Merge(v, app.ConditionalValues.Mesh)
	}
	for _, path := range app.Tolerations {
		if t := tolerated(spec.Environment); len(t) > 0 {
			v = values.Merge(v, values.At(path, t))
		}
	}
	flags := chaosFlags(spec.Chaos)
	if d := app.Load; d != nil {
		n := users(app, spec.WorkloadParameters)
		if n == 0 {
			v = values.Merge(v, d.None)
		} else {
			v = values.Merge(v, d.Values)
			if d.Flag != "" {
				flags[d.Flag] = constant(n)
			}
		}
	}
	if len(flags) > 0 {
		f, err := flagValues(flags)
		if err != nil {
			return nil, err
		}
		v = values.Merge(v, f)
	}
	if spec.App == v1alpha1.AppGame {
		g, err := game(spec.Game)
		if err != nil {
			return nil, err
		}
		v = values.Merge(v, g)
	}
	filled, _ := fill(v, spec.Environment.OTLPHost, users(app, spec.WorkloadParameters)).(map[string]any)
	return filled, nil
}

// tolerated are the taints that a pod has to tolerate: Google Cloud taints nodes of
// arm64. https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment, 2026-08.
func tolerated(s v1alpha1.WorkloadEnvironment) []any {
	if s.Architecture != v1alpha1.ArchitectureARM64 {
		return nil
	}
	return []any{map[string]any{
		"key": "kubernetes.io/arch", "operator": "Equal", "value": string(v1alpha1.ArchitectureARM64), "effect": "NoSchedule",
	}}
}

func has(s v1alpha1.WorkloadEnvironment, f v1alpha1.Capability) bool {
	return slices.Contains(s.Capabilities, f)
}

// users of an application: as many as asked for, or else as its entry says.
func users(app App, p v1alpha1.WorkloadParameters) int64 {
	switch {
	case p.Load != nil:
		return p.Load.Users
	case app.Load != nil:
		return app.Load.Users
	}
	return 0
}

// fill puts in what placeholders stand for.
func fill(v any, collector string, users int64) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = fill(e, collector, users)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, fill(e, collector, users))
		}
		return out
	case string:
		if v == "${users}" {
			return users
		}
		return strings.NewReplacer("${collector}", collector, "${users}", strconv.FormatInt(users, 10)).Replace(v)
	default:
		return v
	}
}

// loaderValues are the values of the chart of games for load generators of an application
// that brings none: the game has no services of its own, and its load generators ask the
// application's.
func loaderValues(r *HTTPRequests, users int64, environment v1alpha1.WorkloadEnvironment) map[string]any {
	endpoints := make([]any, 0, len(r.Paths))
	requests := make([]any, 0, len(r.Paths))
	for _, p := range r.Paths {
		endpoints = append(endpoints, map[string]any{"path": p})
		requests = append(requests, map[string]any{"service": r.Service, "path": p})
	}
	v := map[string]any{
		"services": false,
		"peers":    "{service}:" + strconv.FormatInt(r.Port, 10),
		"game": map[string]any{
			"services": []any{map[string]any{"name": r.Service, "endpoints": endpoints}},
			"loadGenerators": []any{map[string]any{
				"name": "load", "users": users, "thinkTime": map[string]any{"duration": "1s", "jitter": "500ms"}, "requests": requests,
			}},
		},
	}
	if t := tolerated(environment); len(t) > 0 {
		v["tolerations"] = t
	}
	if environment.OTLPHost != "" {
		v["telemetry"] = map[string]any{"endpoint": "http://" + environment.OTLPHost + ":4318"}
	}
	return v
}
