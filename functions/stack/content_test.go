// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

func orders(metrics v1alpha1.SLOMetricSource) v1alpha1.SLO {
	return v1alpha1.SLO{
		Name: "orders", Objective: "99.9", Window: v1alpha1.SLOWindow30d, ServiceName: "checkout",
		Indicator: v1alpha1.SLOIndicator{Type: v1alpha1.SLOAvailability, MetricSource: metrics},
	}
}

// watching is a stack of components that are asked for, on a cluster with or
// without volumes.
func watching(volumes bool, slos []v1alpha1.SLO, components ...string) computedValues {
	w := computedValues{capabilities: &v1alpha1.Capabilities{}, stack: v1alpha1.StackParameters{SLOs: slos}, parts: map[string]selected{}}
	if volumes {
		w.capabilities.StorageClassName = "fast"
	}
	for _, c := range components {
		w.parts[c] = selected{}
	}
	return w
}

// TestContentAbout holds the list against what the chart's files need.
func TestContentAbout(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "package", "charts", "content", "files", "index.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Dashboards, Rules []struct{ Needs []string }
	}
	if err := yaml.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"perses-operator": true, grafana: true}
	for _, i := range slices.Concat(index.Dashboards, index.Rules) {
		for _, n := range i.Needs {
			// Neither is a component.
			if n != "slos" && n != "crossplane" {
				want[n] = true
			}
		}
	}
	got := slices.Sorted(slices.Values(contentAbout()))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
		t.Errorf("contentAbout(): -needed, +listed:\n%s", diff)
	}
}

func TestWireContent(t *testing.T) {
	v := wireContent(watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceHTTPServer), {Name: "broken", Objective: "much"}}, prometheus, jaeger, "perses-operator"))
	if diff := cmp.Diff(map[string]any{prometheus: true, "perses-operator": true}, v["components"]); diff != "" {
		t.Errorf("Jaeger has no dashboard of ours: -want, +got:\n%s", diff)
	}
	slos, _ := v["slos"].([]any)
	if len(slos) != 1 {
		t.Fatalf("want the rules of the SLO that can be watched, got %v", slos)
	}
	// What is not plain cannot be copied: this panics then.
	runtime.DeepCopyJSON(v)
	if name := slos[0].(map[string]any)["name"]; name != "orders" {
		t.Errorf("want the rules of SLO orders, got those of %v", name)
	}
}

func TestSLOProblems(t *testing.T) {
	cases := map[string]struct {
		reason string
		w      computedValues
		want   string
	}{
		"Watched":      {"Nothing is wrong.", watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceHTTPServer)}, prometheus, content), ""},
		"NoContent":    {"Nobody would bring the rules.", watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceHTTPServer)}, prometheus), "SLO orders needs component content"},
		"NoPrometheus": {"Nobody would read the rules.", watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceHTTPServer)}, content), "SLO orders needs component kube-prometheus-stack"},
		"NoSpans":      {"Nobody counts spans.", watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceSpanMetrics)}, prometheus, content), "SLO orders counts spans and needs component collector-gateway"},
		"Spans":        {"The collectors count them.", watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceSpanMetrics)}, prometheus, content, collectorGateway), ""},
		"Invalid":      {"What an older schema let through is said.", watching(true, []v1alpha1.SLO{{Name: "x", Objective: "much"}}, prometheus, content), `cannot make rules of SLO x: objective "much" is no number`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range tc.w.problems() {
				got = append(got, p.Message)
			}
			if joined := strings.Join(got, "; "); (tc.want == "") != (joined == "") || !strings.Contains(joined, tc.want) {
				t.Errorf("%s\nwant %q, got %q", tc.reason, tc.want, joined)
			}
		})
	}
}

func TestWorkloadSLOs(t *testing.T) {
	own := orders(v1alpha1.SLOMetricSourceHTTPServer)
	of := func(w computedValues) []string {
		w.workloadSLOs = []v1alpha1.SLO{{Name: "orders", Objective: "95"}, {Name: "shop-frontend", Objective: "99"}}
		var out []string
		for _, s := range w.slos() {
			out = append(out, s.Name+" "+s.Objective)
		}
		return out
	}
	cases := map[string]struct {
		reason string
		w      computedValues
		want   []string
	}{
		"All":         {"The stack's own come first, and instead of one of the same name.", watching(true, []v1alpha1.SLO{own}, prometheus, content, collectorGateway), []string{"orders " + own.Objective, "shop-frontend 99"}},
		"NoCollector": {"Workloads tell the collectors: without them nothing is measured, and nobody asked for it.", watching(true, []v1alpha1.SLO{own}, prometheus, content), []string{"orders " + own.Objective}},
		"NoContent":   {"Nobody would bring the rules, which is no problem of the team's.", watching(true, nil, prometheus, collectorGateway), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, of(tc.w)); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestNoticeOfRetention(t *testing.T) {
	week := orders(v1alpha1.SLOMetricSourceHTTPServer)
	week.Window = v1alpha1.SLOWindow7d
	cases := map[string]struct {
		reason string
		w      computedValues
		want   string
	}{
		"None":  {"Without SLOs there is nothing to say.", watching(true, nil, prometheus), ""},
		"Month": {"A month is longer than what is kept.", watching(true, []v1alpha1.SLO{orders(v1alpha1.SLOMetricSourceHTTPServer)}, prometheus), "keeps metrics for 15d"},
		"Week":  {"A week is kept on a volume.", watching(true, []v1alpha1.SLO{week}, prometheus), ""},
		"Day":   {"Without a volume not even a week is.", watching(false, []v1alpha1.SLO{week}, prometheus), "keeps metrics for 1d"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, n := range tc.w.warnings() {
				if n.Name == "slos" {
					got = n.Message
				}
			}
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%s\nwant %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

// TestDurations holds the bounds of the collectors' histograms against the
// thresholds that the schema admits: a threshold between two bounds would never
// see a request.
func TestDurations(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "apis", "v1alpha1", "slo_types.go"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := make([]string, 0, len(durations()))
	for _, d := range durations() {
		quoted = append(quoted, `"`+d.(string)+`"`)
	}
	if enum := "+kubebuilder:validation:Enum=" + strings.Join(quoted, ";"); !strings.Contains(string(b), enum) {
		t.Errorf("the schema does not admit exactly these thresholds: %s", enum)
	}
}
