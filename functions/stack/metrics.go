// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"maps"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/values"
)

// How long metrics are kept, and how much of them: on a volume, and where they
// share the node's disk and go with the pod.
const (
	volumeSize      = "20Gi"
	volumeRetention = "15d"
	volumeLimit     = "17GB"
	diskRetention   = "1d"
	diskLimit       = "2GB"
)

// retention is how long metrics are kept, and how much of them.
func (w computedValues) retention() (age, size string) {
	if w.capabilities == nil || w.capabilities.StorageClassName == "" {
		return diskRetention, diskLimit
	}
	return volumeRetention, volumeLimit
}

// wirePrometheus leaves out targets that nobody can reach, whose alerts would
// fire for ever, keeps metrics on a volume where a storage class is given, and
// scrapes and exports what the stack asks for.
func wirePrometheus(w computedValues) map[string]any {
	v := map[string]any{}
	if !w.capabilities.ControlPlaneMetricsReachable {
		for _, target := range []string{"kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler"} {
			v[target] = map[string]any{"enabled": false}
		}
	}
	age, size := w.retention()
	spec := map[string]any{
		"externalLabels": map[string]any{"cluster": w.cluster},
		"retention":      age,
		"retentionSize":  size,
	}
	if w.capabilities.StorageClassName != "" {
		spec["storageSpec"] = map[string]any{"volumeClaimTemplate": map[string]any{"spec": volumeClaimTemplate(w.capabilities.StorageClassName, volumeSize)}}
	}
	if rw := remoteWrites(w); len(rw) > 0 {
		spec["remoteWrite"] = rw
	}
	services, pods := monitors(w)
	p := map[string]any{"prometheusSpec": spec}
	if len(services) > 0 {
		p["additionalServiceMonitors"] = services
	}
	if len(pods) > 0 {
		p["additionalPodMonitors"] = pods
	}
	if w.has(thanos) {
		p["thanosService"] = map[string]any{"enabled": true}
		spec["thanos"] = sidecar(w)
	}
	v["prometheus"] = p
	return v
}

// volumeClaimTemplate is the claim of a volume.
func volumeClaimTemplate(class, size string) map[string]any {
	return map[string]any{
		"storageClassName": class,
		"accessModes":      []any{"ReadWriteOnce"},
		"resources":        map[string]any{"requests": map[string]any{"storage": size}},
	}
}

// monitors make Prometheus scrape every component of the stack. They are not in
// the components' own charts, so that no component has to wait for their kinds.
func monitors(w computedValues) (services, pods []any) {
	for _, name := range slices.Sorted(maps.Keys(w.parts)) {
		c := w.parts[name]
		for i, t := range c.Scrape {
			endpoints := endpoints(t)
			labels := make(map[string]any, len(t.Labels))
			for k, v := range t.Labels {
				labels[k] = v
			}
			in := map[string]any{"any": true}
			if !t.Anywhere {
				ns := t.Namespace
				if ns == "" {
					ns = c.Namespace
				}
				in = map[string]any{"matchNames": []any{ns}}
			}
			m := map[string]any{
				"name":              name,
				"namespaceSelector": in,
				"selector":          map[string]any{"matchLabels": labels},
			}
			if i > 0 {
				m["name"] = name + "-" + string(rune('a'+i))
			}
			if t.Pods {
				m["podMetricsEndpoints"] = endpoints
				pods = append(pods, m)
				continue
			}
			m["endpoints"] = endpoints
			services = append(services, m)
		}
	}
	return services, pods
}

// endpoints of a target, one per port.
func endpoints(t Target) []any {
	out := make([]any, 0, len(t.Ports))
	for _, port := range t.Ports {
		e := map[string]any{"port": port}
		if t.Path != "" {
			e["path"] = t.Path
		}
		if t.HonorLabels {
			e["honorLabels"] = true
		}
		if t.Scheme == "https" {
			e["scheme"], e["tlsConfig"] = t.Scheme, map[string]any{"insecureSkipVerify": true}
		}
		out = append(out, e)
	}
	return out
}

// remoteWrites are where Prometheus sends a copy of all metrics: to backends
// that take them as they are, and to the collectors for those that speak OTLP.
func remoteWrites(w computedValues) []any {
	var out []any
	otlp := false
	for _, e := range w.stack.Exports {
		if e.OTLP != nil && slices.Contains(e.OTLP.Signals, v1alpha1.SignalMetrics) {
			otlp = true
		}
		if e.RemoteWrite != nil {
			out = append(out, remoteWrite(e.Name, *e.RemoteWrite))
		}
	}
	if otlp && w.has(collectorGateway) {
		out = append(out, map[string]any{
			"name": "collectors", "url": w.url(collectorGateway, collectorGateway, "9090") + "/api/v1/write",
			// The only one that the collectors understand.
			"messageVersion": "V2.0", "sendExemplars": true,
		})
	}
	return out
}

func remoteWrite(name string, e v1alpha1.RemoteWriteExport) map[string]any {
	rw := map[string]any{"name": name, "url": e.URL, "sendExemplars": true}
	if s := e.SigV4; s != nil {
		sig := map[string]any{"region": s.Region}
		if s.RoleARN != "" {
			sig["roleArn"] = s.RoleARN
		}
		rw["sigv4"] = sig
	}
	if a := e.AzureAD; a != nil {
		rw["azureAd"] = map[string]any{"cloud": a.Cloud, "managedIdentity": map[string]any{"clientId": a.ClientID}}
	}
	if e.Auth != nil {
		a := e.Auth.BearerTokenSecretRef
		rw["authorization"] = map[string]any{"credentials": map[string]any{"name": a.Name, "key": a.Key}}
	}
	return rw
}

// objectStore is the Secret that a team named in Thanos's values; empty when it
// named none.
func objectStore(w computedValues) (name, key string) {
	team, err := values.From(w.parts[thanos].team.Values)
	if err != nil {
		return "", ""
	}
	global, _ := team["global"].(map[string]any)
	store, _ := global["objstore"].(map[string]any)
	name, _ = store["secretName"].(string)
	key, _ = store["secretKey"].(string)
	if key == "" {
		key = "objstore.yml"
	}
	return name, key
}

// sidecar is what Prometheus needs to be seen by Thanos. With an object store it
// keeps its past there, by a Secret of the same name in its own namespace.
func sidecar(w computedValues) map[string]any {
	s := map[string]any{"resources": map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "32Mi"}}}
	if name, key := objectStore(w); name != "" {
		s["objectStorageConfig"] = map[string]any{"existingSecret": map[string]any{"name": name, "key": key}}
	}
	return s
}

// wireThanos lets queries find the sidecar, and keeps the past where there is an
// object store for it.
func wireThanos(w computedValues) map[string]any {
	v := map[string]any{}
	if w.has(prometheus) {
		v["query"] = map[string]any{"endpoints": map[string]any{"static": []any{
			"dnssrv+_grpc._tcp.kube-prometheus-stack-thanos-discovery." + w.parts[prometheus].Namespace + ".svc.cluster.local",
		}}}
	}
	if name, _ := objectStore(w); name != "" {
		v["storegateway"] = map[string]any{"enabled": true}
		v["compactor"] = map[string]any{"enabled": true}
	}
	return v
}

// wireOpenCost gives prices of its own where there is no bill to look at.
func wireOpenCost(w computedValues) map[string]any {
	v := map[string]any{"exporter": map[string]any{"defaultClusterId": w.cluster}}
	if w.capabilities.IngressExposure == v1alpha1.IngressExposureHostPort {
		v["customPricing"] = map[string]any{"enabled": true}
	}
	return map[string]any{"opencost": v}
}
