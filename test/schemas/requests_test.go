// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// switchedOff are containers of the Minimal profile's charts that are not there,
// by chart and the path of their resources, with the reason.
func switchedOff() map[string]string {
	const chart = "kube-prometheus-stack "
	return map[string]string{
		chart + "crds.upgradeJob.resources":                                 "crds.enabled is false",
		chart + "grafana.downloadDashboards.resources":                      "grafana.enabled is false",
		chart + "grafana.imageRenderer.resources":                           "grafana.enabled is false",
		chart + "grafana.initChownData.resources":                           "grafana.enabled is false",
		chart + "grafana.resources":                                         "grafana.enabled is false",
		chart + "grafana.sidecar.resources":                                 "grafana.enabled is false",
		chart + "grafana.testFramework.resources":                           "grafana.enabled is false",
		chart + "kube-state-metrics.kubeRBACProxy.resources":                "kubeRBACProxy.enabled is false",
		chart + "prometheus-node-exporter.kubeRBACProxy.resources":          "kubeRBACProxy.enabled is false",
		chart + "prometheusOperator.admissionWebhooks.deployment.resources": "the operator answers webhooks itself",
		chart + "prometheusOperator.admissionWebhooks.patch.resources":      "cert-manager makes the certificates instead of a Job",
		chart + "thanosRuler.thanosRulerSpec.resources":                     "thanosRuler.enabled is false",
	}
}

// TestMinimalRequests proves that every container of the Minimal profile says how
// much memory it asks for, so that their sum, which a test of the stack holds to
// 1.5 GiB, is all of it.
func TestMinimalRequests(t *testing.T) {
	charts := newShelf(t)
	used := map[string]bool{}
	for _, o := range rendered(t, providers(t)["Existing"]) {
		c, values, err := charts.of(o)
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			continue
		}
		for _, path := range silent("", merge(c.values, values)) {
			id := c.Name + " " + path
			if _, ok := switchedOff()[id]; ok {
				used[id] = true
				continue
			}
			t.Errorf("chart %s: %s says nothing of memory", c.Name, path)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(switchedOff())) {
		if !used[id] {
			t.Errorf("%s is listed as switched off but is not there: remove it from the list", id)
		}
	}
}

// silent are the paths of resources that ask for no memory.
func silent(path string, values map[string]any) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(values)) {
		p := strings.TrimPrefix(path+"."+k, ".")
		m, ok := values[k].(map[string]any)
		if !ok {
			continue
		}
		if k != "resources" {
			out = append(out, silent(p, m)...)
			continue
		}
		if memory, _, _ := unstructured.NestedString(m, "requests", "memory"); memory == "" {
			out = append(out, p)
		}
	}
	return out
}
