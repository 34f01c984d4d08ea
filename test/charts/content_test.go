// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"
)

// published is the folder of the charts that the project publishes.
const published = "../../package/charts"

// all are components that content can be about.
func all() map[string]any {
	out := map[string]any{}
	for _, c := range []string{"kube-prometheus-stack", "perses-operator", "grafana", "collector-gateway", "fluent-bit", "flux", "argo-cd", "cert-manager", "thanos", "linkerd-control-plane", "opencost", "crossplane"} {
		out[c] = true
	}
	return out
}

// slos as the function gives them.
func slos(t *testing.T) []any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "functions", "slo", "testdata", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []any `json:"groups"`
	}
	if err := sigsyaml.Unmarshal(b, &rules); err != nil {
		t.Fatal(err)
	}
	return []any{map[string]any{"name": "orders", "groups": rules.Groups}}
}

// objects that the chart content becomes, by kind and name.
func objects(t *testing.T, values map[string]any) map[string]unstructured.Unstructured {
	t.Helper()
	out, err := renderContent(values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func renderContent(values map[string]any) (map[string]unstructured.Unstructured, error) {
	c, err := loader.Load(filepath.Join(published, "content"))
	if err != nil {
		return nil, err
	}
	v, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "content", Namespace: "monitoring", IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, v)
	if err != nil {
		return nil, err
	}
	out := map[string]unstructured.Unstructured{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for doc := range strings.SplitSeq(files[name], "\n---\n") {
			o := unstructured.Unstructured{}
			if err := sigsyaml.Unmarshal([]byte(doc), &o.Object); err != nil {
				return nil, err
			}
			if len(o.Object) > 0 {
				out[o.GetKind()+"/"+o.GetName()] = o
			}
		}
	}
	return out, nil
}

// count of objects by kind.
func count(all map[string]unstructured.Unstructured) map[string]int {
	out := map[string]int{}
	for _, o := range all {
		out[o.GetKind()]++
	}
	return out
}

func TestContentFollowsComponents(t *testing.T) {
	var index struct{ Dashboards, Rules []any }
	b, err := os.ReadFile(filepath.Join(published, "content", "files", "index.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sigsyaml.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	without := func(c string) map[string]any {
		m := all()
		// Helm takes the defaults of a chart for what is not said.
		m[c] = false
		return m
	}
	cases := map[string]struct {
		reason string
		values map[string]any
		want   map[string]int
	}{
		"All":        {"Everything there is, for both products.", map[string]any{"components": all(), "slos": slos(t)}, map[string]int{"PersesDashboard": len(index.Dashboards), "ConfigMap": len(index.Dashboards), "PrometheusRule": len(index.Rules) + 1, "PodMonitor": 2}},
		"Prometheus": {"Rules without a view: what a bare Prometheus can answer.", nil, map[string]int{"PrometheusRule": 3}},
		"NoSLOs":     {"A dashboard of SLOs without one would be empty.", map[string]any{"components": all()}, map[string]int{"PersesDashboard": len(index.Dashboards) - 1, "ConfigMap": len(index.Dashboards) - 1, "PrometheusRule": len(index.Rules), "PodMonitor": 2}},
		"NoGrafana":  {"Nothing for what is not there.", map[string]any{"components": without("grafana"), "slos": slos(t)}, map[string]int{"PersesDashboard": len(index.Dashboards), "PrometheusRule": len(index.Rules) + 1, "PodMonitor": 2}},
		"Nothing":    {"Without Prometheus there is nothing to ask.", map[string]any{"components": map[string]any{"kube-prometheus-stack": false, "grafana": true}, "slos": slos(t)}, map[string]int{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, count(objects(t, tc.values))); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestContentLinks(t *testing.T) {
	rendered := objects(t, map[string]any{
		"components": map[string]any{"perses-operator": true, "grafana": true},
		"links":      []any{map[string]any{"name": "Jaeger", "url": "https://jaeger.example.org"}},
	})
	links, _, _ := unstructured.NestedSlice(rendered["PersesDashboard/services"].Object, "spec", "config", "links")
	if diff := cmp.Diff([]any{map[string]any{"name": "Jaeger", "url": "https://jaeger.example.org", "targetBlank": true}}, links); diff != "" {
		t.Errorf("Perses: -want, +got:\n%s", diff)
	}
	data, _, _ := unstructured.NestedString(rendered["ConfigMap/dashboard-services"].Object, "data", "services.json")
	var grafana struct {
		Links []struct{ Title, URL string }
	}
	if err := json.Unmarshal([]byte(data), &grafana); err != nil {
		t.Fatal(err)
	}
	if len(grafana.Links) != 1 || grafana.Links[0].URL != "https://jaeger.example.org" {
		t.Errorf("Grafana: want a link to Jaeger, got %+v", grafana.Links)
	}
}

// TestContentKeepsTemplates proves that Helm does not touch what Prometheus and
// the views fill in.
func TestContentKeepsTemplates(t *testing.T) {
	for name, want := range map[string]string{
		"PrometheusRule/observe-services": "{{ $labels.job }}",
		"PrometheusRule/slo-orders":       "{{ $value | humanizePercentage }}",
		"PersesDashboard/services":        "{{job}}",
		"ConfigMap/dashboard-services":    "{{job}}",
	} {
		o := objects(t, map[string]any{"components": all(), "slos": slos(t)})[name]
		b, err := sigsyaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: want %s in it", name, want)
		}
	}
}

func TestContentRefused(t *testing.T) {
	cases := map[string]struct {
		reason string
		values map[string]any
	}{
		"Component": {"A component is there or is not.", map[string]any{"components": map[string]any{"grafana": "yes"}}},
		"Typo":      {"A typo would be ignored.", map[string]any{"component": map[string]any{}}},
		"Link":      {"A link must lead somewhere.", map[string]any{"links": []any{map[string]any{"name": "a", "url": "javascript:alert(1)"}}}},
		"SLO":       {"Rules without a group are none.", map[string]any{"slos": []any{map[string]any{"name": "a", "groups": []any{}}}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := renderContent(tc.values); err == nil {
				t.Errorf("%s Want an error.", tc.reason)
			}
		})
	}
}

// TestContentFitsItsKinds holds every object against the schema of its kind.
func TestContentFitsItsKinds(t *testing.T) {
	set, err := validate.Load(filepath.Join("..", "facts", "schemas", "crds"))
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range objects(t, map[string]any{"components": all(), "slos": slos(t), "links": []any{map[string]any{"name": "Jaeger", "url": "https://jaeger.example.org"}}}) {
		if o.GetNamespace() == "" {
			o.SetNamespace("content")
		}
		for _, err := range set.Validate(t.Context(), o.Object) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
