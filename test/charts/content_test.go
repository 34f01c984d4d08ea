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
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"
)

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
	c, err := loader.Load("content")
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
	b, err := os.ReadFile(filepath.Join("content", "files", "index.yaml"))
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
	folder := os.Getenv("OBSERVE_K8S_SCHEMAS")
	if folder == "" {
		t.Skip("OBSERVE_K8S_SCHEMAS is not set: objects were NOT checked against their CRDs")
	}
	crds := map[string]string{
		"PersesDashboard": "perses-operator/persesdashboards.perses.dev.yaml",
		"PrometheusRule":  "kube-prometheus-stack/prometheusrules.monitoring.coreos.com.yaml",
		"PodMonitor":      "kube-prometheus-stack/podmonitors.monitoring.coreos.com.yaml",
	}
	checked := map[string]int{}
	for name, o := range objects(t, map[string]any{"components": all(), "slos": slos(t), "links": []any{map[string]any{"name": "Jaeger", "url": "https://jaeger.example.org"}}}) {
		file, ok := crds[o.GetKind()]
		if !ok {
			continue
		}
		checked[o.GetKind()]++
		b, err := os.ReadFile(filepath.Join(folder, "crds", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range validate(t, b, o) {
			t.Errorf("%s: %s", name, err)
		}
	}
	t.Logf("checked against CRDs: %v", checked)
}

// validate an object against the version of a CRD that it is of. Fields that the
// schema does not have are errors too: the API server would drop them.
func validate(t *testing.T, crd []byte, o unstructured.Unstructured) []string {
	t.Helper()
	def := &apiextensionsv1.CustomResourceDefinition{}
	if err := sigsyaml.Unmarshal(crd, def); err != nil {
		t.Fatal(err)
	}
	for _, v := range def.Spec.Versions {
		if v.Name != o.GroupVersionKind().Version {
			continue
		}
		internal := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, internal, nil); err != nil {
			t.Fatal(err)
		}
		validator, _, err := validation.NewSchemaValidator(internal)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range validation.ValidateCustomResource(nil, o.Object, validator) {
			out = append(out, e.Error())
		}
		return append(out, unknown("", v.Schema.OpenAPIV3Schema, o.Object)...)
	}
	return []string{"the CRD has no version " + o.GroupVersionKind().Version}
}

// unknown fields of a value.
func unknown(path string, s *apiextensionsv1.JSONSchemaProps, value any) []string {
	if s.XPreserveUnknownFields != nil && *s.XPreserveUnknownFields || s.XEmbeddedResource || path == ".metadata" {
		return nil
	}
	var out []string
	switch v := value.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			p, ok := s.Properties[k]
			switch {
			case ok:
				out = append(out, unknown(path+"."+k, &p, v[k])...)
			case s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil:
				out = append(out, unknown(path+"."+k, s.AdditionalProperties.Schema, v[k])...)
			default:
				out = append(out, path+"."+k+" is not in the schema")
			}
		}
	case []any:
		for _, i := range v {
			if s.Items != nil && s.Items.Schema != nil {
				out = append(out, unknown(path+"[]", s.Items.Schema, i)...)
			}
		}
	}
	return out
}
